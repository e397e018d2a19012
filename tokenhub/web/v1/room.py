"""How much of memory the bodies of requests may take, over all connections.

A body is held until its answer is through, which may take minutes. Only large ones are counted:
without them no number of connections is a danger, and a usual request costs one comparison.
"""

from tokenhub.core.errors import Unavailable
from tokenhub.web.errors import CROWDED

# A body of no more is not counted; one whose length was not said is counted by so many.
STEP_BYTES = 1 << 20
ROOM_BYTES = 256 << 20


class Room:
    """What is left for large bodies, in bytes."""

    def __init__(self, size: int = ROOM_BYTES) -> None:
        self._left = size

    def take(self, size: int) -> None:
        """Raises Unavailable where so much is not left."""
        if size > self._left:
            raise Unavailable(
                "too many large requests are being answered; send this one again in a moment",
                code=CROWDED,
            )
        self._left -= size

    def give_back(self, size: int) -> None:
        self._left += size
