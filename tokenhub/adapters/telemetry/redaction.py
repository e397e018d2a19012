"""Takes secrets out of what is logged: those that we know by their value, others by their form.

A secret that is to be hidden is not kept for it: of each there is its length, its first
characters and a digest under a key of this process. A text is searched for those characters, and
what stands there is hashed and compared.
"""

import base64
import hashlib
import re
import secrets
from collections.abc import Iterator
from urllib.parse import quote

HIDDEN = "[hidden]"
# What is shorter is no secret that anybody would rely on, and may well be a word: `none`, `EMPTY`.
MIN_CHARS = 8
# Enough that few places of a text need to be hashed, and no help to whoever reads them.
_FIRST = 3
_DIGEST_BYTES = 16

# Ours (core/keys.py, core/admin_token.py, and the original's 64 hexadecimal digits); then those
# of the vendors whose keys have a prefix; then what stands behind the words for a secret.
_OURS = r"tokenhub_[0-9A-Za-z]{39,64}|th[as]_[0-9A-Za-z_-]{16,}"
_THEIRS = (
    r"sk-[0-9A-Za-z_-]{12,}|AIza[0-9A-Za-z_-]{30,}|gsk_[0-9A-Za-z]{16,}|xai-[0-9A-Za-z]{16,}"
    r"|hf_[0-9A-Za-z]{16,}|r8_[0-9A-Za-z]{16,}|nvapi-[0-9A-Za-z_-]{16,}|AKIA[0-9A-Z]{16}"
)
_WHOLE = re.compile(rf"(?<![0-9A-Za-z])(?:{_OURS}|{_THEIRS})")
_BEHIND = re.compile(
    r"(\b(?:bearer|basic)\s+|\bx-api-key\W{1,4}"
    r"|[?&](?:api[_-]?key|key|token|access_token|password|secret)=)[^\s&\"',;\\]+",
    re.IGNORECASE,
)
_IN_URL = re.compile(r"(://[^/\s:@\"']{0,256}:)[^/\s@\"']+(?=@)")


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
        text = _WHOLE.sub(HIDDEN, text)
        for pattern in (_BEHIND, _IN_URL):
            text = pattern.sub(lambda found: found[1] + HIDDEN, text)
        return text

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
