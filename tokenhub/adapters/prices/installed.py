"""The installed price list, asked in a child process that ends with its answer."""

import asyncio
import logging
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

from tokenhub.core.errors import Unavailable
from tokenhub.ports.prices import Edition, Wanted

_PROGRAM = Path(__file__).with_name("reading.py")
# It takes half a second; a machine that is busy gets its time. Less than our own clients wait, so
# that they hear of it, and other changes, which wait for a sync, are not kept from theirs.
PATIENCE_S = 20.0
_log = logging.getLogger(__name__)


class InstalledPriceList:
    """A PriceList: the one of the package genai-prices, of the version that is installed."""

    async def find(self, wanted: Sequence[Wanted], *, at: float) -> Edition:
        question = {
            "at": at,
            "path": sys.path,
            "wanted": [(one.base_url, one.model_id) for one in wanted],
        }
        return await asyncio.to_thread(_ask, msgspec.json.encode(question))


def _ask(question: bytes) -> Edition:
    """The child's answer. It gets nothing of our environment: no secret may be in its reach."""
    try:
        done = subprocess.run(  # noqa: S603 - this interpreter, and a file of ours
            [sys.executable, "-I", str(_PROGRAM)],
            input=question,
            capture_output=True,
            check=True,
            env={},
            timeout=PATIENCE_S,
        )
        return msgspec.json.decode(done.stdout, type=Edition)
    except (OSError, subprocess.SubprocessError, msgspec.DecodeError) as error:
        said = getattr(error, "stderr", None) or b""
        last = said.decode(errors="replace").strip().rpartition("\n")[2]
        _log.warning("price_list_unreadable", extra={"reason": last or type(error).__name__})
        raise Unavailable(
            "the installed price list cannot be read; install TokenHub's dependencies again",
            code="price_list_unreadable",
        ) from error
