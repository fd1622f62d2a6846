"""Every act that leaves a row in the audit log, with the sentence people read. Add yours here."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from conecta.kit.language import Text

ACTIONS: Final[Mapping[str, Text]] = MappingProxyType(
    {
        "sign_in.succeeded": Text("Inicio de sesión", "Signed in"),
        "sign_in.failed": Text("Inicio de sesión fallido", "Sign-in failed"),
        "sign_in.throttled": Text(
            "Inicio de sesión frenado por demasiados intentos", "Sign-in held back after too many attempts"
        ),
        "sign_out": Text("Cierre de sesión", "Signed out"),
        "session.revoked": Text("Sesión cerrada a distancia", "Session ended remotely"),
        "session.firm_switched": Text("Cambio de firma", "Switched firm"),
        "password.changed": Text("Contraseña cambiada", "Password changed"),
        "password.reset_requested": Text("Restablecimiento de contraseña pedido", "Password reset asked for"),
        "password.reset": Text("Contraseña restablecida", "Password reset"),
        "totp.enabled": Text("Código de un solo uso activado", "One-time codes turned on"),
        "totp.disabled": Text("Código de un solo uso desactivado", "One-time codes turned off"),
        "passkey.added": Text("Llave de acceso añadida", "Passkey added"),
        "passkey.removed": Text("Llave de acceso eliminada", "Passkey removed"),
        "recovery_codes.made": Text("Códigos de recuperación generados", "Recovery codes made"),
        "recovery_code.used": Text("Código de recuperación usado", "Recovery code used"),
        "member.invited": Text("Persona invitada a la firma", "Person invited to the firm"),
        "member.joined": Text("Persona incorporada a la firma", "Person joined the firm"),
        "member.added": Text("Persona añadida a la firma", "Person added to the firm"),
        "member.changed": Text("Miembro modificado", "Member changed"),
        "invitation.revoked": Text("Invitación retirada", "Invitation revoked"),
        "api_key.created": Text("Clave de API creada", "API key created"),
        "api_key.rolled": Text("Clave de API renovada", "API key rolled"),
        "api_key.revoked": Text("Clave de API revocada", "API key revoked"),
        "webhook.created": Text("Webhook creado", "Webhook created"),
        "webhook.changed": Text("Webhook modificado", "Webhook changed"),
        "webhook.deleted": Text("Webhook eliminado", "Webhook deleted"),
        "webhook.secret_rotated": Text(
            "Rotación del secreto de un webhook iniciada", "Webhook secret rotated"
        ),
        "webhook.secret_promoted": Text(
            "Secreto nuevo de un webhook confirmado", "New secret of a webhook confirmed"
        ),
        "webhook.rotation_cancelled": Text(
            "Rotación del secreto de un webhook cancelada", "Rotation of a webhook secret cancelled"
        ),
        "webhook.disabled": Text("Webhook desactivado por fallos", "Webhook disabled after failures"),
        "oauth_app.created": Text("Aplicación OAuth registrada", "OAuth application registered"),
        "oauth_app.changed": Text("Aplicación OAuth modificada", "OAuth application changed"),
        "oauth_app.secret_rotated": Text(
            "Secreto de una aplicación OAuth rotado", "Secret of an OAuth application rotated"
        ),
        "oauth_app.deleted": Text("Aplicación OAuth eliminada", "OAuth application deleted"),
        "oauth_grant.given": Text("Acceso concedido a una aplicación", "Access granted to an application"),
        "oauth_grant.revoked": Text("Acceso de una aplicación retirado", "Access of an application revoked"),
        "oauth_grant.replayed": Text(
            "Credencial de una aplicación repetida: acceso retirado",
            "Credential of an application replayed: access revoked",
        ),
        "tenant.changed": Text("Datos de la firma modificados", "Firm's data changed"),
        "clock.moved": Text("Reloj de pruebas movido", "Test clock moved"),
        "client.invited": Text("Cliente invitado al portal", "Client invited to the portal"),
        "client.signed_in": Text("Inicio de sesión de un cliente", "A client signed in"),
        "client.access_revoked": Text("Acceso de un cliente retirado", "Access of a client revoked"),
        "calendar_feed.created": Text("Calendario para suscribirse creado", "Calendar feed created"),
        "calendar_feed.revoked": Text("Calendario para suscribirse revocado", "Calendar feed revoked"),
        "calendar_connection.made": Text("Calendario conectado", "Calendar connected"),
        "calendar_connection.changed": Text("Calendario conectado modificado", "Connected calendar changed"),
        "calendar_connection.ended": Text("Calendario desconectado", "Calendar disconnected"),
        "calendar_event.moved": Text("Cita movida en un calendario", "Booking moved in a calendar"),
        "calendar_event.deleted": Text("Cita borrada en un calendario", "Booking deleted in a calendar"),
        "booking_links.revoked": Text("Enlaces de una cita revocados", "Links to a booking revoked"),
        "publishable_key.created": Text("Clave publicable creada", "Publishable key created"),
        "publishable_key.changed": Text("Clave publicable modificada", "Publishable key changed"),
        "publishable_key.revoked": Text("Clave publicable revocada", "Publishable key revoked"),
        "public_site.changed": Text("Página pública modificada", "Public page changed"),
        "review.published": Text("Reseña publicada", "Review published"),
        "review.rejected": Text("Reseña rechazada", "Review rejected"),
        "audit.exported": Text("Registro de auditoría exportado", "Audit log exported"),
    }
)
