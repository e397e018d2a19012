"""Whether the terminal takes what is drawn as quickly as it is drawn: over ssh, it may not."""

LONG_S = 0.15
# So many long ones make it slow, and so many short ones in a row make it quick again.
MOST_LONG, SHORT_AGAIN = 3, 40


class Flushes:
    """The last times that something was written out to the terminal."""

    def __init__(self) -> None:
        self._long = self._short = 0

    def took(self, duration_s: float) -> None:
        """Count one more."""
        if duration_s > LONG_S:
            self._long, self._short = self._long + 1, 0
            return
        self._short += 1
        if self._short >= SHORT_AGAIN:
            self._long = 0

    @property
    def slow(self) -> bool:
        """Whether it should be sent less."""
        return self._long >= MOST_LONG
