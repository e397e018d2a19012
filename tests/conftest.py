"""What all tests share."""

import os

import pytest


@pytest.fixture
def anyio_backend():
    return "asyncio"


def pytest_xdist_auto_num_workers():
    """Of `-n auto`: half as many again as there are processors, since tests also wait.

    Of two processes on two processors, one is idle more than a quarter of the time.
    """
    here = getattr(os, "sched_getaffinity", None)
    processors = len(here(0)) if here else os.cpu_count() or 1
    return (3 * processors + 1) // 2
