"""Refusals of invitations."""

from conecta.kit.errors import Problem
from conecta.kit.language import Text


class InvitationAccepted(Problem):
    status = 409
    code = "invitation_accepted"
    title = Text("La invitación ya está aceptada", "The invitation was accepted already")
    detail = Text(
        "La invitación {id} ya se aceptó; para quitarle el acceso, desactiva al miembro.",
        "The invitation {id} was accepted already; deactivate the member to take their access away.",
    )


class TooManyInvitations(Problem):
    status = 409
    code = "too_many_invitations"
    title = Text("Demasiadas invitaciones pendientes", "Too many pending invitations")
    detail = Text(
        "La firma ya tiene {limit} invitaciones pendientes; retira alguna o espera a que caduquen.",
        "The firm has {limit} pending invitations already; revoke some or wait until they expire.",
    )


class InvitationClosed(Exception):
    """The link of an invitation is unknown, used, taken back or expired; shown on a page only."""

    text = Text(
        "La invitación ya no vale: se ha aceptado, la firma la ha retirado o ha caducado. Pide otra a tu"
        " firma.",
        "The invitation is no longer valid: it was accepted, the firm took it back, or it has expired. Ask"
        " your firm for another one.",
    )


class InvitationForSomebodyElse(Exception):
    """The person who is signed in is not whom the invitation was mailed to; shown on a page only."""

    text = Text(
        "La invitación es para otra dirección de correo. Sal y entra con esa cuenta.",
        "The invitation is for another e-mail address. Sign out, and in with that account.",
    )
