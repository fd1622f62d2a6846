"""People with passwords, registered applications, and what an application does over HTTP."""

import base64
import hashlib
import json
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import httpx
from fastapi import FastAPI
from joserfc import jws
from joserfc.jwk import ECKey

from conecta.api import PREFIX
from conecta.people.passwords import service as passwords
from conecta.people.passwords.service import NewPassword
from tests.firms import Firm

from .browserless import Browser, Seen, authorize, in_process

CALLBACK = "https://app.example/callback"
NATIVE_CALLBACK = "http://127.0.0.1/callback"
SCOPE = "read:cases write:bookings"
PASSWORD = "cinco-puertas-y-un-faro-71"

_sealed: list[NewPassword] = []


@dataclass(frozen=True)
class Person:
    """Somebody who can sign in."""

    email: str
    id: str
    password: str = PASSWORD

    @property
    def login(self) -> tuple[str, str]:
        return self.email, self.password


async def give_password(app: FastAPI, superuser: Any, user_id: str) -> Person:
    """Let a member of a firm sign in."""
    if not _sealed:
        # Hashing takes as long as it should; once a run is enough for those who are no subject of a test.
        _sealed.append(await passwords.prepare_password(PASSWORD, about=[]))
    person_id, email = superuser.execute(
        "select p.id, p.email from users u join people p on p.id = u.person_id where u.id = %s", [user_id]
    ).fetchone()
    async with app.state.database.transaction(system=True) as session:
        await passwords.set_password(session, person_id=person_id, new=_sealed[0])
    return Person(email, person_id)


async def add_member(api: httpx.AsyncClient, app: FastAPI, superuser: Any, role: str, email: str) -> Person:
    """Add a member to a firm by its API and let them sign in."""
    answer = await api.post("/users", json={"email": email, "name": email.partition("@")[0], "role": role})
    assert answer.status_code == 201, answer.text
    return await give_password(app, superuser, answer.json()["id"])


@dataclass
class OAuthApp:
    """A registered application, and its half of the protocol."""

    http: httpx.AsyncClient
    id: str
    secret: str | None = None
    redirect_uri: str = CALLBACK
    row: Mapping[str, Any] = field(default_factory=dict)

    @property
    def issuer(self) -> str:
        return str(self.http.base_url).rstrip("/")

    def url(self, **parameters: str | None) -> str:
        """Return the link by which a person comes to us; None leaves a parameter out."""
        asked = {
            "client_id": self.id,
            "redirect_uri": self.redirect_uri,
            "response_type": "code",
            "scope": SCOPE,
            "state": "af0ifjsldkj",
            **parameters,
        }
        return "/oauth/authorize?" + urlencode({k: v for k, v in asked.items() if v is not None})

    def _identified(
        self, fields: Mapping[str, str], how: str | None, headers: Mapping[str, str]
    ) -> tuple[dict[str, str], dict[str, str]]:
        how = how or ("basic" if self.secret else "none")
        body, sent = dict(fields), dict(headers)
        if how == "basic":
            sent["Authorization"] = basic(self.id, self.secret or "")
        else:
            body.setdefault("client_id", self.id)
        if how == "post":
            body.setdefault("client_secret", self.secret or "")
        return body, sent

    async def call(
        self, path: str, fields: Mapping[str, str], *, how: str | None = None, **headers: str
    ) -> httpx.Response:
        """Post a form to a machine endpoint, identified by `basic`, `post` or `none`."""
        body, sent = self._identified(fields, how, headers)
        return await self.http.post(path, data=body, headers=sent)

    async def token(
        self, *, how: str | None = None, dpop: str | None = None, **fields: str
    ) -> httpx.Response:
        headers = {"DPoP": dpop} if dpop else {}
        return await self.call("/oauth/token", fields, how=how, **headers)

    async def exchange(self, code: str, verifier: str | None = None, **more: Any) -> httpx.Response:
        fields = {"grant_type": "authorization_code", "code": code, "redirect_uri": self.redirect_uri}
        if verifier is not None:
            fields["code_verifier"] = verifier
        return await self.token(**{**fields, **more})

    async def refresh(self, refresh_token: str, **more: Any) -> httpx.Response:
        return await self.token(grant_type="refresh_token", refresh_token=refresh_token, **more)

    async def revoke(self, token: str, **more: Any) -> httpx.Response:
        return await self.call("/oauth/revoke", {"token": token}, **more)

    async def introspect(self, token: str, **more: Any) -> httpx.Response:
        return await self.call("/oauth/introspect", {"token": token}, **more)

    async def code(
        self, browser: Browser, person: Person, *, firm: str | None = None, **parameters: Any
    ) -> str:
        """Let a person allow what is asked and return the code."""
        return code_of(await self.consented(browser, person, firm=firm, **parameters))

    async def consented(
        self,
        browser: Browser,
        person: Person,
        *,
        firm: str | None = None,
        scopes: Any = None,
        **parameters: str | None,
    ) -> Seen:
        url = self.url(**{"prompt": "consent", **parameters})
        return await authorize(browser, url, person=person.login, firm=firm, scopes=scopes)

    async def tokens(
        self, browser: Browser, person: Person, *, firm: str | None = None, **parameters: Any
    ) -> dict:
        """Walk the whole flow, with PKCE, and return what the token endpoint answered."""
        verifier, challenge = pkce()
        asked = {"code_challenge": challenge, "code_challenge_method": "S256", **parameters}
        answer = await self.exchange(await self.code(browser, person, firm=firm, **asked), verifier)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def api(self, method: str, path: str, token: str, **more: Any) -> httpx.Response:
        """Call the native API with an access token."""
        headers = {"Authorization": f"Bearer {token}", **more.pop("headers", {})}
        return await self.http.request(method, PREFIX + path, headers=headers, **more)


