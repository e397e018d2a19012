"""The estimate of tokens: four bytes each, and never none where there is text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenhub.core.tokens import of_bytes, of_text


@pytest.mark.parametrize(
    ("text", "tokens"), [("", 0), ("a", 1), ("abcd", 1), ("abcde", 2), ("é", 1), ("日本語", 3)]
)
def test_golden_texts(text: str, tokens: int) -> None:
    assert tokens == of_text(text)


@given(st.text(alphabet=st.characters()))
def test_text_and_its_bytes_count_alike(text: str) -> None:
    assert of_bytes(len(text.encode("utf-8", "surrogatepass"))) == of_text(text)


@given(st.text(), st.text())
def test_more_text_is_never_fewer_tokens(text: str, more: str) -> None:
    assert of_text(text) <= of_text(text + more)
    assert bool(text) == bool(of_text(text))
