"""What the palette lists, and which of it a text means."""

from collections.abc import Iterable, Sequence

import msgspec

from tokenhub_tui.state.cells import Cell, Column, Row

COLUMNS = (
    Column(id="title", title="", width=20, most=200),
    Column(id="group", title="", width=8, most=12, rank=2),
    Column(id="key", title="", width=3, most=16, rank=1, right=True),
)
# More than these nobody reads; a longer text leaves fewer.
MOST = 200
# There are many of these, and each names what it was about: that itself comes before them.
AFTER_OTHERS = frozenset({"request", "message"})


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """Something to choose. `off` says why it cannot be chosen now.

    `quiet` ones are shown only where a text asks for them: there are too many.
    """

    id: str
    title: str
    group: str
    key: str = ""
    help: str = ""
    command: str = ""
    off: str = ""
    quiet: bool = False

    @property
    def told(self) -> str:
        """What it does, and why it does not now."""
        parts = (self.off and f"Not now: {self.off}.", self.help, self.command)
        return "  ".join(filter(None, parts))


def meant(entries: Iterable[Entry], text: str) -> list[Entry]:
    """Those that a text means, the likeliest first; all but the quiet ones where there is none.

    Each word has to be somewhere in the group, title or help of an entry.
    """
    asked = text.lower().split()
    if not asked:
        return [one for one in entries if not one.quiet][:MOST]
    scored = [(_score(one, asked), one) for one in entries]
    found = [pair for pair in scored if pair[0] is not None]
    # Sorting keeps the order of those that score the same.
    found.sort(key=lambda pair: (pair[0], bool(pair[1].off), pair[1].group in AFTER_OTHERS))
    return [one for _, one in found[:MOST]]


def _score(entry: Entry, asked: Sequence[str]) -> int | None:
    """How far off an entry is; 0 is what its title begins with. None is not meant."""
    title, whole = entry.title.lower(), f"{entry.group} {entry.title}".lower()
    helped = f"{entry.help} {entry.command}".lower()
    total = 0
    for word in asked:
        if title.startswith(word):
            continue
        if any(part.startswith(word) for part in _parts(whole)):
            total += 1
        elif word in whole:
            total += 2
        elif not entry.quiet and len(word) > 1 and _scattered(word, title):
            total += 4
        elif not entry.quiet and word in helped:
            total += 8
        else:
            return None
    return total


def _parts(text: str) -> list[str]:
    for mark in "/-_:.":
        text = text.replace(mark, " ")
    return text.split()


def _scattered(word: str, text: str) -> bool:
    """Whether the letters of a word are in a text, in their order."""
    left = iter(text)
    return all(letter in left for letter in word)


def row(entry: Entry) -> Row:
    """An entry as a row of the list; one that is off is greyed, with the reason."""
    title = f"{entry.title} ({entry.off})" if entry.off else entry.title
    return Row(
        id=entry.id,
        cells=(title, Cell(entry.group, "dim"), Cell(entry.key, "" if entry.off else "key")),
        tone="dim" if entry.off else "",
    )
