from tests.unit.tui.test_why import candidate, decision
from tokenhub_tui.state.candidates import caption


def test_caption_says_where_nobody_could_answer() -> None:
    assert "nobody could answer" in caption(decision())
    assert "lower score wins" in caption(decision(candidate("one/gpt")))
