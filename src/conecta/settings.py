"""Every setting of the program, read from `CONECTA_*` environment variables (and a `.env` file)."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from conecta.kit.mail import SmtpServer, sender_address
from conecta.kit.sms import SmsGateway

# Delay in seconds before each new try: the schedule of the Standard Webhooks specification, 75 h 35 m in all.
STANDARD_WEBHOOKS_SCHEDULE = (5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400)


class Settings(BaseSettings):
    """What an operator may decide; each field's description is repeated in `.env.example`."""

    model_config = SettingsConfigDict(env_prefix="CONECTA_", env_file=".env", extra="ignore", frozen=True)

    data_dir: Path = Field(Path(".conecta"), description="Folder of the embedded database and local secrets.")
    database_url: str | None = Field(None, description="External Postgres (16 or newer); none: embedded.")
    redis_url: str | None = Field(
        None, description="Redis or Valkey for rate limits; none: Postgres keeps them."
    )
    secret_key: SecretStr | None = Field(
        None, description="Root secret; none: one is made in the data folder."
    )
    old_secret_keys: Annotated[list[SecretStr], NoDecode] = Field(
        [], description="Former root secrets, comma-separated, still accepted for reading."
    )
    base_url: str = Field(
        "http://127.0.0.1:8000", description="Public address of this API, without a final slash."
    )
    cors_origins: Annotated[list[str], NoDecode] = Field(
        [], description="Web origins, comma-separated, that may call the API from a browser; * for any."
    )
    trusted_proxies: str = Field(
        "127.0.0.1", description="Addresses of the proxies whose X-Forwarded-* headers are believed."
    )
    max_body_bytes: int = Field(1_048_576, ge=1024, description="Largest request body accepted, in bytes.")
    database_pool: int = Field(
        10, ge=2, le=100, description="Connections of each kind that one process may hold."
    )
    log_format: Literal["console", "json"] = Field(
        "console", description="console for people, json for machines."
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", description="The least level logged."
    )
    sign_in_failures_per_minute: int = Field(
        30, ge=1, description="Refused credentials one address may send in a minute before it gets 429."
    )
    oauth_dpop_nonce: bool = Field(False, description="Demand a nonce of ours in DPoP proofs (RFC 9449 §8).")
    oauth_grant_seconds: float = Field(
        30.0,
        ge=0,
        le=60,
        description="Seconds a server trusts what it last read of a grant: how late a revocation may come.",
    )
    smtp_url: str | None = Field(
        None,
        description="Mail server, smtp://user:password@host:587; none: mail is captured, to be read here.",
    )
    mail_from: str = Field("Conecta <no-reply@localhost>", description="Sender of all mail.")
    sms_url: SecretStr | None = Field(
        None,
        description="SMS gateway, https://account:token@api.twilio.com?from=+34600000000; none: captured.",
    )
    event_retention_days: int = Field(90, ge=1, description="Days that events and their deliveries are kept.")
    message_retention_days: int = Field(30, ge=1, description="Days that mail and captured mail are kept.")
    request_retention_days: int = Field(30, ge=1, description="Days that the log of API calls is kept.")
    audit_retention_days: int = Field(730, ge=1, description="Days that the audit log is kept.")
    shutdown_seconds: int = Field(
        20, ge=1, description="How long running requests may take after a stop signal."
    )
    webhook_allow_private: bool = Field(
        False, description="Let webhooks go to private and loopback addresses, and to http://."
    )
    webhook_ports: Annotated[list[int], NoDecode] = Field(
        [443, 8443], description="Ports that webhook addresses may use, comma-separated."
    )
    webhook_proxy_url: str | None = Field(None, description="Egress proxy for webhook deliveries.")
    webhook_retry_seconds: Annotated[list[float], NoDecode] = Field(
        list(STANDARD_WEBHOOKS_SCHEDULE),
        description="Seconds before each new try of a delivery, comma-separated.",
    )
    webhook_timeout_seconds: float = Field(15.0, gt=0, description="Longest time one delivery may take.")
    webhook_endpoint_concurrency: int = Field(
        20, ge=1, description="Deliveries one worker may have under way to one endpoint at a time."
    )

    google_client_id: str | None = Field(
        None, description="OAuth client of Google, for calendars; none: off."
    )
    google_client_secret: SecretStr | None = Field(None, description="Its secret.")
    google_api_url: str = Field(
        "https://www.googleapis.com/calendar/v3", description="Google's calendar API, without a final slash."
    )
    google_authorize_url: str = Field(
        "https://accounts.google.com/o/oauth2/v2/auth", description="Where people let us into Google."
    )
    google_token_url: str = Field(
        "https://oauth2.googleapis.com/token", description="Google's token endpoint."
    )
    google_revoke_url: str = Field(
        "https://oauth2.googleapis.com/revoke", description="Where access to Google is given back."
    )
    microsoft_client_id: str | None = Field(
        None, description="OAuth client of Microsoft, for calendars; none: off."
    )
    microsoft_client_secret: SecretStr | None = Field(None, description="Its secret.")
    microsoft_api_url: str = Field(
        "https://graph.microsoft.com/v1.0", description="Microsoft Graph, without a final slash."
    )
    microsoft_login_url: str = Field(
        "https://login.microsoftonline.com/common/oauth2/v2.0",
        description="Microsoft's authorize and token endpoints, without a final slash.",
    )
    calendar_poll_seconds: float = Field(
        300.0, ge=10, description="Seconds after which a calendar is read again without being told to."
    )
    calendar_push_url: str | None = Field(
        None, description="Where calendar providers notify us; none: the public address, if it is https."
    )

    @field_validator(
        "cors_origins", "webhook_ports", "webhook_retry_seconds", "old_secret_keys", mode="before"
    )
    @classmethod
    def _split(cls, value: object) -> object:
        return (
            [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value
        )

    @field_validator("smtp_url")
    @classmethod
    def _mail_server(cls, value: str | None) -> str | None:
        if value:
            SmtpServer.parse(value)
        return value or None

    @field_validator("sms_url", mode="before")
    @classmethod
    def _sms_gateway(cls, value: object) -> object:
        if isinstance(value, str) and value:
            SmsGateway.parse(value)
        return value or None

    @field_validator("mail_from")
    @classmethod
    def _sender(cls, value: str) -> str:
        sender_address(value)
        return value

    @field_validator("base_url")
    @classmethod
    def _without_final_slash(cls, value: str) -> str:
        return value.rstrip("/")

    @property
    def delivers(self) -> list[str]:
        """The channels by which messages really leave this installation: `mail`, `sms`."""
        ways = {"mail": self.smtp_url, "sms": self.sms_url}
        return [channel for channel, url in ways.items() if url is not None]
