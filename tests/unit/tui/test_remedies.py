"""What is said of what went wrong."""

import pytest

from tokenhub.client.errors import (
    BadCall,
    Conflict,
    NotFound,
    Refused,
    Unauthorized,
    Unreachable,
    Unreadable,
)
from tokenhub_tui.link import Unanswered
from tokenhub_tui.remedies import explained

URL = "http://127.0.0.1:1"


@pytest.mark.parametrize(
    ("error", "asked", "did"),
    [
        (BadCall("no"), "r asks again", ""),
        (Refused("no", status=409), "r asks again", ""),
        (NotFound("no", status=404), "esc goes back", ""),
        (Unreachable(URL, "gone"), "it is asked again by itself; r asks now", "do it again later"),
        (Unauthorized("no", status=401), *["c chooses another server or token"] * 2),
        (Unreadable(URL, "<html>"), *["is this TokenHub? c chooses another server"] * 2),
        (Refused("no", status=423, code="vault_locked"), *["u unlocks the vault"] * 2),
        (
            Unanswered(Unreachable(URL, "gone", heard=True)),
            *["look how it is before you do it again"] * 2,
        ),
    ],
)
def test_a_remedy_does_what_it_says(error: Exception, asked: str, did: str) -> None:
    """What a screen asks for is asked again; what a user did is not."""
    assert asked == explained(error, asked=True, token="")[1]
    assert did == explained(error, asked=False, token="")[1]


def test_the_request_is_named_and_the_token_is_not() -> None:
    refused = explained(Conflict("no", status=412, request_id="r-1"), asked=False, token="t0k")
    fault = explained(KeyError("t0k"), asked=True, token="t0k")

    assert "no (request r-1)" == refused[0]
    assert ("KeyError: '…'", "this is a fault of the console; r asks again") == fault
