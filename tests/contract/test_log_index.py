"""What SQL finds is what `Filter.matches` says of the rows that the API shows."""

import asyncio
import sqlite3
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import asdict, replace

from tokenhub.adapters.memory.logs import MemoryLogIndex
from tokenhub.adapters.memory.stores import MemoryJournal
from tokenhub.adapters.sqlite import searching
from tokenhub.adapters.sqlite.journal import ATTEMPTS, REQUESTS, _attempt_rows, _request_row
from tokenhub.adapters.sqlite.migrations import TOKENHUB
from tokenhub.adapters.sqlite.predicates import plan_of
from tokenhub.adapters.sqlite.rows import Inserts
from tokenhub.core.ids import request_id
from tokenhub.core.outcome import Attempt, Outcome
from tokenhub.core.tasks import TASKS
from tokenhub.filters import parse
from tokenhub.ports.logs import FACETS, LogSearch, Span
from tokenhub.web.admin.logs import shown

# Half an hour past an hour.
NOON = 1_763_640_000.0 + 1800
HOUR_S = 3600.0
TEXTS = ("gpt-4o", "GPT-4o-mini", "org/llama", "Éclair", "50%_off", 'a "b"', "", "back\\slash")
ERRORS = ("", "rate_limited", "upstream_failed")
NAMES = {"key_1": "ci-bot", "key_2": "Web", "key_3": "ci-old"}


@st.composite
def outcomes(draw):
    """A request within five hours; its id is of its time."""
    number = draw(st.integers(0, 5 * 3600 * 1000))
    at = NOON + number / 1000
    cost = st.one_of(st.none(), st.integers(0, 30_000_000))
    attempts = tuple(
        Attempt(
            number=place + 1,
            provider_id="p",
            model_id="m",
            state="settled",
            input_tokens=draw(st.integers(0, 3000)),
            output_tokens=draw(st.integers(0, 10)),
            cost_nusd=draw(cost),
        )
        for place in range(draw(st.integers(0, 2)))
    )
    return Outcome(
        request_id=request_id(at, draw(st.integers(0, 2**64 - 1))),
        at=at,
        key_id=draw(st.sampled_from(tuple(NAMES))),
        dialect="openai",
        requested_model=draw(st.sampled_from(TEXTS)),
        mode=draw(st.sampled_from(("normal", "cheap"))),
        task=draw(st.sampled_from(("", *TASKS))),
        reason="routed-weight-9",
        model_id=draw(st.sampled_from(TEXTS)),
        provider_id=draw(st.sampled_from(("openai", "vllm"))),
        status=draw(st.sampled_from((200, 302, 400, 429, 499, 500, 502))),
        error_class=draw(st.sampled_from(ERRORS)),
        stream=draw(st.booleans()),
        latency_s=draw(st.integers(0, 5_000_000)) / 1e6,
        upstream_s=draw(st.integers(0, 5_000_000)) / 1e6,
        attempts=attempts,
        parent_id=draw(st.sampled_from(("", "", "req_plan"))),
    )


def quoted(text):
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


NUMBERS = st.one_of(
    st.integers(0, 5000).map(str), st.decimals(0, 5, places=3, allow_nan=False).map(str)
)
SPANS = st.one_of(
    NUMBERS.map(lambda low: f"{low}.."),
    NUMBERS.map(lambda high: f"..{high}"),
    st.tuples(NUMBERS, NUMBERS).map("..".join),
    NUMBERS,
)
NUMERIC = st.sampled_from(("ms", "overhead", "cost", "tokens", "in", "out", "tries"))
TEXTUAL = st.sampled_from(
    ("model", "provider", "key", "mode", "task", "error", "asked", "reason", "plan")
)
WORDS = st.sampled_from(
    ("gpt", "code", "long", "é", "É", "%", "_", "O", '"', "\\", "ci", "up", "req_plan", "key_2")
)
TERMS = st.one_of(
    st.tuples(NUMERIC, st.sampled_from((">", ">=", "<", "<=", "=", "!=")), NUMBERS).map("".join),
    st.tuples(NUMERIC, SPANS).map(":".join),
    st.tuples(TEXTUAL, st.lists(WORDS.map(quoted), min_size=1, max_size=2).map(",".join)).map(
        ":".join
    ),
    st.tuples(TEXTUAL, st.sampled_from(("=", "!=")), st.sampled_from(TEXTS).map(quoted)).map(
        "".join
    ),
    st.sampled_from(
        ("status:error", "status:ok", "status:4xx,502", "status>=500", "stream:yes", "stream:no")
    ),
    st.sampled_from(("since:2025-11-20T13:10", "until:2025-11-20T15:07:01.5", "until:2025-11-20")),
    st.sampled_from(("since:2h", "until:90m", "since:1h30m")),
    WORDS.map(quoted),
)
FILTERS = st.lists(st.tuples(st.sampled_from(("", "!")), TERMS).map("".join), max_size=3).map(
    " ".join
)


