"""What the credentials file brought in at earlier starts."""

from typing import Protocol


class Applied(Protocol):
    """A short note that outlives the process, read and written whole.

    An entry that is in the note but no longer in the catalog was deleted by an operator, and
    must not come back from the credentials file.
    """

    def read(self) -> bytes:
        """The note as last written; empty where there is none. Raises Unavailable."""
        ...

    def write(self, note: bytes) -> None:
        """Replace the note. Raises Unavailable."""
        ...
