"""What belongs to one request: its id."""

from collections.abc import Callable, MutableMapping
from typing import Any

_KEY = "tokenhub_request_id"


def request_id(scope: MutableMapping[str, Any], make: Callable[[], str]) -> str:
    """The id of this request, made at the first call and the same ever after."""
    state: MutableMapping[str, Any] = scope.setdefault("state", {})
    if _KEY not in state:
        state[_KEY] = make()
    found: str = state[_KEY]
    return found
