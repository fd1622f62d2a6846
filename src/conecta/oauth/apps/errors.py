"""Refusals of OAuth apps."""

from conecta.kit.errors import Problem
from conecta.kit.language import Text


class AppHasNoSecret(Problem):
    status = 409
    code = "app_has_no_secret"
    title = Text("La aplicación no usa secreto", "The app has no secret")
    detail = Text(
        "{id} es una aplicación pública: no puede guardar un secreto, y usa PKCE en su lugar.",
        "{id} is a public app: it cannot keep a secret, and uses PKCE instead.",
    )


class AppScopesNotYours(Problem):
    status = 403
    code = "app_scopes_not_yours"
    title = Text("No puedes dar esos permisos", "You cannot give those scopes")
    detail = Text(
        "Una aplicación con client_credentials actúa sin que nadie consienta: solo puede tener permisos de"
        " quien la registra o renueva su secreto. Faltan: {missing}.",
        "An app with client_credentials acts without anybody's consent: it can only have scopes of whoever"
        " registers it or renews its secret. Missing: {missing}.",
    )


class TooManyApps(Problem):
    status = 409
    code = "too_many_apps"
    title = Text("Demasiadas aplicaciones", "Too many apps")
    detail = Text(
        "La firma ya tiene {limit} aplicaciones; elimina alguna que no se use.",
        "The firm has {limit} apps already; delete one that is not used.",
    )
