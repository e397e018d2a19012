"""A group with a command that is meant where none is named: `logs --limit 20` is `logs list`."""

from typing import Any

from typer.core import TyperGroup

USUAL = "list"


class Usual(TyperGroup):
    """Its `list` stands for the group: it takes its options, and its help shows them."""

    # The context types are typer's own copy of click, which has no public name.
    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """The line, with the usual command named where no other is."""
        # A shell asks with what stands before the cursor; where that is nothing, all may follow.
        asked = not ctx.resilient_parsing or args
        if asked and not self._named(args) and not {"--help", "-h"} & set(args):
            args = [USUAL, *args]
        return super().parse_args(ctx, args)

    def shell_complete(self, ctx: Any, incomplete: str) -> Any:
        """The commands, and what the usual one takes."""
        usual = self.commands[USUAL]
        found = super().shell_complete(ctx, incomplete) + usual.shell_complete(ctx, incomplete)
        for param in usual.params:
            if param.param_type_name == "argument":
                found += param.shell_complete(ctx, incomplete)
        return list({item.value: item for item in found}.values())

    def _named(self, args: list[str]) -> bool:
        """Whether the line names a command: its first word that is no option, nor of one."""
        known = {name: param for param in self.params for name in param.opts}
        words = iter(args)
        for word in words:
            if not word.startswith("-"):
                return word in self.commands
            long = word.startswith("--")
            name, equals, _ = word.partition("=") if long else (word[:2], word[2:], "")
            if name not in known:
                return False
            if not equals and not vars(known[name]).get("is_flag"):
                next(words, None)
        return False

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """What the usual command takes; then the other commands."""
        self.commands[USUAL].format_options(ctx, formatter)
        self.format_commands(ctx, formatter)
