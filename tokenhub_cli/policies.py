"""Policies as a line gives them, to be put side by side: modes, JSON and files, with bounds."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from tokenhub.client.text import milliseconds, usd
from tokenhub.wire.native import PolicyIn
from tokenhub.wire.observe import Policy
from tokenhub_cli.fields import build, decoded, merged

Modes = Annotated[
    list[str] | None,
    typer.Option("--mode", help="Such as cheap or normal; several are put side by side."),
]
Policies = Annotated[
    list[str] | None,
    typer.Option(
        "--policy",
        metavar="POLICY",
        help="A policy as '{...}', or a FILE of one or several, JSON or YAML; may be repeated.",
    ),
]
Budget = Annotated[
    float | None, typer.Option("--budget", metavar="USD", help="Most that a request may cost.")
]
Latency = Annotated[
    int | None, typer.Option("--latency", metavar="MS", help="Longest that it may take.")
]
MinWeight = Annotated[
    int | None, typer.Option("--min-weight", help="Least weight of the models, 0 to 10.")
]

_FIELDS = PolicyIn.__struct_fields__


def gathered(
    fields: dict[str, Any],
    *,
    modes: Sequence[str],
    given: Sequence[str],
    bounds: Mapping[str, object],
) -> list[dict[str, Any]]:
    """Every policy of a line, in its order; what it has of them is taken out of `fields`.

    The JSON's own is the first, then those of its `policies`, one for each mode, and the given
    ones. One mode and the JSON's own are one policy. `bounds` (None for what was not given) count
    where a policy says nothing itself.
    """
    own = {name: fields.pop(name) for name in _FIELDS if name in fields}
    listed = _listed(fields.pop("policies", []))
    known = {name: value for name, value in bounds.items() if value is not None}
    if len(modes) <= 1 and not listed and not given:
        flags = {**({"mode": modes[0]} if modes else {}), **known}
        for name in sorted(own.keys() & flags.keys()):
            if own[name] != flags[name]:
                raise typer.BadParameter(
                    f"{name} is given twice, by JSON and by a flag, and differs"
                )
        return [own | flags] if own or flags else []
    several = [own] if own else []
    several += [*listed, *({"mode": mode} for mode in modes)]
    for argument in given:
        several += _listed(_read(argument))
    return [{**known, **policy} for policy in several]


def read(
    json: str | None,
    *,
    modes: Sequence[str] | None,
    given: Sequence[str] | None,
    bounds: Mapping[str, object],
    flags: Mapping[str, object],
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """The policies of a line, and its other fields. Raises a usage error."""
    fields = merged(json, flags)
    policies = gathered(fields, modes=modes or [], given=given or [], bounds=bounds)
    for policy in policies:
        if policy:
            build(PolicyIn, policy)  # a usage error, rather than the server's
    return policies, fields


def label(it: PolicyIn | Policy) -> str:
    """A policy in a few words: its mode, and what it says itself."""
    told = {
        "max_budget_usd": f"budget {usd(it.max_budget_usd)}",
        "max_latency_ms": f"latency {milliseconds(it.max_latency_ms or 0)}",
        "min_weight": f"weight at least {it.min_weight}",
        "weights": "weights of its own",
        "worth": "worth of its own",
    }
    return ", ".join([it.mode or "as it was", *(told[name] for name in told if _says(it, name))])


def _says(it: PolicyIn | Policy, name: str) -> bool:
    """Whether it says this itself; a policy in force has the server's defaults as well."""
    said = not isinstance(it, Policy) or it.origin.get(name, "default") != "default"
    return said and getattr(it, name) is not None


def _read(argument: str) -> object:
    """What a --policy holds. A bare word that is no file is a mode."""
    if argument[:1] in {"{", "[", "@", "-"}:
        return decoded(argument)
    if Path(argument).exists() or "/" in argument or Path(argument).suffix:
        return decoded(f"@{argument}")
    return {"mode": argument}


def _listed(found: object) -> list[dict[str, Any]]:
    """One policy or several, as a list."""
    several: list[Any] = found if isinstance(found, list) else [found]
    if not all(isinstance(one, dict) for one in several):
        raise typer.BadParameter('a policy is an object such as {"mode": "cheap"}')
    return several
