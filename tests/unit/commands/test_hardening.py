"""The process's memory stays where it is."""

import subprocess
import sys

PROGRAM = """
import ctypes, resource
from tokenhub.commands import hardening
print(list(hardening.closed()))
print(resource.getrlimit(resource.RLIMIT_CORE))
print(ctypes.CDLL(None).prctl(3, 0, 0, 0, 0))  # PR_GET_DUMPABLE
"""


def test_a_process_can_be_neither_dumped_nor_traced():
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True, timeout=30
    )

    assert ["[]", "(0, 0)", "0"] == done.stdout.splitlines()
