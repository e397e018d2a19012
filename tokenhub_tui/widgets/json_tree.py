"""JSON with parts that fold: enter or space on a line, left and right as in a file manager."""

from typing import ClassVar

import msgspec
from rich.style import Style
from rich.text import Text
from textual.binding import Binding
from textual.widgets import Tree
from textual.widgets.tree import TreeNode

from tokenhub.client.text import escaped

# The texts of a line, each with the name of its colour; none for that of the line.
Parts = tuple[tuple[str, str], ...]
Node = TreeNode[Parts]


class JsonTree(Tree[Parts]):
    """A record. What is in its lists is folded at first."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "json--name", "json--text", "json--number", "json--word", "json--dim",
    }  # fmt: skip
    BINDINGS: ClassVar = [
        Binding("j", "cursor_down", "Down", show=False),
        Binding("k", "cursor_up", "Up", show=False),
        Binding("home,g", "scroll_home", "First", show=False),
        Binding("end,G", "scroll_end", "Last", show=False),
        Binding("right", "unfold", "Unfold", show=False),
        Binding("left", "fold", "Fold", show=False),
    ]

    def __init__(self, *, name: str) -> None:
        super().__init__("record", (), id=name)
        self.show_root = False
        self.guide_depth = 2

    def show(self, value: object) -> None:
        """Show a struct as it is as JSON."""
        self.clear()
        self.root.expand()
        _fill(self.root, msgspec.to_builtins(value))
        self.cursor_line = 0

    def action_unfold(self) -> None:
        if self.cursor_node is not None:
            self.cursor_node.expand()

    def action_fold(self) -> None:
        """Fold what is under the cursor; where there is nothing to fold, go to what it is in."""
        node = self.cursor_node
        if node is None:
            return
        if node.allow_expand and node.is_expanded:
            node.collapse()
        elif node.parent is not None and not node.parent.is_root:
            self.move_cursor(node.parent)

    def render_label(self, node: Node, base_style: Style, style: Style) -> Text:
        """The line of a node; Textual's own has one colour."""
        text = Text()
        if node.allow_expand:
            text.append(self.ICON_NODE_EXPANDED if node.is_expanded else self.ICON_NODE, base_style)
        for part, tone in node.data or ():
            own = self.get_component_rich_style(f"json--{tone}", partial=True) if tone else style
            text.append(part, style + own)
        return text


def _fill(node: Node, value: object) -> None:
    if isinstance(value, dict):
        for name, one in value.items():
            _add(node, f'"{escaped(str(name))}"', one)
    elif isinstance(value, list):
        for place, one in enumerate(value):
            _add(node, str(place), one, folded=True)


def _add(node: Node, name: str, value: object, *, folded: bool = False) -> None:
    parts: Parts = ((name, "name"), (": ", ""), *_value(value))
    if folded and isinstance(value, dict):
        # Which one it is: what a record begins with are the names of whom it is about.
        names = [one for one in value.values() if isinstance(one, str)][:2]
        parts += ((f" {escaped(' '.join(names))}", "dim"),)
    if isinstance(value, dict | list) and value:
        _fill(node.add("…", parts, expand=not folded), value)
    else:
        node.add_leaf("…", parts)


def _value(value: object) -> Parts:
    if isinstance(value, dict):
        return (("{", ""), (f" {len(value)} ", "dim"), ("}", ""))
    if isinstance(value, list):
        return (("[", ""), (f" {len(value)} ", "dim"), ("]", ""))
    text = escaped(msgspec.json.encode(value).decode())
    if isinstance(value, str):
        return ((text, "text"),)
    return ((text, "word" if isinstance(value, bool | None) else "number"),)
