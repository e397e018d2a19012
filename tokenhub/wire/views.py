"""Saved views as operators see and send them."""

import msgspec


class View(msgspec.Struct, kw_only=True):
    """A name for requests of the log. `columns` are fields of its rows; none is the usual ones."""

    name: str
    filter: str
    columns: list[str]
    version: int


class ViewPut(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """`filter` is in the grammar of the log's filters; empty means all requests."""

    filter: str = ""
    columns: list[str] = []


class ViewPage(msgspec.Struct, kw_only=True):
    items: list[View]
    total: int
    limit: int
    offset: int
