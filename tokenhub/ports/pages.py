"""Rows that are read a page at a time, newest first."""

from collections.abc import Sequence
from typing import Protocol, TypeVar

import msgspec


class PageQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which rows. `before` is the id that the last page ended with."""

    limit: int = 100
    offset: int = 0
    before: str = ""


Query_contra = TypeVar("Query_contra", bound=PageQuery, contravariant=True)
Row_co = TypeVar("Row_co", covariant=True)


class Paged(Protocol[Query_contra, Row_co]):
    """Where they are kept. `count` is of all pages."""

    async def page(self, query: Query_contra) -> Sequence[Row_co]: ...

    async def count(self, query: Query_contra) -> int: ...
