"""Orchestrations as rows, their steps by name, and when each of them ran."""

import pytest

from tokenhub.wire.events import Event
from tokenhub.wire.observe import AttemptLog, RequestLog
from tokenhub.wire.orchestrations import OrchestrationDetail, Workflow
from tokenhub_tui.state import flows
from tokenhub_tui.state.cells import natural
from tokenhub_tui.state.feed import Line, unix
from tokenhub_tui.state.flows import Heard, spanned, step_rows, steps

BEGUN = unix("2026-01-02T03:04:00.000Z")


def log(number: int, at_s: float, took_s: float = 1.0, error: str = "") -> RequestLog:
    attempt = AttemptLog(
        attempt=1, provider_id="one", model_id="small", state="settled", status_code=200,
        error_class="", latency_ms=took_s * 1000, input_tokens=1, output_tokens=1, cost_usd=0.001,
        estimated=False,
    )  # fmt: skip
    return RequestLog(
        request_id=f"req_{number}", timestamp=f"2026-01-02T03:04:{at_s:06.3f}Z", model_id="small",
        provider_id="one", mode="normal", requested_model="", reason="", estimated_cost_usd=0.001,
        latency_ms=took_s * 1000, overhead_ms=1.0, status_code=502 if error else 200,
        error_class=error, api_key_id="key_1", input_tokens=1, output_tokens=1, total_tokens=2,
        stream=False, estimated=False, attempts=[attempt, attempt] if error else [attempt],
        parent_id="plan",
    )  # fmt: skip


def plan(mode: str, *several: RequestLog, status: str = "succeeded") -> OrchestrationDetail:
    return OrchestrationDetail(
        id="plan", timestamp="2026-01-02T03:04:00.000Z", api_key_id="key_1", dialect="plan",
        mode=mode, status=status, iterations=2, step_count=len(several), stream=False,
        cost_estimate_usd=0.004, cost_usd=0.003, error_class="", latency_ms=4000.0,
        steps=list(several),
    )  # fmt: skip


def step(state: str, number: int = 1, name: str = "plan", **fields: object) -> Event:
    return Event(
        type="orchestration_step", timestamp="2026-01-02T03:04:01.000Z", request_id=f"req_{number}",
        workflow_id="plan", activity_type=name, new_state=state, **fields,  # type: ignore[arg-type] # fields of all types
    )  # fmt: skip


@pytest.mark.parametrize(
    ("mode", "begins", "names"),
    [
        ("planning", (0.0,), ["planning"]),
        (
            "adversarial", (0.0, 1.0, 2.0, 3.0, 4.0),
            ["plan", "critique-1", "refine-1", "critique-2", "refine-2"],
        ),
        ("refine", (0.0, 1.0, 2.0), ["initial", "refine-1", "refine-2"]),
        ("vote", (0.0, 0.0, 0.0, 1.0), ["vote-1", "vote-2", "vote-3", "judge"]),
        ("vote", (0.0, 0.0), ["vote-1", "vote-2"]),
    ],
)  # fmt: skip
def test_steps_that_nobody_heard_of_are_named_by_their_places(
    mode: str, begins: tuple[float, ...], names: list[str]
) -> None:
    logs = [log(number, at_s) for number, at_s in enumerate(begins)]

    assert names == [one.name for one in steps(plan(mode, *logs), Heard(), [])]


def test_names_that_were_heard_count_for_more() -> None:
    heard = Heard()

    assert heard.apply([step("started", name="judge")])
    assert not heard.apply([Event(type="route_success", timestamp="", request_id="req_1")])

    assert ["judge"] == [one.name for one in steps(plan("vote", log(1, 0.0)), heard, [])]


def test_steps_are_there_as_soon_as_they_are_heard_of() -> None:
    heard = Heard()
    going = plan("adversarial", status="running")

    heard.apply([step("started", 1)])
    (begun,) = steps(going, heard, [])
    heard.apply([step("succeeded", 1, provider_id="one", model_id="small", latency_ms=500.0)])
    heard.apply([step("started", 2, "critique-1")])
    ended, next_one = steps(going, heard, [])

    assert begun.took_s is None
    assert (0.5, "one/small", "plan") == (ended.took_s, ended.route, ended.name)
    assert ("critique-1", None) == (next_one.name, next_one.took_s)


def test_steps_of_before_we_listened_come_from_the_feed() -> None:
    line = Line(request_id="req_9", at=BEGUN + 1, parent_id="plan", model_id="m", provider_id="p")

    (found,) = steps(plan("refine", status="running"), Heard(), [line])

    assert ("req_9", "p/m", None) == (found.request_id, found.route, found.took_s)
    assert [] == steps(plan("refine"), Heard(), [line])


def test_bars_are_to_the_scale_of_the_whole_plan() -> None:
    whole = plan("refine", log(1, 0.0, 2.0), log(2, 2.0, 2.0, error="timeout"))
    several = steps(whole, Heard(), [])

    rows = step_rows(whole, several, now=BEGUN + 60, width=120)

    bars = [natural(row.cells[3]) for row in rows]
    width = flows.bar_width(several, 120)
    assert "▓" * (width // 2) == bars[0][: width // 2]
    assert " " * (width // 2) == bars[1][: width // 2]
    assert "✗" == natural(rows[1].cells[0])
    assert "timed out, 2 attempts" == natural(rows[1].cells[-1])


def test_what_runs_grows_with_the_clock() -> None:
    heard = Heard()
    heard.apply([step("started", 1)])
    going = plan("planning", status="running")

    (row,) = step_rows(going, steps(going, heard, []), now=BEGUN + 4, width=80)

    assert ("⇢", "3.0s…") == (natural(row.cells[0]), natural(row.cells[4]))
    assert "9.0s…" == natural(flows.row(going, BEGUN + 9).cells[5])


@pytest.mark.parametrize(
    ("start", "length", "shown"),
    [
        (0.0, 1.0, "▓▓▓▓▓▓▓▓▓▓"), (0.5, 0.5, "     ▓▓▓▓▓"), (0.99, 0.0, "         ▓"),
        (0.0, 0.0, "▓"), (1.2, 1.0, "         ▓"), (-0.1, 0.2, "▓"),
    ],
)  # fmt: skip
def test_a_bar_is_never_nothing_and_never_past_the_end(
    start: float, length: float, shown: str
) -> None:
    assert shown == spanned(start, length, 10)


def test_a_row_tells_what_it_cost_against_what_was_expected() -> None:
    texts = [natural(cell) for cell in flows.row(plan("vote"), BEGUN).cells]

    assert ["vote", "succeeded", "0", "4.0s", "$0.0030", "$0.0040"] == texts[2:8]
    assert "a judge chooses, 2 asked for · expected $0.0040" in flows.caption(plan("vote"))


def test_workflows_have_their_state_in_words() -> None:
    one = Workflow(
        workflow_id="chat-1", run_id="r", type="chat", status="RUNNING",
        start_time="2026-01-02T03:04:00Z",
    )  # fmt: skip

    assert ["chat", "running", "chat-1", "r"] == [
        natural(cell) for cell in flows.workflow(one).cells[1:]
    ]


def test_names_of_long_ago_are_forgotten() -> None:
    heard = Heard()
    heard.apply([step("started", number) for number in range(flows.KEPT + 10)])

    assert "" == heard.name("req_9")
    assert "plan" == heard.name("req_10")
