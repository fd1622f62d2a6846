"""Who works in the firm and which rooms it has: the names that stand for ids on pages."""

import json
from collections.abc import Mapping
from typing import Any

from conecta.bookings.rooms import service as rooms
from conecta.bookings.rooms.schemas import RoomFilters
from conecta.kit.pages import MAX_LIMIT
from conecta.pages.web import Page
from conecta.users import service as users
from conecta.users.schemas import UserFilters

Names = Mapping[str, str]


async def members(page: Page) -> list[dict[str, Any]]:
    """Return every member of the firm, by when they came, those without access too."""
    found: list[dict[str, Any]] = []
    cursor = None
    while True:
        filters = UserFilters(limit=MAX_LIMIT, cursor=cursor)
        part = await users.list_users(
            page.reads, page.pager, tenant_id=page.person.tenant_id, filters=filters
        )
        found += [json.loads(row) for row in part.rows]
        cursor = part.next_cursor
        if cursor is None:
            return found


def names_of(people: list[dict[str, Any]]) -> Names:
    """Return the names of members by their ids."""
    return {member["id"]: member["name"] for member in people}


def assignable(people: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """Return those who can be put in charge of something, as a form's choices."""
    return [
        (member["id"], member["name"])
        for member in people
        if member["active"] and member["role"] != "assistant"
    ]


async def room_names(page: Page) -> Names:
    """Return the names of the firm's rooms by their ids."""
    found: dict[str, str] = {}
    cursor = None
    while True:
        filters = RoomFilters(limit=MAX_LIMIT, cursor=cursor)
        part = await rooms.list_rooms(
            page.reads, page.pager, tenant_id=page.person.tenant_id, filters=filters
        )
        found |= {room["id"]: room["name"] for room in map(json.loads, part.rows)}
        cursor = part.next_cursor
        if cursor is None:
            return found
