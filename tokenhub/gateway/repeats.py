"""Prompts that come again: whoever asks the same once more may not have liked the answer."""

from collections import OrderedDict

import msgspec

from tokenhub.core.rewards import Quality

WINDOW_S = 120.0
MOST = 10_000
# To hash more takes longer than a sign is worth: 32 KiB are some 30 us.
MAX_BYTES = 32 << 10


class _Answered(msgspec.Struct, frozen=True):
    ended: float
    again: bool
    sign: Quality


class Repeats:
    """The last answers by prompt and key, of MOST prompts and for WINDOW_S.

    Only digests are kept: SipHash, under a key that the interpreter draws anew at each start. It is
    four times as fast as BLAKE2, and nobody gets to see it.
    """

    def __init__(self) -> None:
        self._answered: OrderedDict[tuple[int, int, str], _Answered] = OrderedDict()

    def met(
        self, prompt: bytes, key_id: str, *, began: float, ended: float, sign: Quality
    ) -> Quality | None:
        """The sign of the answer that this request asks for once more; None where it is the first.

        `sign` is kept for the answer of this one. What is asked a third time is no person's doubt
        but a program's habit, and so is what was asked before the first answer was there.
        """
        digest = (hash(prompt), len(prompt), key_id)
        before = self._answered.pop(digest, None)
        again = before is not None and began - before.ended <= WINDOW_S
        self._answered[digest] = _Answered(ended, again, sign)
        if len(self._answered) > MOST:
            self._answered.popitem(last=False)
        if before is None or not again or before.again or began < before.ended:
            return None
        return before.sign
