"""Close the ways by which a process's memory gets out: core files and other programs' eyes."""

import ctypes
import os
import resource
import sys
from collections.abc import Iterator

# linux/prctl.h
_PR_SET_DUMPABLE = 4


def closed() -> Iterator[str]:
    """Forbid core dumps, and tracing by others of the same user; gives what could not be done."""
    try:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    except (OSError, ValueError) as error:
        yield f"core dumps cannot be forbidden ({error}); they may hold keys and prompts"
    if not sys.platform.startswith("linux"):
        return
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0) != 0:
        reason = os.strerror(ctypes.get_errno())
        yield f"the process can be traced by others of its user ({reason})"
