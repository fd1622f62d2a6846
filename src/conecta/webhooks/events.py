"""What other systems learn about their own endpoints."""

from conecta.events.types import EventType
from conecta.kit.language import Text
from conecta.kit.schemas import ReadSchema


class WebhookTestPayload(ReadSchema):
    """A trial message, sent on request to one endpoint."""

    endpoint_id: str
    """`whk_…` of the endpoint under test."""
    message: str
    """A greeting."""


TEST = EventType(
    "webhook.test",
    WebhookTestPayload,
    Text("Mensaje de prueba de un webhook", "Trial message of a webhook"),
    {
        "endpoint_id": "whk_01m7wbgc28efz8dbeq636vqtdv",
        "message": "Si lees esto y la firma cuadra, tu webhook funciona.",
    },
)

EVENTS = (TEST,)
