"""Refusals of inquiries."""

from conecta.kit.errors import Problem
from conecta.kit.language import Text


class InquiryConverted(Problem):
    status = 409
    code = "inquiry_converted"
    title = Text("La consulta ya es de un cliente", "The inquiry is a client's already")
    detail = Text(
        "La consulta {id} ya se convirtió en el cliente {client_id}.",
        "The inquiry {id} has become the client {client_id} already.",
    )
    extension_names = ("client_id", "case_id")
