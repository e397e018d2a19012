import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenhub.core.redaction import HIDDEN, without_secrets

SECRET = "sk-proj-0123456789abcdef"


@pytest.mark.parametrize("around", ["{}", "key {}.", '"{}"', "a={},b", "/{}/", "({})", "\n{}\n"])
def test_a_key_is_hidden_whatever_stands_around_it(around):
    assert around.format(HIDDEN) == without_secrets(around.format(SECRET))


def test_a_key_within_a_word_is_no_key():
    assert "brisk-assessment-of-everything" == without_secrets("brisk-assessment-of-everything")


@given(st.text(max_size=200))
def test_what_was_hidden_once_stays_as_it_is(text):
    once = without_secrets(text)

    assert once == without_secrets(once)


@pytest.mark.parametrize("text", ["://" * 50_000, "bearer " * 50_000, "?key=" * 50_000])
def test_a_hostile_text_takes_no_longer_than_its_length(text):
    without_secrets(text)
