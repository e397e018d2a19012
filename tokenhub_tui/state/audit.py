"""The audit trail: which entries a filter means, entries as rows, and what a change changed.

The server looks for actions, resources and actors by their beginning; what else a filter says is
held against the rows that it gives.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import msgspec

from tokenhub.client.call import Call
from tokenhub.client.calls.audit import list_audit
from tokenhub.client.text import from_ms, plain
from tokenhub.filters import LEAST, MOST, Field, Fields, Filter, Term, Text, parse
from tokenhub.wire.audit import AuditEntry, AuditPage
from tokenhub_tui.state.cells import Cell, Column, Row
from tokenhub_tui.state.decisions import at
from tokenhub_tui.state.feed import unix

FIELDS: Fields = MappingProxyType(
    {
        "action": Field(("action",)),
        "actor": Field(("actor",)),
        "resource": Field(("resource",)),
        "outcome": Field(("outcome",)),
        "address": Field(("address",)),
        "why": Field(("why",)),
        "request": Field(("request_id",)),
        "since": Field(("timestamp",), "time", 1000),
        "until": Field(("timestamp",), "time", 1000),
    }
)
COLUMNS = (
    Column(id="timestamp", title="time", width=8, most=11),
    Column(id="mark", title="", width=1),
    Column(id="actor", title="actor", width=10, most=24),
    Column(id="action", title="action", width=14, most=28),
    Column(id="resource", title="resource", width=14, most=44),
    Column(id="change", title="change", width=16, most=80, rank=1),
    Column(id="address", title="address", width=12, most=24, rank=3),
    Column(id="request_id", title="request", width=12, most=40, rank=4),
)
DIFF = (
    Column(id="mark", title="", width=1),
    Column(id="field", title="field", width=12, most=32),
    Column(id="before", title="before", width=16, most=60),
    Column(id="after", title="after", width=16, most=60),
)
# What the server takes as a whole, and what it takes with a star at its end.
_WHOLE = {"actor": "actor", "address": "address", "outcome": "outcome", "request": "request_id"}
_STARRED = {"action": "action", "resource": "resource"}


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """A filter of the trail: what the server is asked for, and what is left to hold rows against.

    Entries that the server gives and `rest` does not mean are not shown.
    """

    asked: Mapping[str, str] = {}
    rest: Filter = Filter()

    def call(self, *, limit: int, before: str | None = None) -> Call[AuditPage]:
        """A page of them. `before` is the `next` of the page before."""
        return list_audit(limit=limit, before=int(before) if before else None, **self.asked)

    def of(self, page: AuditPage) -> list[AuditEntry]:
        """Those of a page that are meant."""
        if not self.rest.terms:
            return page.logs
        return [one for one in page.logs if self.rest.matches(msgspec.structs.asdict(one))]


def wanted(text: str, now: float) -> Wanted:
    """What a filter means. Raises FilterError."""
    asked: dict[str, str] = {}
    rest: list[Term] = []
    found = parse(text, now=now, fields=FIELDS)
    for term in found.timeless.terms:
        name, value = _asked(term)
        if name and name not in asked:
            asked[name] = value
        else:
            rest.append(_unstarred(term))
    low, high = found.window
    if low > LEAST:
        asked["since"] = from_ms(low)
    if high < MOST:
        asked["until"] = from_ms(high + 1)
    return Wanted(asked=asked, rest=Filter(tuple(rest)))


def _asked(term: Term) -> tuple[str, str]:
    """The server's parameter that says just the same as the term; empty where none does."""
    if term.negated or not isinstance(term.test, Text) or len(term.test.values) != 1:
        return "", ""
    (value,) = term.test.values
    if term.test.exact and term.field in _WHOLE:
        return _WHOLE[term.field], value
    stem, star = value.removesuffix("*"), value.endswith("*")
    if term.field in _STARRED and (term.test.exact or star) and "*" not in stem:
        return _STARRED[term.field], value
    return "", ""


