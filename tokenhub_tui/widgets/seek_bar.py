"""Where in a recording we are: its begin, the place, its end, and how fast it is played."""

from textual import events
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from tokenhub.client.text import from_ms, local
from tokenhub_tui.state.replay import Player
from tokenhub_tui.widgets.words import words


class SeekBar(Static):
    """A click goes to that place."""

    class Sought(Message):
        """Go to a part of the recording, 0 to 1."""

        def __init__(self, part: float) -> None:
            super().__init__()
            self.part = part

    def __init__(self, player: Player) -> None:
        super().__init__()
        self._player = player
        self._line = (0, 1)

    def render(self) -> Content:
        """One line: `▶ 10x  12:01:54 ━━━●───── 12:31:00`."""
        player = self._player
        state = "■ end" if player.over else f"▶ {player.speed}x" if player.speed else "‖ held"
        left = f" {state.ljust(7)} {_time(player.at)} "
        right = f" {_time(player.tape.end)}  , . 10 s  < > speed "
        room = max(1, self.size.width - len(left) - len(right))
        self._line = (len(left), room)
        place = min(room - 1, int(player.part * room))
        line = words("━" * place + "●", "key") + words("─" * (room - place - 1), "dim")
        return Content.assemble(words(left, "head"), line, words(right, "dim"))

    def on_click(self, event: events.Click) -> None:
        begin, room = self._line
        self.post_message(self.Sought(min(1.0, max(0.0, (event.x - begin) / room))))


def _time(at: float) -> str:
    return local(from_ms(at * 1000))[-8:]
