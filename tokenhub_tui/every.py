"""All rows of a list of the server, where one answer may not have all of them."""

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

from tokenhub.client.call import Call
from tokenhub_tui.link import Link


class Page(Protocol):
    """`total` counts the rows of all pages."""

    total: int


P = TypeVar("P", bound=Page)
R = TypeVar("R")


async def every(
    link: Link, listed: Callable[..., Call[P]], rows: Callable[[P], Sequence[R]]
) -> list[R]:
    """The `rows` of page after page. `listed` takes an `offset`. Raises ClientError."""
    page = await link(listed())
    found = list(rows(page))
    while len(found) < page.total:
        page = await link(listed(offset=len(found)))
        if not rows(page):
            break
        found += rows(page)
    return found
