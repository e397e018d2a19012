"""The cell that holds the value now in force."""

from typing import Generic, TypeVar

T = TypeVar("T")


class Snapshot(Generic[T]):
    """Readers take `current` once and keep it; writers swap it whole."""

    __slots__ = ("current",)

    def __init__(self, current: T) -> None:
        self.current = current
