"""The demo firm: made once, with fresh credentials each time somebody asks for them."""

import secrets
from datetime import timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from conecta.api_keys import service as api_keys
from conecta.api_keys.schemas import ApiKeyCreate
from conecta.auth.scopes import SEED_SCOPES, Scope
from conecta.bookings.rooms import service as rooms
from conecta.bookings.rooms.schemas import RoomCreate
from conecta.bookings.services import service as booking_services
from conecta.bookings.services.schemas import (
    ServiceCreate,
    ServiceHostWrite,
    ServiceLocation,
    ServicePrice,
)
from conecta.clients import service as clients
from conecta.clients.schemas import ClientCreate
from conecta.kit import clock
from conecta.kit.crypto import KeyRing
from conecta.kit.db import Database
from conecta.oauth import service as oauth
from conecta.oauth.apps.schemas import AppCreate
from conecta.people import service as people
from conecta.tenants import service as tenants
from conecta.users import service as users

_OWNER, _PROVIDER = "marta@demo.example", "luis@demo.example"
_KEY_LIFETIME = timedelta(days=30)
_CLIENT = ClientCreate(
    first_name="Lucía",
    last_name="Ferrer Ibáñez",
    tax_id="12345678Z",
    email="lucia@demo.example",
    phone="+34600111222",
    external_id="demo-client",
)
# Besides the service that every firm starts with: one with a price, a room and one member who gives it, so
# that each of its times is there once.
_ROOM = "Sala de juntas"
_SLUG = "primera-consulta"
_SERVICE = ServiceCreate(
    name="Primera consulta",
    slug=_SLUG,
    name_en="First appointment",
    description="Una reunión en el despacho para conocer el asunto.",
    durations=[45, 30, 60],
    price=ServicePrice(amount=6000),
    buffer_after=15,
    slot_step=15,
    location=ServiceLocation(kind="office", detail="Calle Mayor 1, València"),
)


async def credentials(database: Database, keyring: KeyRing, *, base_url: str) -> dict[str, Any]:
    """Create the demo firm if it is missing and return what `conecta demo --json` prints.

    Secrets cannot be read back, so every call makes a fresh password and fresh keys; the keys expire after
    thirty days. What no feature offers yet is null.
    """
    password = secrets.token_urlsafe(15)
    prepared = await people.prepare_password(password, about=[_OWNER])
    async with database.transaction(system=True) as session:
        firm = await tenants.firm_of_owner(session, email=_OWNER)
        if firm is None:
            firm = await _new_firm(session)
        client_id = await clients.id_of_external(session, tenant_id=firm.tenant_id, external_id="demo-client")
        provider_id = await users.id_of_email(session, tenant_id=firm.tenant_id, email=_PROVIDER)
        service_id = await _service(session, firm.tenant_id)
        await _service(session, firm.sandbox_id)
        owner = await people.find_or_create(session, email=_OWNER, name="Marta Demo")
        # Browsers stay signed in: the operator asked for credentials, and took nobody's away.
        await people.set_password(session, person_id=owner.id, new=prepared, end_sessions=False)
        live = await _key(session, keyring, firm.tenant_id, "live")
        test = await _key(session, keyring, firm.sandbox_id, "test")
        app = await _oauth_app(session, keyring, firm.tenant_id)
    return {
        "base_url": base_url,
        "tenant_id": firm.tenant_id,
        "api_key": live,
        "sandbox": {"tenant_id": firm.sandbox_id, "api_key": test},
        "client_id": client_id,
        "provider_id": provider_id,
        "service_id": service_id,
        "user": {"email": _OWNER, "password": password},
        "oauth": app,
        "dialects": {"urbem": None, "sabbatic": None, "lofirmo": None},
    }


async def _new_firm(session: AsyncSession) -> tenants.Firm:
    firm = await tenants.create_firm(
        session, name="Bufete Demo", plan="enterprise", owner_name="Marta Demo", owner_email=_OWNER
    )
    person = await people.find_or_create(session, email=_PROVIDER, name="Luis Demo")
    for tenant_id in (firm.tenant_id, firm.sandbox_id):
        await users.add_member(session, tenant_id=tenant_id, person=person, role="provider")
        await clients.create_client(session, tenant_id=tenant_id, wanted=_CLIENT)
    return firm


async def _service(session: AsyncSession, tenant_id: str) -> str:
    """Return the id of the demo's service; a firm that is older than services gets it now."""
    known = await booking_services.id_of_slug(session, tenant_id=tenant_id, slug=_SLUG)
    if known is not None:
        return known
    provider_id = await users.id_of_email(session, tenant_id=tenant_id, email=_PROVIDER)
    room_id, _ = await rooms.create_room(session, tenant_id=tenant_id, wanted=RoomCreate(name=_ROOM))
    hosts = [ServiceHostWrite(provider_id=provider_id)] if provider_id else []
    wanted = _SERVICE.model_copy(update={"hosts": hosts, "room_ids": [room_id]})
    service_id, _ = await booking_services.create_service(session, tenant_id=tenant_id, wanted=wanted)
    return service_id


async def _oauth_app(session: AsyncSession, keyring: KeyRing, tenant_id: str) -> dict[str, Any]:
    """Register the demo's app if it is missing; return its credentials, the secret fresh."""
    wanted = AppCreate(
        name="Demo",
        redirect_uris=["http://127.0.0.1:8765/callback"],
        scopes=list(SEED_SCOPES),
        grant_types=["authorization_code", "refresh_token", "client_credentials"],
    )
    client_id, secret = await oauth.app_with_fresh_secret(
        session, keyring, tenant_id=tenant_id, wanted=wanted
    )
    return {"client_id": client_id, "client_secret": secret, "redirect_uri": wanted.redirect_uris[0]}


async def _key(session: AsyncSession, keyring: KeyRing, tenant_id: str, mode: str) -> str:
    wanted = ApiKeyCreate(name="Demo", scopes=list(Scope), expires_at=clock.real_now() + _KEY_LIFETIME)
    new = await api_keys.add_key(session, keyring, tenant_id=tenant_id, mode=mode, wanted=wanted)
    return new.secret
