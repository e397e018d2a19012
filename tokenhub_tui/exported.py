"""An export as a file: written bit by bit beside its name, and renamed once it is whole."""

import tempfile
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from pathlib import Path

from tokenhub_tui.state.exporting import lines


async def write(
    portions: AsyncGenerator[bytes, None], file: Path, told: Callable[[int, int], None]
) -> tuple[int, int]:
    """How many lines and bytes were written. `told` is told both on the way.

    What ends before its end leaves no file. Raises OSError, and whatever the portions raise.
    """
    # Beside it, so that it need not be copied; for its owner alone, for it may tell of anybody.
    opened, name = tempfile.mkstemp(dir=file.parent, prefix=".tokenhub-", suffix=".part")
    part, count, size = Path(name), 0, 0
    try:
        async with aclosing(portions):
            with open(opened, "wb") as out:  # noqa: ASYNC230, PTH123 - it is open already
                async for portion in portions:
                    out.write(portion)
                    count, size = count + lines(portion), size + len(portion)
                    told(count, size)
        _named(part, file)
    finally:
        part.unlink(missing_ok=True)  # noqa: ASYNC240 - a moment, on this machine
    return count, size


def _named(part: Path, file: Path) -> None:
    """Give the file its name. One that came meanwhile is somebody's: FileExistsError."""
    try:
        file.hardlink_to(part)
    except FileExistsError:
        raise
    except OSError:
        # Not every file system has links: the name is taken first, and the file put there.
        file.touch(mode=0o600, exist_ok=False)
        part.replace(file)
