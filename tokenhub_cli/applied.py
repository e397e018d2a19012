"""What an `apply` or a `diff` came to, as `tokenhubctl` shows it."""

from collections.abc import Sequence

import msgspec

from tokenhub.wire.config import Applied, Change
from tokenhub_cli.options import Form
from tokenhub_cli.output import Column, Output, View

_TONES = {"create": "good", "update": "warn", "delete": "bad"}


def _value(value: object) -> str:
    return "-" if value is None else msgspec.json.encode(value).decode()


def _fields(change: Change) -> str:
    if change.action == "create":
        return ""
    return ", ".join(
        f"{it.field}: {_value(it.before)} -> {_value(it.after)}" for it in change.fields
    )


def _name(change: Change) -> str:
    return change.name or change.kind


VIEW: View[Change] = View(
    kind="change",
    name=lambda it: f"{it.kind}/{it.name}" if it.name else it.kind,
    columns=(
        Column("action", lambda it: it.action, tone=lambda it: _TONES.get(it, "")),
        Column("kind", lambda it: it.kind),
        Column("name", _name),
        Column("changes", _fields),
    ),
)


def show(output: Output, applied: Applied) -> None:
    """The changes, and the new keys: this is the one time that they are seen."""
    changes: Sequence[Change] = [it for it in applied.changes if it.action != "same"]
    if output.form is Form.VALUE:
        for made in applied.keys:
            output.text(made.key)
    else:
        same = len(applied.changes) - len(changes)
        lines = None if changes else [f"nothing to change; {same} as they should be"]
        output.show(applied, VIEW, changes, lines=lines)
        if output.form in {Form.TABLE, Form.WIDE}:
            for made in applied.keys:
                output.text(f"key {made.name}: {made.key}")
    if applied.keys:
        output.note("store the new keys now: they are not kept and cannot be shown again")
    for note in applied.notes:
        output.note(note)
