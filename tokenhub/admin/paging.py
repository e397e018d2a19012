"""A page of rows, newest first, and where the next one begins."""

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

import msgspec
from msgspec.structs import replace

from tokenhub.ports.pages import Paged, PageQuery

Query = TypeVar("Query", bound=PageQuery)
Row = TypeVar("Row")


class Page(msgspec.Struct, Generic[Row], frozen=True, kw_only=True):
    """`next` is the `before` of the following page, None at the end; `total` is of all pages."""

    rows: Sequence[Row]
    total: int
    next: str | None


async def page_of(
    kept: Paged[Query, Row], query: Query, *, id_of: Callable[[Row], str]
) -> Page[Row]:
    """The page that a query asks for."""
    # One more than asked for tells whether there is a next page.
    rows = await kept.page(replace(query, limit=query.limit + 1))
    shown = rows[: query.limit]
    total = await kept.count(replace(query, before=""))
    more = len(rows) > len(shown) and len(shown) > 0
    return Page(rows=shown, total=total, next=id_of(shown[-1]) if more else None)
