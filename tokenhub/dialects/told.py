"""What a provider tells of: its error, whatever its format, and its counts."""

import msgspec

from tokenhub.core.ask import MAX_TOKENS


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """A provider's error. Servers differ in what they put where, so that all may be empty."""

    message: str = ""
    type: str | None = None
    param: str | None = None
    code: str | int | None = None


class ToldError(ValueError):
    """An error told where an answer should be, under a status of 200."""

    def __init__(self, error: Told) -> None:
        super().__init__("the provider told of an error")
        self.error = error

    @property
    def status(self) -> int:
        """The status that it would have had: many put it into the code. Else a bad gateway's."""
        code = self.error.code
        told = int(code) if code is not None and str(code).isdecimal() else 0
        return told if 400 <= told <= 599 else 502  # noqa: PLR2004 - RFC 9110: errors


def count(given: object) -> int | None:
    """A provider's count of tokens; one that cannot be is none."""
    if isinstance(given, float) and given.is_integer():
        given = int(given)
    if not isinstance(given, int) or isinstance(given, bool):
        return None
    return given if 0 <= given <= MAX_TOKENS else None
