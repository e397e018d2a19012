"""Who hears of each request when it has been answered, and who follows it on its way."""

from collections.abc import Iterable
from typing import Protocol

import msgspec


class Served(msgspec.Struct, frozen=True, kw_only=True):
    """A request as it was answered, in words that hold nothing of what was asked or said.

    `route` is the template of its route, empty where it met none: a path may hold anything.
    `at` is Unix seconds. `key_id` is of a caller, `actor` the name of an operator. Of a request
    that no model has answered, `provider_id` and `model_id` are empty. `cost_nusd` is None where a
    price is unknown.
    """

    request_id: str
    at: float
    method: str
    route: str
    status: int
    took_s: float
    key_id: str = ""
    actor: str = ""
    provider_id: str = ""
    model_id: str = ""
    mode: str = ""
    reason: str = ""
    attempts: int = 0
    cost_nusd: int | None = 0


class AccessLog(Protocol):
    """One line for each request. `on` is asked before each of them."""

    @property
    def on(self) -> bool: ...

    def __call__(self, served: Served) -> None:
        """Take it over. Never waits, never fails."""
        ...


class Tracing(Protocol):
    """Traces of requests. `begin` gives what `end` needs; both belong to the request's task."""

    @property
    def on(self) -> bool: ...

    def begin(self, headers: Iterable[tuple[bytes, bytes]]) -> object: ...

    def end(self, began: object, served: Served) -> None: ...


class Nobody:
    """An AccessLog and a Tracing where nobody listens."""

    on = False

    def __call__(self, served: Served) -> None:
        """Nothing is kept of it."""

    def begin(self, headers: Iterable[tuple[bytes, bytes]]) -> object:  # noqa: ARG002 - a Tracing
        return None

    def end(self, began: object, served: Served) -> None:
        """Nothing is kept of it."""


NOBODY = Nobody()
