"""A filter as SQL. Values are bound, never written into a statement.

What all requests of a kind have in common (KINDS) is asked of `log_kinds`, of which there are few,
or of the row, in the same words; everything else of the row alone.
"""

from collections.abc import Iterable, Mapping

import msgspec

from tokenhub.filters import ANY_TEXT, LEAST, TEXTS, Filter, Numbers, Term, Text

Values = tuple[object, ...]

# Columns that `log_kinds` and `requests` both have.
KINDS: Mapping[str, str] = {
    "model": "model_id",
    "provider": "provider_id",
    "key": "key_id",
    "mode": "mode",
    "status": "status",
    "error": "error_class",
}
_OF_ATTEMPTS = "(SELECT {} FROM attempts a WHERE a.request_id = requests.request_id)"
_TRIED: Mapping[str, str] = {
    "tokens": _OF_ATTEMPTS.format("coalesce(sum(input_tokens + output_tokens), 0)"),
    "in": _OF_ATTEMPTS.format("coalesce(sum(input_tokens), 0)"),
    "out": _OF_ATTEMPTS.format("coalesce(sum(output_tokens), 0)"),
    "tries": _OF_ATTEMPTS.format("count(*)"),
}
_COLUMNS: Mapping[str, str] = {
    **KINDS,
    **_TRIED,
    "ms": "latency_us",
    "overhead": "max(0, latency_us - upstream_us)",
    # NULL is a price that is unknown: no comparison holds of it, and every `!` does.
    "cost": "coalesce(cost_nusd, -1)",
    "stream": "stream",
    "asked": "requested_model",
    "task": "task",
    "reason": "reason",
    "id": "request_id",
    "plan": "parent_id",
    "at": "at_ms",
}
# What a row costs to look at, in microseconds: measured over a million rows of a file in memory.
# To step to it, to search a column, to search all texts, to compare a number, to add up attempts.
_STEP, _SEARCH, _SEARCH_ALL, _COMPARE, _ATTEMPTS = 0.1, 0.25, 1.5, 0.02, 2.0
# So much of a search goes into rows that do not fit, a twenty-fifth of a second here.
_BUDGET_US = 40_000
# All searches share a thread: the dearest filter takes a quarter of a millisecond for each row.
_LEAST_ROWS, _MOST_ROWS = 1_000, 250_000
# Stands between the texts of a row where all are searched at once. No filter can hold it.
_BETWEEN = "char(31)"


class Predicate(msgspec.Struct, frozen=True):
    """A condition, and the values to bind to it; empty where everything fits."""

    sql: str = ""
    values: Values = ()

    def __and__(self, other: "Predicate") -> "Predicate":
        both = " AND ".join(part for part in (self.sql, other.sql) if part)
        return Predicate(both, self.values + other.values)


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """How a filter is looked for. `kinds` and `rows` must both hold, of the row.

    `rows_at_once` is how many rows may be looked at for it. `pointed` says that an index leads to
    the few rows that can fit.
    """

    kinds: Predicate
    rows: Predicate
    since_ms: int
    until_ms: int
    rows_at_once: int
    pointed: bool

    @property
    def of_kinds(self) -> bool:
        """Whether the counts of kinds tell all there is to tell."""
        return not self.rows.sql


def plan_of(wanted: Filter) -> Plan:
    """The plan of a filter. `until_ms` is excluded."""
    low, high = wanted.window
    # The cheapest first: what it leaves out need not be looked at further.
    terms = sorted(wanted.timeless.terms, key=_cost)
    kinds = [term for term in terms if term.field in KINDS]
    rows = [term for term in terms if term.field not in KINDS]
    cost = _STEP + sum(map(_cost, terms))
    return Plan(
        kinds=_all(kinds),
        rows=_all(rows),
        since_ms=low,
        until_ms=high + 1,
        rows_at_once=int(min(max(_BUDGET_US / cost, _LEAST_ROWS), _MOST_ROWS)),
        pointed=any(map(_pointed, rows)),
    )


def _all(terms: Iterable[Term]) -> Predicate:
    whole = Predicate()
    for term in terms:
        whole &= _one(term)
    return whole


def _one(term: Term) -> Predicate:
    if isinstance(term.test, Numbers):
        found = _numbers(_COLUMNS[term.field], term.test)
    elif term.field == ANY_TEXT:
        found = _anywhere(term.test)
    else:
        found = _text(_COLUMNS[term.field], term.test)
    if term.negated:
        return Predicate(f"NOT {found.sql}", found.values)
    if _pointed(term) and term.field == "plan":
        # What lets SQLite use the index, which has steps only.
        return found & Predicate("parent_id <> ''")
    return found


def _numbers(column: str, test: Numbers) -> Predicate:
    held = " OR ".join(f"{column} BETWEEN ? AND ?" for _ in test.ranges)
    # A price that is unknown is below every number that a filter can name.
    least = 0 if column == _COLUMNS["cost"] else LEAST
    values = [bound for low, high in test.ranges for bound in (max(low, least), high)]
    return Predicate(f"({held})", tuple(values))


def _text(column: str, test: Text) -> Predicate:
    whole = test.values if test.exact else ()
    parts = () if test.exact else test.values
    if column == KINDS["key"]:
        whole += test.also
    conditions = [f"instr(lower({column}), ?) > 0" for _ in parts]
    if whole:
        conditions.append(f"{column} IN ({','.join('?' * len(whole))})")
    return Predicate(f"({' OR '.join(conditions)})", (*parts, *whole))


def _anywhere(test: Text) -> Predicate:
    """A part of any text of a row. Joined, they cost a fifth of what they cost one by one."""
    joined = f" || {_BETWEEN} || ".join(_COLUMNS[name] for name in TEXTS)
    conditions = [f"instr(lower({joined}), ?) > 0" for _ in test.values]
    if test.also:
        conditions.append(f"{KINDS['key']} IN ({','.join('?' * len(test.also))})")
    return Predicate(f"({' OR '.join(conditions)})", (*test.values, *test.also))


def _pointed(term: Term) -> bool:
    """Whether the term names its rows by an id that is indexed."""
    exact = isinstance(term.test, Text) and term.test.exact and all(term.test.values)
    return exact and not term.negated and term.field in {"id", "plan"}


def _cost(term: Term) -> float:
    if isinstance(term.test, Numbers):
        return _ATTEMPTS if term.field in _TRIED else _COMPARE * len(term.test.ranges)
    each = _SEARCH_ALL if term.field == ANY_TEXT else _SEARCH
    return each * (len(term.test.values) + bool(term.test.also))
