"""Rows that came page by page, newest first, and where the next page begins."""

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

R = TypeVar("R")

# More are for a file: nobody reads so far, and each is kept.
MOST = 5000


class Kept(Generic[R]):
    """`next` is the cursor of the page that follows, None at the end.

    Where there is more than is kept, `full` says so. `name` gives the id of a row.
    """

    def __init__(self, name: Callable[[R], str]) -> None:
        self._name = name
        self._rows: dict[str, R] = {}
        self.next: str | None = None

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def rows(self) -> list[R]:
        """Newest first."""
        return list(self._rows.values())

    @property
    def full(self) -> bool:
        """Whether no more are taken."""
        return len(self._rows) >= MOST

    def get(self, row_id: str) -> R | None:
        """A row by its id."""
        return self._rows.get(row_id)

    def begin(self, rows: Sequence[R], following: str | None) -> None:
        """Take the first page in the place of all there is."""
        self._rows = {}
        self.more(rows, following)

    def more(self, rows: Sequence[R], following: str | None) -> None:
        """Take the page that follows; a row that is here already stays where it is."""
        for row in rows:
            self._rows.setdefault(self._name(row), row)
        self.next = None if self.full else following
