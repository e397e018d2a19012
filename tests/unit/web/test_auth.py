import pytest

from tokenhub.web.auth import same


@pytest.mark.parametrize(
    ("expected", "given", "token"),
    [
        (True, "a" * 16, "a" * 16),
        (False, "a" * 15, "a" * 16),
        (False, "", ""),
        (False, "", "a" * 16),
        (False, "é", "a" * 16),
        (False, "\udc80", "a" * 16),
    ],
)
def test_only_the_token_itself_fits(expected, given, token):
    assert expected == same(given, token)
