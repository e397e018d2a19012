"""Calls about who is asking."""

from tokenhub.client.call import Call
from tokenhub.wire.access import AdminTokenIssued, FirstTokenRotate, Session


def whoami() -> Call[Session]:
    """The name and the role of the token that is sent. Raises Unauthorized where it is none."""
    return Call(method="GET", path="/admin/v1/session", returns=Session)


def rotate_first_token(token: str = "") -> Call[AdminTokenIssued]:
    """Replace the token of the data directory, by `token` or a random one."""
    return Call(
        method="POST",
        path="/admin/v1/admin-token/rotate",
        body=FirstTokenRotate(token=token),
        returns=AdminTokenIssued,
    )
