"""What the console has said, for those who looked away."""

import msgspec


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """A message, when it was said in Unix seconds, and its tone."""

    at: float
    text: str
    tone: str