@pytest.fixture(scope="module")
def conn(tmp_path_factory):
    path = tmp_path_factory.mktemp("log") / "log.sqlite"
    conn = sqlite3.connect(path, isolation_level=None)
    TOKENHUB.apply(conn, path)
    yield conn
    conn.close()


def fill(conn: sqlite3.Connection, rows: list[Outcome]) -> None:
    """The file with these requests and no others; what was there goes as pruning lets it go."""
    conn.execute("DELETE FROM attempts")
    conn.execute("DELETE FROM requests")
    assert 0 == conn.execute("SELECT count(*) FROM log_hours").fetchone()[0]
    Inserts(REQUESTS).run(conn, [value for row in rows for value in _request_row(row)])
    Inserts(ATTEMPTS).run(conn, [value for row in rows for value in _attempt_rows(row)])


def walked(conn, wanted, *, limit, at_once):
    """The ids of all pages, and what each but the last had for a cursor."""
    plan = replace(plan_of(wanted), rows_at_once=at_once)
    before, found = "", []
    while True:
        search = LogSearch(filter=wanted, limit=limit, before=before)
        page = searching._search(conn, plan=plan, search=search)
        found += [row.request_id for row in page.rows]
        assert not before or page.next < before
        before = page.next
        if not before:
            return found


LOGS = st.lists(outcomes(), max_size=25, unique_by=lambda row: row.request_id)
QUICK = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))


@QUICK
@given(LOGS, FILTERS, st.integers(1, 5), st.sampled_from((1, 3, 1000)))
def test_sql_finds_what_the_filter_matches(conn, rows, text, limit, at_once):
    fill(conn, rows)
    wanted = parse(text, now=NOON + 4 * HOUR_S)
    fitting = {row.request_id for row in rows if wanted.matches(asdict(shown(row, NAMES)))}

    found = walked(conn, wanted.naming(NAMES), limit=limit, at_once=at_once)
    total = searching._total(conn, plan=plan_of(wanted.naming(NAMES)))

    assert sorted(fitting, reverse=True) == found
    assert (len(fitting), True) == (total.requests, total.exact)


@QUICK
@given(LOGS, FILTERS, st.integers(0, 3))
def test_an_offset_skips_so_many(conn, rows, text, offset):
    fill(conn, rows)
    wanted = parse(text, now=NOON).naming(NAMES)
    every = walked(conn, wanted, limit=50, at_once=1000)

    search = LogSearch(filter=wanted, limit=50, offset=offset)
    page = searching._search(conn, plan=plan_of(wanted), search=search)

    assert every[offset:] == [row.request_id for row in page.rows]


