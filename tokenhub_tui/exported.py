"""An export as a file: written bit by bit beside its name, and renamed once it is whole."""

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
    part = file.with_name(f"{file.name}.part")
    count = size = 0
    try:
        async with aclosing(portions):
            with part.open("wb") as out:
                async for portion in portions:
                    out.write(portion)
                    count, size = count + lines(portion), size + len(portion)
                    told(count, size)
        # A file that came meanwhile is somebody's: a link fails where there is one.
        file.hardlink_to(part)  # noqa: ASYNC240 - a moment, on this machine
    finally:
        part.unlink(missing_ok=True)
    return count, size
