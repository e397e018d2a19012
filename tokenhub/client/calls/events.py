"""Calls about events: what happens, as it happens."""

from collections.abc import Sequence
from functools import partial

from tokenhub.client.call import Call, query
from tokenhub.client.stream import EventReader, Heard, Stream

EVENTS = "/admin/v1/events"


def follow_events(*, types: Sequence[str] = (), wanted: str = "", after: str = "") -> Stream[Heard]:
    """Events of these types (none for all) that fit a filter, from now on, or after an id.

    Those of the stream itself come among them: `connected` after each connection, `gap` and
    `dropped` where some were lost, `end`.
    """
    return Stream(
        call=Call(
            method="GET",
            path=EVENTS,
            query=query(types=",".join(types), filter=wanted),
            returns=Heard,
        ),
        reader=partial(EventReader, after),
        accept="text/event-stream",
        resumes=True,
    )
