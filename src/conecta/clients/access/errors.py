"""Refusals of clients' access."""

from conecta.kit.errors import Problem
from conecta.kit.language import Text


class ClientAccessOff(Problem):
    status = 409
    code = "client_access_off"
    title = Text("Los clientes no tienen acceso", "Clients have no access")
    detail = Text(
        "La firma no deja entrar a sus clientes; cámbialo con PATCH /tenant y client_access.",
        "The firm lets no client sign in; change that with PATCH /tenant and client_access.",
    )


class ClientWithoutEmail(Problem):
    status = 409
    code = "client_without_email"
    title = Text("El cliente no tiene correo", "The client has no e-mail address")
    detail = Text(
        "El cliente {id} no tiene correo principal al que enviar el enlace; añádelo con PATCH /clients/{id}.",
        "The client {id} has no main e-mail address to send the link to; add it with PATCH /clients/{id}.",
    )