@QUICK
@given(
    LOGS,
    FILTERS,
    st.tuples(st.integers(-2, 8), st.integers(1, 9)),
    st.sampled_from((300.0, 1800.0, 3600.0, 7200.0)),
)
def test_charts_and_facets_count_the_same_in_sql(conn, rows, text, hours, step_s):
    fill(conn, rows)
    wanted = parse(text, now=NOON)
    journal = MemoryJournal()
    journal._outcomes = {row.request_id: row for row in rows}
    memory = MemoryLogIndex(journal)
    since = (NOON // 7200 + hours[0] / 2) * 7200
    whole = Span(since=since // step_s * step_s, until=since // step_s * step_s + step_s * hours[1])
    span = Span(since=since + 1.5, until=since + 600 * hours[1])

    plan = searching._within(plan_of(wanted), whole)
    bars = searching._histogram(conn, plan=plan, step_ms=round(step_s * 1000))
    facets = searching._facets(conn, plan=searching._within(plan_of(wanted), span))

    expected = asyncio.run(memory.histogram(wanted, whole, step_s=step_s))
    assert (list(expected.bars), step_s, True) == (list(bars.bars), bars.step_s, bars.exact)
    counted = asyncio.run(memory.facets(wanted, span))
    assert (counted.total, counted.exact) == (facets.total, facets.exact)
    assert {name: dict(counted.counts[name]) for name in FACETS} == {
        name: dict(facets.counts[name]) for name in FACETS
    }


def outcome(number: int, **changes: object) -> Outcome:
    at = NOON + number
    plain = Outcome(
        request_id=request_id(at, number),
        at=at,
        key_id="key_1",
        dialect="openai",
        requested_model="auto",
        mode="normal",
        reason="r",
        model_id="m",
        latency_s=number / 10,
    )
    return replace(plain, **changes)


def test_what_was_not_looked_at_is_told(conn):
    fill(conn, [outcome(number) for number in range(20)])
    plan = replace(plan_of(parse("ms>=0")), rows_at_once=5)
    since, until = round(NOON - 1800) * 1000, round(NOON + 1800) * 1000
    window = replace(plan, since_ms=since, until_ms=until)

    total = searching._total(conn, plan=plan)
    bars = searching._histogram(conn, plan=window, step_ms=600_000)
    facets = searching._facets(conn, plan=window)

    # The floor itself has been looked at too.
    assert (6, False) == (total.requests, total.exact)
    assert (6, False) == (sum(bar.ok for bar in bars.bars), bars.exact)
    assert (6, False) == (facets.total, facets.exact)


def test_a_chart_of_too_many_rows_is_of_hours_where_those_are_known(conn):
    fill(conn, [outcome(number * 600) for number in range(20)])
    since = round(NOON - 1800) * 1000
    plan = replace(
        plan_of(parse("model:m")),
        rows_at_once=5,
        since_ms=since,
        until_ms=since + 4 * 3_600_000,
    )

    bars = searching._histogram(conn, plan=plan, step_ms=600_000)

    assert (3600.0, True, [3, 6, 6, 5]) == (
        bars.step_s,
        bars.exact,
        [bar.ok for bar in bars.bars],
    )


def test_a_page_that_was_read_does_not_change_when_requests_come(conn):
    rows = [outcome(number) for number in range(10)]
    fill(conn, rows[:8])
    first = searching._search(conn, plan=plan_of(parse("")), search=LogSearch(limit=4))
    fill(conn, rows)

    search = LogSearch(limit=4, before=first.next)
    second = searching._search(conn, plan=plan_of(parse("")), search=search)

    assert [row.request_id for row in rows[7::-1]] == [
        row.request_id for row in (*first.rows, *second.rows)
    ]


@pytest.mark.parametrize(
    ("text", "index"),
    [
        ("", "PRIMARY KEY"),
        ("since:2025-11-20 ms>5", "PRIMARY KEY"),
        ("model:gpt", "PRIMARY KEY"),
        ("id=req_1", "PRIMARY KEY"),
        ("plan=req_1 model:x", "INDEX requests_parent"),
    ],
)
def test_pages_are_read_along_an_index(conn, text, index):
    plan = plan_of(parse(text))
    where = searching._where(plan, searching._stretch(plan))

    steps = conn.execute(
        f"EXPLAIN QUERY PLAN SELECT * FROM requests WHERE {where.sql} "
        "ORDER BY request_id DESC LIMIT 9",
        where.values,
    ).fetchall()

    told = [step[3] for step in steps]
    assert any(f"SEARCH requests USING {index} " in step for step in told), told


def test_a_file_of_before_is_counted_when_it_is_brought_up_to_date(tmp_path: Path):
    path = tmp_path / "old.sqlite"
    conn = sqlite3.connect(path, isolation_level=None)
    before = next(n for n, step in enumerate(TOKENHUB.steps) if step.name == "0018 log indexes")
    replace(TOKENHUB, steps=TOKENHUB.steps[:before]).apply(conn, path)
    rows = [outcome(number * 3000, status=200 if number % 3 else 502) for number in range(10)]
    Inserts(REQUESTS).run(conn, [value for row in rows for value in _request_row(row)])

    TOKENHUB.apply(conn, path)

    hours = conn.execute(
        "SELECT hour, status, requests FROM log_hours JOIN log_kinds USING (kind)"
    ).fetchall()
    assert Counter((int(row.at // 3600), row.status) for row in rows) == {
        (hour, status): count for hour, status, count in hours
    }
    conn.close()
