"""Prompts that come again: whoever asks the same once more may not have liked the answer."""

import hashlib
from collections import OrderedDict

import msgspec

from tokenhub.core.rewards import Quality

WINDOW_S = 120.0
MOST = 10_000
# To hash more takes longer than a sign is worth: 64 KiB are some 60 us.
MAX_BYTES = 64 << 10
_DIGEST_BYTES = 16


class _Answered(msgspec.Struct, frozen=True):
    ended: float
    again: bool
    sign: Quality


class Repeats:
    """The last answers by prompt and key, of MOST prompts and for WINDOW_S.

    Only digests are kept, under a `secret` that dies with the process.
    """

    def __init__(self, secret: bytes) -> None:
        self._secret = secret
        self._answered: OrderedDict[bytes, _Answered] = OrderedDict()

    def met(
        self, prompt: bytes, key_id: str, *, began: float, ended: float, sign: Quality
    ) -> Quality | None:
        """The sign of the answer that this request asks for once more; None where it is the first.

        `sign` is kept for the answer of this one. What is asked a third time is no person's doubt
        but a program's habit, and so is what was asked before the first answer was there.
        """
        digest = hashlib.blake2b(
            prompt, key=self._secret, digest_size=_DIGEST_BYTES, salt=_salt(key_id)
        ).digest()
        before = self._answered.pop(digest, None)
        again = before is not None and began - before.ended <= WINDOW_S
        self._answered[digest] = _Answered(ended, again, sign)
        if len(self._answered) > MOST:
            self._answered.popitem(last=False)
        if before is None or not again or before.again or began < before.ended:
            return None
        return before.sign


def _salt(key_id: str) -> bytes:
    """Sixteen bytes are all that the hash takes; ids of keys end in as many random digits."""
    return key_id.encode()[-16:]
