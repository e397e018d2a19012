"""Each endpoint of admin tokens once: method, path, body, and the type of its answer."""

import pytest

from tokenhub.client.call import Call
from tokenhub.client.calls import tokens
from tokenhub.wire import access as wire
from tokenhub.wire.catalog import Done

V1 = "/admin/v1/tokens"
NEW = wire.AdminTokenCreate(name="alice")
PATCH = wire.AdminTokenPatch(role="owner")
ROTATION = wire.AdminTokenRotate(overlap="0")

CALLS = [
    (tokens.list_tokens(), "GET", V1, None, wire.AdminTokenPage),
    (tokens.get_token("a"), "GET", f"{V1}/a", None, wire.AdminToken),
    (tokens.create_token(NEW), "POST", V1, NEW, wire.AdminTokenIssued),
    (tokens.update_token("a", PATCH), "PATCH", f"{V1}/a", PATCH, wire.AdminTokenDone),
    (
        tokens.rotate_token("a", ROTATION),
        "POST",
        f"{V1}/a/rotate",
        ROTATION,
        wire.AdminTokenIssued,
    ),
    (tokens.delete_token("a"), "DELETE", f"{V1}/a", None, Done),
]


@pytest.mark.parametrize(("call", "method", "path", "body", "returns"), CALLS)
def test_call_is_what_the_endpoint_wants(
    call: Call[object], method: str, path: str, body: object, returns: type
) -> None:
    assert Call(method=method, path=path, body=body, returns=returns) == call


def test_changes_carry_the_version_that_was_read() -> None:
    changes: list[Call[object]] = [
        tokens.update_token("a", PATCH, if_match=3),
        tokens.rotate_token("a", ROTATION, if_match=3),
        tokens.delete_token("a", if_match=3),
    ]

    assert [3, 3, 3] == [call.if_match for call in changes]
