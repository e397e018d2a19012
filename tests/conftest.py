"""What all tests share."""

import gc
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


@pytest.hookimpl(wrapper=True)
def pytest_collection():
    """Leave what is collected, half a million objects that stay, out of all looking for garbage."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()