def code_of(seen: Seen) -> str:
    """Return the code with which an application was called back."""
    assert seen.outside, (seen.url, seen.status, seen.text[:300])
    assert "error" not in seen.query, seen.query
    return seen.query["code"]


def pkce() -> tuple[str, str]:
    """Return a code verifier and its S256 challenge."""
    verifier = secrets.token_urlsafe(48)
    return verifier, b64(hashlib.sha256(verifier.encode()).digest())


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def basic(client_id: str, secret: str) -> str:
    return "Basic " + base64.b64encode(f"{client_id}:{secret}".encode()).decode()


def parts_of(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return header and claims of a JWT, unchecked."""
    header, claims, _ = token.split(".")
    read = [json.loads(base64.urlsafe_b64decode(part + "==")) for part in (header, claims)]
    return read[0], read[1]


async def register_app(app: FastAPI, firm: Firm, **wanted: Any) -> OAuthApp:
    """Register an application of a firm by the native API."""
    body = {
        "name": "Agenda Clara",
        "kind": "confidential",
        "redirect_uris": [CALLBACK],
        "scopes": SCOPE.split(),
        **wanted,
    }
    async with firm.client(app) as api:
        answer = await api.post("/oauth-apps", json=body)
    assert answer.status_code == 201, answer.text
    row = answer.json()
    uris = row["redirect_uris"]
    http = in_process(app, address="198.51.100.20")
    return OAuthApp(http, row["id"], row["client_secret"], uris[0] if uris else CALLBACK, row)


class Prover:
    """The holder of a DPoP key."""

    def __init__(self, curve: str = "P-256") -> None:
        self.key = ECKey.generate_key(curve, auto_kid=False)

    @property
    def thumbprint(self) -> str:
        return self.key.thumbprint()

    def proof(
        self,
        method: str,
        url: str,
        *,
        token: str | None = None,
        header: Mapping[str, Any] | None = None,
        **claims: Any,
    ) -> str:
        """Sign a proof; claims and header members given here replace the right ones, None drops them."""
        body = {
            "jti": secrets.token_urlsafe(16),
            "htm": method,
            "htu": url,
            "iat": int(time.time()),
            "ath": b64(hashlib.sha256(token.encode()).digest()) if token else None,
            **claims,
        }
        head = {
            "typ": "dpop+jwt",
            "alg": "ES256",
            "jwk": self.key.as_dict(private=False),
            **(header or {}),
        }
        payload = json.dumps({name: value for name, value in body.items() if value is not None})
        protected = {name: value for name, value in head.items() if value is not None}
        return jws.serialize_compact(protected, payload, self.key, algorithms=[str(head["alg"])])
