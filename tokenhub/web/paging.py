"""Query parameters of the admin API. A wrong or unknown one is refused, never ignored."""

from collections.abc import Collection, Sequence
from typing import TypeVar

import msgspec

from tokenhub.core.errors import BadRequest
from tokenhub.web.auth import REHEARSES
from tokenhub.web.body import Http
from tokenhub.web.rehearsing import DRY_RUN

T = TypeVar("T")

MAX_LIMIT = 1000
# SQLite's integers end at 2**63; no list is near this.
_MAX_OFFSET = 10**12
_MAX_DIGITS = 15


class Page(msgspec.Struct, frozen=True, kw_only=True):
    limit: int
    offset: int

    def cut(self, rows: Sequence[T]) -> Sequence[T]:
        return rows[self.offset : self.offset + self.limit]


def queried(request: Http, known: Collection[str]) -> dict[str, str]:
    """The query parameters, each at most once and each a known one."""
    found: dict[str, str] = {}
    for name, value in request.query_params.multi_items():
        if name == DRY_RUN and REHEARSES in request.route_handler.opt:
            continue  # `web/rehearsing.py` has read it
        if name not in known:
            allowed = ", ".join(sorted(known)) or "none"
            raise BadRequest(f"unknown query parameter {name!r}; known: {allowed}", field=name)
        if name in found:
            raise BadRequest(f"{name} is given more than once", field=name)
        found[name] = str(value)
    return found


def page_of(query: dict[str, str], *, limit: int = MAX_LIMIT) -> Page:
    """The page that `limit` and `offset` ask for; `limit` is what it is where nothing is said."""
    return Page(
        limit=number(query, "limit", default=limit, least=1, most=MAX_LIMIT),
        offset=number(query, "offset", default=0, least=0, most=_MAX_OFFSET),
    )


def number(query: dict[str, str], name: str, *, default: int, least: int, most: int) -> int:
    """The whole number of that name. Raises BadRequest naming it."""
    text = query.get(name)
    if text is None:
        return default
    digits = text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS
    if not digits or not least <= int(text) <= most:
        raise BadRequest(f"{name} must be a whole number from {least} to {most}", field=name)
    return int(text)
