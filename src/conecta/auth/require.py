"""`require(scope)`: who may call a route, written as the type of its `caller` argument."""

from typing import Any

from fastapi import Depends, Request

from conecta.kit.errors import InsufficientScope

from .caller import Caller
from .scopes import Scope


class Require:
    """Lets in callers with a scope; clients and visitors of the firm only where it says so."""

    def __init__(self, scope: Scope | None, *, clients: bool = False, visitors: bool = False) -> None:
        self.scope, self.clients, self.visitors = scope, clients, visitors

    def check(self, request: Request) -> None:
        """Raise InsufficientScope (403) when the caller may not come in."""
        caller: Caller = request.state.caller
        welcome = {"client": self.clients, "visitor": self.visitors}
        outside = not welcome.get(caller.kind, True)
        if outside or (self.scope is not None and self.scope not in caller.scopes):
            wanted = str(self.scope or "firm")
            raise InsufficientScope(wanted, " ".join(sorted(caller.scopes)))

    async def __call__(self, request: Request) -> Caller:
        """Return the caller, whom the route class has checked already."""
        caller: Caller = request.state.caller
        return caller


def require(scope: Scope | None, *, clients: bool = False, visitors: bool = False) -> Any:
    """Return the dependency that needs this scope (None: any credential).

    A feature names it once: `CasesRead = Annotated[Caller, require(Scope.CASES_READ)]`.
    """
    return Depends(Require(scope, clients=clients, visitors=visitors))
