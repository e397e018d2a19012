"""What workers tell the screens. They carry values; who hears them draws."""

from collections.abc import Mapping, Sequence
from typing import Any

from textual.message import Message


class Loaded(Message):
    """What a screen asked for is here."""

    def __init__(self, data: Any) -> None:
        super().__init__()
        self.data = data


class Failed(Message):
    """What a screen asked for did not come."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error


class Broken(Message):
    """Work beside the screen ended with a fault of the console's own. It goes up to the app."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error


class Opened(Message):
    """A dialog has given one of its widgets the keys."""


class Known(Message):
    """Values that the fields of a filter have, by the names of fields."""

    def __init__(self, values: Mapping[str, Sequence[str]]) -> None:
        super().__init__()
        self.values = values
