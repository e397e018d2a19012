"""What an action is. No terminal here: the docs are made of these as well."""

import msgspec

APP = "app"


class Action(msgspec.Struct, frozen=True, kw_only=True):
    """Something that a key does.

    `id` is `SCREEN.NAME`, by which a keymap names it; `app` in the place of the screen is
    everywhere. `keys` are Textual's names, several by commas, and `shown` is how they are written.
    `bar` is its place in the bar of keys, from 1; 0 is not there. One that `changes` the server is
    off where the console only reads. `command` is the line of tokenhubctl that does the same.
    `does` is the action in Textual's words where its name is another than that of the id.
    """

    id: str
    keys: str
    title: str
    help: str
    shown: str = ""
    bar: int = 0
    changes: bool = False
    command: str = ""
    does: str = ""

    @property
    def screen(self) -> str:
        """Where it is: the name of a screen, or `app`."""
        return self.id.partition(".")[0]

    @property
    def method(self) -> str:
        """The action as Textual calls it; the method's name with `action_` before it."""
        return self.does or self.id.partition(".")[2].replace("-", "_")

    @property
    def label(self) -> str:
        """The keys as people write them."""
        return self.shown or self.keys.replace(",", " ")
