"""PNG of every screen, from the recorded session: run/shots has all, docs/images a chosen few.

    python -m tests.tui.shots [PLACE ...]

Headless Chromium draws them, in Fira Code (Debian: chromium fonts-firacode).
"""

import asyncio
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.tui.console import SIZES
from tests.tui.picture import HIGH, WIDE, svg
from tests.tui.recorded import Recorded, Session, load
from tests.tui.staged import PLACES, THEMES, here, rested, shown, staged

ROOT = Path(__file__).parents[2]
ALL, CHOSEN = ROOT / "run" / "shots", ROOT / "docs" / "images"
# What the README and docs/user/tui.md show.
KEPT = frozenset(("live-120x36-dark", "simulate-120x36-dark", "request-120x36-dark"))


async def main(places: tuple[str, ...]) -> None:
    here()
    session = load("busy")
    ALL.mkdir(parents=True, exist_ok=True)
    CHOSEN.mkdir(parents=True, exist_ok=True)
    for place in places:
        for size in SIZES:
            await _shoot(place, size, session)


async def _shoot(place: str, size: tuple[int, int], session: Session) -> None:
    server = Recorded(session)
    async with staged(server, session.at, size, place) as (console, pilot):
        for theme in THEMES:
            console.theme = theme
            if theme == THEMES[0]:
                await shown(console, pilot, place, server)
            await rested(console, pilot, server)
            name = f"{place}-{size[0]}x{size[1]}-{theme.removeprefix('tokenhub-')}"
            drawn(svg(console), size, ALL / f"{name}.png")
            if name in KEPT:
                shutil.copy(ALL / f"{name}.png", CHOSEN / f"{name}.png")
            print(name)


def drawn(picture: str, size: tuple[int, int], out: Path) -> None:
    """Let Chromium draw an SVG."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        raise SystemExit("chromium is not installed; on Debian: apt-get install chromium")
    window = f"{size[0] * WIDE:.0f},{size[1] * HIGH:.0f}"
    with tempfile.NamedTemporaryFile(suffix=".svg", mode="w", encoding="utf-8") as file:
        file.write(picture)
        file.flush()
        subprocess.run(
            [chromium, "--headless", "--no-sandbox", "--hide-scrollbars", f"--screenshot={out}",
             f"--window-size={window}", f"file://{file.name}"],
            check=True, capture_output=True,
        )  # fmt: skip


if __name__ == "__main__":
    asyncio.run(main(tuple(sys.argv[1:]) or PLACES))
