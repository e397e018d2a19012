"""Rows of answers by the names of their fields, for `--fields` and `--filter`."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import msgspec
import typer

R = TypeVar("R")


def fields_of(rows: Sequence[object]) -> Sequence[str]:
    """The names of the fields of these rows, as in JSON."""
    if not rows:
        return ()
    first = rows[0]
    return first.__struct_fields__ if isinstance(first, msgspec.Struct) else tuple(_told(first))


def value_of(row: object, name: str) -> object:
    """The field of that name; None where the row has none."""
    return row.get(name) if isinstance(row, Mapping) else getattr(row, name, None)


def wanted(text: str, rows: Sequence[R]) -> Sequence[R]:
    """The rows that a filter means (tokenhub.filters). Raises a usage error with a mark."""
    from tokenhub.filters import FilterError, of_rows  # noqa: PLC0415 - regexes, not for --help

    told = [_told(row) for row in rows]
    try:
        meant = of_rows(text, told)
    except FilterError as error:
        raise refused(text, error.reason, error.position) from error
    return [row for row, one in zip(rows, told, strict=True) if meant(one)]


def refused(text: str, reason: str, position: int) -> typer.BadParameter:
    """The usage error of a filter, with a mark below its fault."""
    return typer.BadParameter(f"{reason}\n  {text}\n  {' ' * position}^", param_hint="--filter")


def _told(row: object) -> Mapping[str, Any]:
    # By way of JSON: some of a row is kept as the JSON that it came as.
    told = msgspec.json.decode(msgspec.json.encode(row))
    return told if isinstance(told, Mapping) else {"id": told}
