"""Values under each other, each behind its name."""

from collections.abc import Iterator, Sequence

from textual.content import Content
from textual.widgets import Static

from tokenhub_tui.state.more import Fact, width
from tokenhub_tui.widgets.words import words

GAP = 2
# A value that has less room than this is better cut than written in a column of letters.
LEAST = 12


class Facts(Static):
    """What is long goes on in the next line, under its beginning."""

    def __init__(self, *, id: str) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id)
        self._facts: Sequence[Fact] = ()

    def show(self, facts: Sequence[Fact]) -> None:
        """Show these."""
        self._facts = facts
        if not self.size.width:  # not laid out yet; it is told when it is
            return
        names = width(facts) + GAP
        room = max(LEAST, self.size.width - names)
        self.update(
            Content("\n").join([line for one in facts for line in _lines(one, names, room)])
        )

    def on_resize(self) -> None:
        self.show(self._facts)


def _lines(fact: Fact, names: int, room: int) -> Iterator[Content]:
    name = fact.name
    for text in words(fact.value, fact.tone).wrap(room):
        yield Content.assemble(words(name.ljust(names), "dim"), text)
        name = ""
