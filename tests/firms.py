"""Firms, keys and clients for tests, made by the same services that the product uses."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
from fastapi import FastAPI

from conecta.api import PREFIX
from conecta.api_keys import service as api_keys
from conecta.api_keys.schemas import ApiKeyCreate
from conecta.auth.scopes import Scope
from conecta.tenants import service as tenants


@dataclass(frozen=True)
class Firm:
    """A firm with a key of every scope for itself and for its sandbox."""

    id: str
    sandbox_id: str
    owner_id: str
    key: str
    sandbox_key: str

    @asynccontextmanager
    async def client(
        self, app: FastAPI, key: str | None = None, **headers: str
    ) -> AsyncIterator[httpx.AsyncClient]:
        """Call the API in process with a key of this firm; paths are those under /v1/servicios."""
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=False, client=("203.0.113.7", 4711))
        headers = {"Authorization": f"Bearer {key or self.key}", **headers}
        async with httpx.AsyncClient(
            transport=transport, base_url=f"http://testserver{PREFIX}", headers=headers
        ) as client:
            yield client


async def make_firm(
    app: FastAPI, name: str = "Bufete Prueba", plan: str = "enterprise", **limits: int
) -> Firm:
    """Create a firm with its sandbox, its owner and two keys."""
    state = app.state
    async with state.database.transaction(system=True) as session:
        new = await tenants.create_firm(
            session,
            name=name,
            plan=plan,
            owner_name="Núria Íñiguez",
            owner_email=f"owner-{name.replace(' ', '-').lower()}@example.com",
            **limits,
        )
        live = await api_keys.add_key(
            session, state.keyring, tenant_id=new.tenant_id, mode="live", wanted=_key(list(Scope))
        )
        test = await api_keys.add_key(
            session, state.keyring, tenant_id=new.sandbox_id, mode="test", wanted=_key(list(Scope))
        )
    return Firm(new.tenant_id, new.sandbox_id, new.owner_id, live.secret, test.secret)


async def make_key(app: FastAPI, tenant_id: str, scopes: Sequence[Scope], **more: Any) -> str:
    """Create a live key with these scopes and return its secret."""
    async with app.state.database.transaction(system=True) as session:
        new = await api_keys.add_key(
            session, app.state.keyring, tenant_id=tenant_id, mode="live", wanted=_key(list(scopes), **more)
        )
    return new.secret


def _key(scopes: list[Scope], **more: Any) -> ApiKeyCreate:
    return ApiKeyCreate(name="Pruebas", scopes=scopes, **more)
