"""What keeps a person from a page: another page instead, or a page that says why."""

from conecta.kit.language import Text


class Redirected(Exception):
    """The person is sent elsewhere, such as to the sign-in, before the page was opened."""

    def __init__(self, location: str) -> None:
        self.location = location
        super().__init__(location)


class PageRefusal(Exception):
    """A refusal that only pages know; what features refuse is a Problem and is shown as well as the API's."""

    def __init__(self, status: int, title: Text, detail: Text) -> None:
        self.status, self.title, self.detail = status, title, detail
        super().__init__(title.en)


def form_expired() -> PageRefusal:
    """Refuse a form that does not prove that it came from a page of ours, opened by the same person."""
    return PageRefusal(
        403,
        Text("Este formulario ha caducado", "This form has expired"),
        Text(
            "La sesión ha cambiado desde que abriste la página, o el formulario no salió de ella. No se ha"
            " guardado nada: vuelve atrás, recarga la página y repite.",
            "The session has changed since you opened the page, or the form did not come from it. Nothing was"
            " saved: go back, reload the page and try again.",
        ),
    )


def not_for_this_role() -> PageRefusal:
    """Refuse a page of whoever administers the firm."""
    return PageRefusal(
        403,
        Text("No tienes acceso a esta página", "You have no access to this page"),
        Text(
            "Solo la titularidad y la administración de la firma pueden verla. Pídeselo a quien administra"
            " tu firma.",
            "Only owners and administrators of the firm can see it. Ask whoever administers your firm.",
        ),
    )


def portal_unknown() -> PageRefusal:
    """Tell somebody without a session which door the portal has."""
    return PageRefusal(
        403,
        Text("Entra con el enlace de tu despacho", "Come in by your firm's link"),
        Text(
            "El portal se abre con el enlace que te envió tu despacho. Si lo has perdido, pídele otro.",
            "The portal opens with the link your firm sent you. If you have lost it, ask them for another.",
        ),
    )


def unstorable() -> PageRefusal:
    """Refuse a text that no database can keep."""
    return PageRefusal(
        400,
        Text("Hay un carácter que no se puede guardar", "There is a character that cannot be stored"),
        Text(
            "Algún campo lleva el carácter NUL. Vuelve atrás y escríbelo de nuevo.",
            "Some field holds the character NUL. Go back and write it again.",
        ),
    )
