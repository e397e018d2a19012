"""Takes secrets out of what is logged: those that we know by their value, others by their form.

A secret that is to be hidden is not kept for it: of each there is its length, its first
characters and a digest under a key of this process. A text is searched for those characters, and
what stands there is hashed and compared.
"""

import base64
import hashlib
import secrets
from collections.abc import Iterator
from urllib.parse import quote

from tokenhub.core.redaction import HIDDEN, without_secrets

# What is shorter is no secret that anybody would rely on, and may well be a word: `none`, `EMPTY`.
MIN_CHARS = 8
# Enough that few places of a text need to be hashed, and no help to whoever reads them.
_FIRST = 3
_DIGEST_BYTES = 16


class Redaction:
    """Knows what is to be hidden, and hides it."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)
        # The digests, by how a secret begins and how long it is.
        self._known: dict[tuple[str, int], set[bytes]] = {}

    def hide(self, secret: str | bytes) -> None:
        """Let no text show this from now on: as it is, in a URL, in base64 or in hexadecimal."""
        text = secret if isinstance(secret, str) else secret.decode("utf-8", "replace")
        text = text.strip()
        if len(text) < MIN_CHARS:
            return
        for form in set(_forms(text)):
            place = (form[:_FIRST], len(form))
            self._known.setdefault(place, set()).add(self._digest(form))

    def clean(self, text: str) -> str:
        """The text without secrets."""
        # The longest first: one may be the beginning of another.
        for (first, length), digests in sorted(self._known.items(), key=lambda it: -it[0][1]):
            start = text.find(first)
            while start >= 0:
                if self._digest(text[start : start + length]) in digests:
                    text = text[:start] + HIDDEN + text[start + length :]
                start = text.find(first, start + 1)
        return without_secrets(text)

    def _digest(self, text: str) -> bytes:
        content = text.encode("utf-8", "surrogatepass")
        return hashlib.blake2b(content, key=self._key, digest_size=_DIGEST_BYTES).digest()


def _forms(text: str) -> Iterator[str]:
    content = text.encode("utf-8", "surrogatepass")
    yield text
    yield quote(content, safe="")
    yield repr(text)[1:-1]
    yield content.hex()
    yield base64.b64encode(content).decode().rstrip("=")
    yield base64.urlsafe_b64encode(content).decode().rstrip("=")
