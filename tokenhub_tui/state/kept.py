"""Rows that came page by page, newest first: where the next page begins, and which are meant."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Generic, TypeVar

import msgspec

from tokenhub.filters import Fields, Filter

R = TypeVar("R", bound=msgspec.Struct)

# More are for a file: nobody reads so far, and each is kept.
MOST = 5000
# With fewer of those that a filter means, more is asked for.
ENOUGH = 30
# Pages without a row that is meant are skipped, but not for ever without a look.
MOST_EMPTY = 10


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

    def renew(self, rows: Sequence[R], following: str | None) -> None:
        """Take the first page anew, before what is here; in its place where the two do not meet.

        A page of which nothing is meant is taken to meet it.
        """
        begun = bool(self._rows) or self.next is not None
        met = not rows or not self._rows or any(self._name(row) in self._rows for row in rows)
        if following is None or not begun or not met:
            self.begin(rows, following)
            return
        before, self._rows = self.rows, {}
        self.more([*rows, *before], self.next)

    def more(self, rows: Sequence[R], following: str | None) -> None:
        """Take the page that follows; a row that is here already stays where it is."""
        for row in rows:
            self._rows.setdefault(self._name(row), row)
        self.next = None if self.full else following


def meant(rows: Iterable[R], wanted: Filter) -> list[R]:
    """Those that a filter means."""
    if not wanted.terms:
        return list(rows)
    return [one for one in rows if wanted.matches(msgspec.structs.asdict(one))]


def values(rows: Sequence[R], fields: Fields) -> Mapping[str, Sequence[str]]:
    """The values that fields have, to complete a filter with."""
    return {
        name: sorted({str(getattr(one, field.keys[0])) for one in rows})
        for name, field in fields.items()
        if field.kind == "text" and name != "id"
    }
