"""An installation with the demo firm, as a third party meets it: by address, with credentials of its own."""

import json
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import httpx

from tests.processes import Installation

CALLBACK = "https://app.example/callback"
SCOPE = "read:cases write:bookings"


@dataclass
class House:
    """A running installation."""

    running: Installation

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.running.port}"

    @property
    def api(self) -> str:
        return self.running.url

    @cached_property
    def demo(self) -> dict[str, Any]:
        """What `conecta demo --json` prints."""
        return self.running.json("demo")

    @property
    def person(self) -> tuple[str, str]:
        return self.demo["user"]["email"], self.demo["user"]["password"]

    def register(self, **wanted: Any) -> dict[str, Any]:
        """Register an application with an administrator's key."""
        body = {"redirect_uris": [CALLBACK], "scopes": SCOPE.split(), **wanted}
        headers = {"Authorization": f"Bearer {self.demo['api_key']}"}
        answer = httpx.post(f"{self.api}/oauth-apps", json=body, headers=headers)
        assert answer.status_code == 201, answer.text
        return answer.json()

    def initial_access_token(self) -> str:
        """Make a token with which applications register themselves, as an operator does."""
        printed = self.running.run(
            "oauth", "initial-access-token", "--tenant", self.demo["tenant_id"], "--json"
        )
        return json.loads(printed.stdout)["initial_access_token"]
