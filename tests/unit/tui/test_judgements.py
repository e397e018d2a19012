"""Judgements as rows, and their filter."""

from tokenhub.filters import parse
from tokenhub.wire.rewards import Reward
from tokenhub_tui.state import judgements
from tokenhub_tui.state.cells import Cell, natural
from tokenhub_tui.state.kept import meant, values


def judged(score: float, *, source: str = "caller", model_id: str = "gpt") -> Reward:
    return Reward(
        id=1, timestamp="2026-01-01T10:00:00Z", request_id="req_1", model_id=model_id,
        provider_id="one", reward=score, weight=0.1, source=source, task="chat",
    )  # fmt: skip


def test_row_says_by_a_sign_whether_the_answer_was_good() -> None:
    signs = [judgements.row(judged(score)).cells[1] for score in (1.0, 0.5, 0.0)]

    assert [Cell("✓", "good"), Cell("!", "warn"), Cell("✗", "bad")] == signs
    told = [natural(cell) for cell in judgements.row(judged(0.5, source="tool_call")).cells[2:]]
    assert ["0.50", "0.10", "one/gpt", "chat", "tool call", "req_1"] == told


def test_filter_means_parts_of_one_and_sources() -> None:
    rows = [judged(0.2), judged(0.9, source="judge"), judged(0.8, model_id="opal")]

    def found(text: str) -> list[float]:
        wanted = parse(text, fields=judgements.FIELDS)
        return [one.reward for one in meant(rows, wanted)]

    assert [0.2] == found("score<0.5")
    assert [0.9] == found("source:judge score>=0.9")
    assert [0.8] == found("opal")
    assert [0.2, 0.9, 0.8] == found("")


def test_values_complete_a_filter() -> None:
    known = values([judged(0.2), judged(0.9, source="judge")], judgements.FIELDS)

    assert ["caller", "judge"] == known["source"]
    assert "id" not in known
