"""Client metadata (RFC 7591 §2) of those who register themselves."""

from typing import Annotated, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field

from conecta.oauth.apps.schemas import HttpsUrl, Name, RedirectUris

AuthMethod = Literal["client_secret_basic", "client_secret_post", "none"]
AUTH_METHODS: tuple[AuthMethod, ...] = get_args(AuthMethod)
GrantType = Literal["authorization_code", "refresh_token"]

_USUAL: tuple[GrantType, ...] = ("authorization_code",)
_CODE: tuple[Literal["code"], ...] = ("code",)
_Text = Annotated[str, Field(max_length=200)]


class ClientMetadata(BaseModel):
    """What an app says of itself; members that we do not know are left out, as the RFC wants."""

    model_config = ConfigDict(strict=True, extra="ignore", str_strip_whitespace=True)

    redirect_uris: RedirectUris = Field(default_factory=list)
    token_endpoint_auth_method: AuthMethod = AUTH_METHODS[0]
    grant_types: Annotated[list[GrantType], Field(min_length=1, max_length=2)] = Field(
        default_factory=lambda: list(_USUAL)
    )
    response_types: Annotated[list[Literal["code"]], Field(max_length=1)] = Field(
        default_factory=lambda: list(_CODE)
    )
    client_name: Name | None = None
    client_uri: HttpsUrl | None = None
    logo_uri: HttpsUrl | None = None
    tos_uri: HttpsUrl | None = None
    policy_uri: HttpsUrl | None = None
    scope: Annotated[str, Field(max_length=500)] | None = None
    contacts: Annotated[list[_Text], Field(max_length=10)] | None = None
    software_id: _Text | None = None
    software_version: _Text | None = None
    dpop_bound_access_tokens: bool = False
    require_pushed_authorization_requests: bool = False
