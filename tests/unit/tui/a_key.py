"""An API key, and when it is looked at."""

import msgspec

from tokenhub.wire.keys import ApiKey, Credential
from tokenhub_tui.state.feed import unix

NOW = unix("2026-01-31T12:00:00Z")
KEY = ApiKey(
    id="key_1",
    name="ci-bot",
    key_prefix="tokenhub_0zRp...zyGi",
    scopes=["chat"],
    created_at="2026-01-01T12:00:00Z",
    expires_at=None,
    enabled=True,
    rate_limit_rps=0,
    directives=True,
    version=1,
    last_used_at="2026-01-31T11:59:00Z",
    credentials=[
        Credential(
            prefix="new", issued_at="2026-01-21T12:00:00Z", expires_at=None, last_used_at=None
        ),
        Credential(
            prefix="old",
            issued_at="2026-01-01T12:00:00Z",
            expires_at="2026-01-31T14:00:00Z",
            last_used_at="2026-01-31T11:00:00Z",
        ),
    ],
)


def but(**given: object) -> ApiKey:
    """The same key with other fields."""
    return msgspec.structs.replace(KEY, **given)