def _unstarred(term: Term) -> Term:
    """The term without the star at the end of a value: it is meant as a part anyway."""
    if not isinstance(term.test, Text) or term.test.exact:
        return term
    values = tuple(value.removesuffix("*") for value in term.test.values)
    return replace(term, test=replace(term.test, values=values))


# --- Rows ---


def row(one: AuditEntry, now: float) -> Row:
    """An entry as a row."""
    refused = one.outcome != "ok"
    said = one.why.replace("_", " ") or one.outcome if refused else summary(one)
    times = f" ×{one.times}" if one.times > 1 else ""
    return Row(
        id=str(one.id),
        cells=(
            at(unix(one.timestamp), now),
            Cell("✗", "bad") if refused else Cell("✓", "good"),
            one.actor,
            one.action,
            one.resource,
            Cell(f"{said}{times}", "bad" if refused else ""),
            one.address,
            one.request_id,
        ),
    )


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """A field that a change touched; None where it was not there, or is no more."""

    field: str
    before: str | None
    after: str | None


def differences(one: AuditEntry) -> list[Difference]:
    """What the change found and left, field by field; those that stayed are left out."""
    before, after = _flat(_read(one.before)), _flat(_read(one.after))
    names = [*before, *(name for name in after if name not in before)]
    return [
        Difference(field=name, before=before.get(name), after=after.get(name))
        for name in names
        if before.get(name, _NOTHING) != after.get(name, _NOTHING)
    ]


def summary(one: AuditEntry) -> str:
    """The change in a line: `weight 8 → 9`, `created`, `deleted`."""
    before, after = _read(one.before), _read(one.after)
    if before is None and after is None:
        return ""
    if before is None:
        return "created"
    if after is None:
        return "deleted"
    told = [one for one in differences(one) if one.field not in _SILENT]
    return ", ".join(f"{it.field} {_side(it.before)} → {_side(it.after)}" for it in told)


def diff_rows(one: AuditEntry) -> list[Row]:
    """The differences as rows."""
    return [
        Row(
            id=it.field,
            cells=(
                _MARKS[it.before is None, it.after is None],
                it.field,
                Cell(_side(it.before), "bad" if it.before is not None else "dim"),
                Cell(_side(it.after), "good" if it.after is not None else "dim"),
            ),
        )
        for it in differences(one)
    ]


def facts(one: AuditEntry) -> Iterator[tuple[str, str]]:
    """What else is known of an entry."""
    yield "actor", f"{one.actor or 'nobody'} from {one.address or 'this server'}"
    yield "outcome", f"{one.outcome}{f': {one.why}' if one.why else ''}"
    if one.times > 1:
        yield "times", str(one.times)
    if one.request_id:
        yield "request", one.request_id
    yield "hash", one.hash


# These follow from any change, and say nothing in a line.
_SILENT = {"version", "updated_at"}
# How `plain` writes none: a field that came empty, or went empty, is no difference.
_NOTHING = "-"
_MARKS = {
    (True, False): Cell("+", "good"),
    (False, True): Cell("-", "bad"),
    (False, False): Cell("~", "warn"),
}


def _side(value: str | None) -> str:
    return _NOTHING if value is None else value


def _read(raw: msgspec.Raw) -> Any:
    try:
        return msgspec.json.decode(bytes(raw) or b"null")
    except msgspec.DecodeError:
        return bytes(raw).decode("utf-8", "replace")


def _flat(value: Any, path: str = "") -> dict[str, str]:
    """The leaves of a value, by their paths with dots."""
    if isinstance(value, Mapping):
        found: dict[str, str] = {}
        for name, below in value.items():
            found |= _flat(below, f"{path}.{name}" if path else str(name))
        return found
    if value is None and not path:
        return {}
    text = plain(value) if not _nested(value) else msgspec.json.encode(value).decode()
    return {path or "value": text}


def _nested(value: Any) -> bool:
    return isinstance(value, Sequence) and any(isinstance(one, Mapping | list) for one in value)
