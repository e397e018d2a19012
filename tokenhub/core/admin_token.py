"""The admin token: its form, and the file that keeps it.

The client has a copy of the file's name (client/profile.py), since front ends know nothing of the
server; a test holds the two together.
"""

from tokenhub.core.errors import BadRequest

# In the data directory, beside the database.
FILE = ".admin-token"
# reliability.md 4.5: 256 random bits, with a prefix that tells leaked tokens apart.
PREFIX = "tha_"
BITS = 256
# The least that an operator may choose.
MIN_CHARS = 16
# Below it the operator is warned: a guesser needs time only.
ADVISED_CHARS = 32


def checked(token: str, where: str) -> str:
    """The token, if it can serve as one. Raises BadRequest, which does not repeat it."""
    if len(token) < MIN_CHARS:
        raise BadRequest(
            f"the admin token in {where} is shorter than {MIN_CHARS} characters; give a longer one",
            code="admin_token_refused",
        )
    if not token.isascii() or not token.isprintable() or " " in token:
        raise BadRequest(
            f"the admin token in {where} must be printable ASCII without spaces",
            code="admin_token_refused",
        )
    return token
