"""`conecta doctor`: looks at an installation as an operator would and says what is wrong."""

import shutil
import socket
from dataclasses import dataclass
from urllib.parse import urlsplit

from conecta.installation import address_of_running_server, open_database
from conecta.kit.embedded_postgres import EmbeddedPostgresError
from conecta.kit.mail import SmtpServer, sender_address
from conecta.kit.migrate import DatabaseUnusable, check_server
from conecta.kit.sms import SmsGateway
from conecta.oauth.rules import is_loopback
from conecta.settings import Settings

_LEAST_FREE_BYTES = 1_000_000_000


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    level: str
    sentence: str

    @property
    def broken(self) -> bool:
        """Whether the installation cannot work like this."""
        return self.level == "BROKEN"

    def __str__(self) -> str:
        return f"{self.level:<7} {self.sentence}"


def examine(settings: Settings) -> list[Finding]:
    """Return what was found, good and bad."""
    findings = [_database(settings), _secret(settings), _address(settings), _limits(settings)]
    return [*findings, _mail(settings), _texts(settings), _webhooks(settings), _disk(settings)]


def _database(settings: Settings) -> Finding:
    try:
        with open_database(settings) as dsn:
            version = check_server(dsn)
    except (EmbeddedPostgresError, DatabaseUnusable, OSError) as error:
        return Finding("BROKEN", str(error))
    kind = "External" if settings.database_url else "Embedded"
    return Finding("ok", f"{kind} Postgres {version // 10_000}.{version % 10_000}, migrated.")


def _secret(settings: Settings) -> Finding:
    if settings.secret_key is None and settings.database_url:
        sentence = (
            f"CONECTA_SECRET_KEY is not set: the root secret is the file in {settings.data_dir}. "
            "Other servers and workers of this database need the same one."
        )
        return Finding("WARNING", sentence)
    return Finding(
        "ok", "Root secret: " + ("from the settings." if settings.secret_key else "in the data folder.")
    )


def _address(settings: Settings) -> Finding:
    base_url = address_of_running_server(settings)
    parts = urlsplit(base_url)
    if parts.scheme != "https" and not is_loopback(parts.hostname or ""):
        return Finding("WARNING", f"{base_url} is not https: credentials would travel in the clear.")
    return Finding("ok", f"Public address: {base_url}.")


def _limits(settings: Settings) -> Finding:
    if settings.redis_url is None:
        return Finding("ok", "Rate limits are counted in Postgres.")
    from redis import Redis
    from redis.exceptions import RedisError

    try:
        Redis.from_url(settings.redis_url, socket_timeout=3, socket_connect_timeout=3).ping()
    except (RedisError, OSError) as error:
        return Finding("WARNING", f"Redis does not answer ({error}); Postgres counts the limits meanwhile.")
    return Finding("ok", "Rate limits are counted in Redis.")


def _mail(settings: Settings) -> Finding:
    if settings.smtp_url is None:
        return Finding("ok", "No mail server: mail is captured; `conecta mailbox` shows it.")
    server = SmtpServer.parse(settings.smtp_url)
    try:
        with socket.create_connection((server.host, server.port), timeout=3):
            pass
    except OSError as error:
        return Finding("WARNING", f"The mail server {server.host}:{server.port} does not answer ({error}).")
    if sender_address(settings.mail_from).domain == "localhost":
        return Finding("WARNING", "CONECTA_MAIL_FROM is not set: nobody can believe mail from localhost.")
    return Finding("ok", f"Mail goes through {server.host}:{server.port}.")


def _texts(settings: Settings) -> Finding:
    if settings.sms_url is None:
        return Finding("ok", "No SMS gateway: text messages are captured.")
    gateway = SmsGateway.parse(settings.sms_url.get_secret_value())
    return Finding("ok", f"Text messages go through {urlsplit(gateway.endpoint).hostname}.")


def _webhooks(settings: Settings) -> Finding:
    if settings.webhook_allow_private:
        return Finding("WARNING", "Webhooks may go to private addresses (CONECTA_WEBHOOK_ALLOW_PRIVATE).")
    return Finding("ok", "Webhooks go to public https addresses only.")


def _disk(settings: Settings) -> Finding:
    folder = settings.data_dir if settings.data_dir.exists() else settings.data_dir.absolute().parent
    free = shutil.disk_usage(folder).free
    if free < _LEAST_FREE_BYTES:
        return Finding("WARNING", f"Only {free // 1_000_000} MB are free where {folder} lies.")
    return Finding("ok", f"{free // 1_000_000_000} GB are free for the data folder.")
