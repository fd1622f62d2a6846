"""The link of an invitation: who is new chooses a password, who is known signs in and accepts."""

from starlette.responses import Response

from conecta.kit.errors import Problem
from conecta.kit.language import Text
from conecta.people.errors import SignInRefusal
from conecta.people.sign_in.service import Proof
from conecta.sessions import service as sessions
from conecta.users.invitations import service
from conecta.users.invitations.schemas import InvitationCreate
from conecta.users.invitations.service import (
    InvitationClosed,
    InvitationForSomebodyElse,
    OpenInvitation,
)

from . import door, forms
from .consent_view import ROLES
from .forms import NO_ERRORS, FormErrors
from .refusals import PageRefusal
from .web import Page, VisitorPage, page_router

router = page_router("/invitations")


@router.get("/{secret}")
async def show_invitation(page: VisitorPage, secret: str) -> Response:
    """Say which firm, which role, and what to do to accept."""
    return _show(page, await _open(page, secret), secret)


@router.post("/{secret}")
async def accept(page: VisitorPage, secret: str) -> Response:
    """Join: as whoever is signed in, else with a new password."""
    form = await page.form()
    invitation = await _open(page, secret)
    if invitation.can_sign_in:
        return await _accept_as_known(page, invitation, secret)
    try:
        wanted = forms.read(
            InvitationCreate, {"name": form.get("name"), "email": invitation.email, "role": invitation.role}
        )
        joined = await service.accept_as_new(
            page.database,
            page.keyring,
            secret=secret,
            name=wanted.name,
            password=str(form.get("password", "")),
        )
    except Problem as problem:
        return _show(page, invitation, secret, form=form, errors=forms.errors_of(problem), status=422)
    except SignInRefusal as refusal:
        errors = FormErrors({"password": [str(refusal.text)]})
        return _show(page, invitation, secret, form=form, errors=errors, status=422)
    except InvitationClosed as closed:
        raise _gone(closed) from None
    except InvitationForSomebodyElse:  # they have got a password since the page was shown
        return page.redirect(_sign_in(secret))
    proof = Proof(joined.person_id, wanted.name, "password", strong=False)
    _welcome(page, invitation)
    return await door.enter(page, proof, "/panel", tenant_id=joined.tenant_id)


async def _accept_as_known(page: Page, invitation: OpenInvitation, secret: str) -> Response:
    signed_in = page.signed_in
    if signed_in is None or signed_in.person_id is None:
        return page.redirect(_sign_in(secret))
    try:
        joined = await service.accept_as(
            page.database, page.keyring, secret=secret, person_id=signed_in.person_id
        )
    except InvitationClosed as closed:
        raise _gone(closed) from None
    except InvitationForSomebodyElse as other:
        raise PageRefusal(403, Text("Es para otra persona", "It is for somebody else"), other.text) from None
    async with page.transaction(system=True) as session:
        await sessions.switch_firm(session, signed_in=signed_in, tenant_id=joined.tenant_id)
    _welcome(page, invitation)
    return page.redirect("/panel")


def _show(
    page: Page,
    invitation: OpenInvitation,
    secret: str,
    *,
    form: object = None,
    errors: FormErrors = NO_ERRORS,
    status: int = 200,
) -> Response:
    signed_in = page.signed_in
    is_theirs = (
        signed_in is not None
        and signed_in.person_id is not None
        and signed_in.person_id == invitation.person_id
    )
    return page.render(
        "people/invitation.html",
        status=status,
        invitation=invitation,
        role=ROLES[invitation.role],
        is_theirs=is_theirs,
        sign_in_address=_sign_in(secret),
        form=form or {"name": invitation.name},
        errors=errors,
    )


def _sign_in(secret: str) -> str:
    return door.with_next("/sign-in", f"/invitations/{secret}")


def _welcome(page: Page, invitation: OpenInvitation) -> None:
    text = Text("Ya formas parte de {firm}.", "You are now a member of {firm}.")
    page.notice(text.fill(firm=invitation.firm_name))


async def _open(page: Page, secret: str) -> OpenInvitation:
    try:
        return await service.open_invitation(page.database, page.keyring, secret=secret)
    except InvitationClosed as closed:
        raise _gone(closed) from None


def _gone(closed: InvitationClosed) -> PageRefusal:
    return PageRefusal(
        410, Text("La invitación ya no vale", "The invitation is no longer valid"), closed.text
    )
