"""Cursors: where a list goes on, as a text that means nothing to whoever passes it back."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error

from tokenhub.core.errors import BadRequest

# Says which form the rest has; another form takes another letter.
_FORM = "a"


def cursor_of(row_id: str) -> str:
    """The cursor of all that comes after a row."""
    return _FORM + urlsafe_b64encode(row_id.encode()).decode().rstrip("=")


def row_of(cursor: str) -> str:
    """The id of the row that a cursor comes after; empty for none. Raises BadRequest."""
    if not cursor:
        return ""
    form, text = cursor[0], cursor[1:]
    try:
        row_id = urlsafe_b64decode(text.encode() + b"=" * (-len(text) % 4)).decode()
    except (Error, ValueError) as error:
        raise _strange() from error
    if not row_id or form != _FORM or cursor_of(row_id) != cursor:
        raise _strange()
    return row_id


def _strange() -> BadRequest:
    return BadRequest("that is no cursor of ours; begin again without one", field="cursor")
