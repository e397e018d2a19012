"""Vaults as values, for tests of what they are made of: nothing is stretched, and draws repeat."""

import hashlib
from itertools import count

from tokenhub.core.vault.changes import Opened, Step, Stretched, founded, kept, opened
from tokenhub.core.vault.keyring import Draw
from tokenhub.core.vault.rows import PASSWORD, Contents, Stretch, changed

NOW = 1_700_000_000.0
COST = Stretch(passes=3, memory_kib=65_536, lanes=4)
# The least that is believed of a file, so that a test takes 15 ms for each password.
CHEAP = Stretch(passes=1, memory_kib=19 * 1024, lanes=1)
PURPOSE = "provider https://h:443"


def draws(seed: str = "") -> Draw:
    """Bytes that look random and are the same in every run."""
    turn = count()

    def draw(size: int) -> bytes:
        return hashlib.shake_256(f"{seed} {next(turn)}".encode()).digest(size)

    return draw


def a_password(text: str = "first") -> Stretched:
    """As if Argon2id had been at it."""
    key = hashlib.sha256(text.encode()).digest()
    return Stretched(key=key, salt=hashlib.md5(text.encode()).digest(), cost=COST)


def a_vault(draw: Draw, **secrets: bytes) -> Step:
    """A new vault with these secrets, opened by `a_password()`."""
    step = founded(a_password(), now=NOW, draw=draw)
    for name, secret in secrets.items():
        step = kept(step.contents, step.ring, name, secret, purpose=PURPOSE, now=NOW, draw=draw)
    return step


def reopened(contents: Contents, text: str = "first") -> Opened:
    """These contents, opened as after a restart."""
    return opened(contents, contents.slots[PASSWORD], a_password(text).key)


def written(before: Contents, step: Step) -> Contents:
    """What is on disk after a step."""
    return changed(before, step.change)
