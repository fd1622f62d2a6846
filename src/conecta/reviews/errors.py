"""Refusals of reviews."""

from conecta.kit.errors import Problem
from conecta.kit.language import Text


class ReviewNotWritten(Problem):
    status = 409
    code = "review_not_written"
    title = Text("La reseña aún no está escrita", "The review is not written yet")
    detail = Text(
        "El cliente aún no ha contestado a la petición {id}; no hay nada que publicar ni responder.",
        "The client has not answered the request {id} yet; there is nothing to publish or to reply to.",
    )


class ReviewAlreadyAsked(Problem):
    status = 409
    code = "review_already_asked"
    title = Text("Ya se pidió esa reseña", "That review was asked for already")
    detail = Text(
        "A ese cliente ya se le pidió una reseña de lo mismo: {existing_id}.",
        "That client was asked for a review of the same already: {existing_id}.",
    )
    extension_names = ("existing_id",)

    def __init__(self, existing_id: str) -> None:
        super().__init__(extensions={"existing_id": existing_id}, existing_id=existing_id)


class NothingToReview(Problem):
    status = 409
    code = "nothing_to_review"
    title = Text("Aún no hay nada que valorar", "There is nothing to review yet")
    detail = Text(
        "Solo se pide reseña de una cita celebrada (completed) o de un expediente cerrado.",
        "A review is asked for only of a completed booking or of a closed case.",
    )
