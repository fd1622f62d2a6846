"""Tells the people who answer for a firm, by mail, how its endpoints are doing."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy.ext.asyncio import AsyncSession

from conecta.audit import service as audit
from conecta.kit.crypto import KeyRing
from conecta.kit.language import Text
from conecta.messages import service as messages
from conecta.messages.service import Mail

from . import delivery_queries as queries
from . import health

_SUBJECTS = {
    "healthy": Text("Tu webhook de {host} vuelve a funcionar", "Your webhook of {host} works again"),
    "unhealthy": Text("Tu webhook de {host} está fallando", "Your webhook of {host} is failing"),
    "warning": Text(
        "Tu webhook de {host} lleva más de un día fallando", "Your webhook of {host} has failed for a day"
    ),
    "disabled": Text("Hemos desactivado tu webhook de {host}", "We have disabled your webhook of {host}"),
}
_BUTTON = Text("Ver el webhook", "See the webhook")
_FOOTER = Text(
    "Recibes este aviso porque eres titular o administras la firma en Conecta.",
    "You get this notice because you own or administer the firm in Conecta.",
)


class Notice(NamedTuple):
    """A change of an endpoint's health, and the sentence that tells it."""

    endpoint: queries.Endpoint
    step: health.Step
    url: str
    sentence: Text


class Herald:
    """Writes the mails of notices in the transaction that records them."""

    def __init__(self, keyring: KeyRing, base_url: str) -> None:
        """Prepare a herald; `base_url` is where the panel is."""
        self._keyring, self._base_url = keyring, base_url

    async def tell(self, session: AsyncSession, notices: Sequence[Notice]) -> None:
        """Mail each notice to the owners and admins of its firm; needs a system session.

        What concerns a sandbox goes into its own mailbox. Being disabled is an act of ours, so it goes
        into the audit log, too.
        """
        if not notices:
            return
        audience = await queries.audience(session, {notice.endpoint[0] for notice in notices})
        for notice in notices:
            tenant_id, endpoint_id = notice.endpoint
            mail = self._mail(notice)
            for reader in audience.get(tenant_id, ()):
                await messages.send_mail(
                    session,
                    self._keyring,
                    tenant_id=tenant_id,
                    to=reader.email,
                    language=reader.language,
                    mail=mail,
                )
            if notice.step.health == "disabled":
                await audit.record(
                    session,
                    tenant_id=tenant_id,
                    action="webhook.disabled",
                    actor=audit.SYSTEM,
                    target=endpoint_id,
                    details={"url": notice.url, "reason": notice.step.reason},
                )

    def _mail(self, notice: Notice) -> Mail:
        page = f"{self._base_url}/panel/webhooks/{notice.endpoint[1]}"
        return Mail(
            subject=_SUBJECTS[notice.step.health].fill(host=health.host_of(notice.url)),
            paragraphs=[notice.sentence],
            button=(_BUTTON, page),
            footer=_FOOTER,
        )
