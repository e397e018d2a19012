"""What belongs to one request: its id, and what those who watch it find in its scope."""

from collections.abc import Callable, MutableMapping
from typing import Any

_KEY = "tokenhub_request_id"

# When its head had been read, in seconds of `time.monotonic`.
CAME = "tokenhub.came"
# Its `Arrival`; on /v1 also the `Caller` once they are let in, and the `Run` once it has begun.
ARRIVAL, CALLER, RUN = "tokenhub.arrival", "tokenhub.caller", "tokenhub.run"
# Set where the caller has hung up before the end.
LEFT = "tokenhub.left"


def request_id(scope: MutableMapping[str, Any], make: Callable[[], str]) -> str:
    """The id of this request, made at the first call and the same ever after."""
    state: MutableMapping[str, Any] = scope.setdefault("state", {})
    if _KEY not in state:
        state[_KEY] = make()
    found: str = state[_KEY]
    return found


def known_id(scope: MutableMapping[str, Any]) -> str:
    """The id, empty where nobody has made one yet."""
    found: str = scope.get("state", {}).get(_KEY, "")
    return found
