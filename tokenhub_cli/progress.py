"""A line on stderr while something takes long, at a terminal only."""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count

from tokenhub.client.text import clean

# What is done within this time needs no word of it.
PATIENCE_S = 0.4
_STEP_S = 0.12
_MARKS = "|/-\\"
_CLEAR = "\r\x1b[K"


@contextmanager
def waiting(what: str, *, quiet: bool = False, patience_s: float = PATIENCE_S) -> Iterator[None]:
    """Tell that `what` goes on while the block runs, from 400 ms on; the line goes as it ends."""
    if quiet or not sys.stderr.isatty():
        yield
        return
    done = threading.Event()
    teller = threading.Thread(target=_tell, args=(clean(what), done, patience_s), daemon=True)
    teller.start()
    try:
        yield
    finally:
        done.set()
        teller.join()


def _tell(what: str, done: threading.Event, patience_s: float) -> None:
    if done.wait(patience_s):
        return
    for step in count():
        sys.stderr.write(f"{_CLEAR}{_MARKS[step % len(_MARKS)]} {what}")
        sys.stderr.flush()
        if done.wait(_STEP_S):
            break
    sys.stderr.write(_CLEAR)
    sys.stderr.flush()
