"""`GET /admin/v1/events`: what happens, as it happens, as server-sent events."""

import asyncio
from collections.abc import Callable, Hashable
from typing import Any

from litestar import get
from litestar.di import NamedDependency
from litestar.response.base import ASGIResponse

from tokenhub.admin.access import Access
from tokenhub.core.access import digest, session_digest
from tokenhub.core.errors import BadRequest
from tokenhub.core.events import HEARTBEAT, TYPES
from tokenhub.filters import FilterError, parse
from tokenhub.ports.events import Feed, Matches, Reader
from tokenhub.web import cookies
from tokenhub.web.auth import bearer, needs, operator_of
from tokenhub.web.body import Http
from tokenhub.web.lasting import GONE, LEAVE
from tokenhub.web.paging import queried

_HEAD = (
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    # For nginx: an event that waits in a buffer is none.
    (b"x-accel-buffering", b"no"),
)
_MOST_FILTER_CHARS = 1_000
# A term takes 3 to 14 us of each event (2026-11-22), in the loop that serves requests.
_MOST_TERMS = 8
_MOST_DIGITS = 16
_WANTED = (*TYPES, HEARTBEAT)


@get("/events", opt=needs("viewer"))
async def live_events(
    request: Http, feed: NamedDependency[Feed], access: NamedDependency[Access]
) -> ASGIResponse:
    """The reader is taken here, so that whoever gets none hears it as an error."""
    query = queried(request, ("types", "filter", "last_event_id"))
    text = query.get("filter", "").strip()
    if len(text) > _MOST_FILTER_CHARS:
        raise BadRequest(f"filter may have {_MOST_FILTER_CHARS} characters", field="filter")
    mark, still = _credential(request, access)
    reader = feed.open(
        after=_last_id(request.headers.get("last-event-id") or query.get("last_event_id", "")),
        types=_types(query.get("types", "")),
        text=text,
        matches=compiled(text) if text else None,
        mark=mark,
        still=still,
    )
    return Live(reader)


class Live(ASGIResponse):
    """An answer that goes on until its reader is over or the other end hangs up."""

    def __init__(self, reader: Reader) -> None:
        super().__init__()
        self._reader = reader

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Send what comes, until the reader is over."""
        del receive
        reader = self._reader
        scope[LEAVE] = reader.leave
        if GONE in scope:
            reader.leave()
        try:
            await send({"type": "http.response.start", "status": 200, "headers": list(_HEAD)})
            while data := await reader.next():
                await send({"type": "http.response.body", "body": data, "more_body": True})
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        except asyncio.CancelledError:
            # The server stops and this one did not read: there is nobody to be told.
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            reader.leave()


def compiled(text: str) -> Matches:
    """The filter that a text says, over the fields of an event. Raises BadRequest."""
    try:
        wanted = parse(text)
    except FilterError as error:
        raise BadRequest(str(error), field="filter") from error
    if len(wanted.terms) > _MOST_TERMS:
        raise BadRequest(
            f"a filter of events may have {_MOST_TERMS} terms; several values of one field "
            "make one: model:gpt,claude",
            field="filter",
        )
    return wanted.matches


def _types(text: str) -> tuple[str, ...]:
    names = tuple(name for part in text.split(",") if (name := part.strip()))
    if unknown := sorted(set(names) - set(_WANTED)):
        raise BadRequest(
            f"there is no type of events {unknown[0]!r}; known: {', '.join(_WANTED)}",
            field="types",
        )
    return names


def _last_id(text: str) -> int | None:
    """Whatever is no id of ours is older than all that is kept."""
    if not text:
        return None
    known = text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS
    return int(text) if known else 0


def _credential(request: Http, access: Access) -> tuple[Hashable, Callable[[], bool]]:
    """What opened this stream, and whether it would do so now."""
    if token := bearer(request.headers):
        operator = operator_of(request.scope)  # type: ignore[arg-type]  # a scope is a dict
        mark = digest(token)
        token_id = "" if operator is None else operator.token_id
        return mark, lambda: access.opens(token_id, mark)
    session_id = cookies.session_in(request.headers)
    # An open stream is no use of a session: a page that was left open would keep it for ever.
    return session_digest(session_id), lambda: access.session(session_id, renew=False) is not None
