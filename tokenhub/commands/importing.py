"""`tokenhub import`: take over the database of the original."""

import asyncio
import sys
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

import msgspec

from tokenhub.admin.import_report import Remark, Report
from tokenhub.app import import_original, read_private, start_logging
from tokenhub.commands.environment import complain, current
from tokenhub.commands.serve import prepare
from tokenhub.core.errors import BadRequest, TokenHubError
from tokenhub.core.money import usd
from tokenhub.settings import Settings, SettingsRefused

_STDIN = "-"
# As words of a sentence: "3 providers".
_MANY = {
    "provider": "providers",
    "model": "models",
    "alias": "aliases",
    "defaults": "routing defaults",
    "key": "API keys",
    "secret": "provider keys of the vault",
    "request": "requests",
}


class Shown(msgspec.Struct, kw_only=True):
    """The report as JSON, with the money in USD."""

    dry_run: bool
    counts: dict[str, object]
    skipped: list[Remark]
    differs: list[Remark]
    keys: list[object]
    cost_usd: float
    unpriced: int
    left: dict[str, int]


def run(path: str, *, password_file: str | None, dry_run: bool, output: str) -> int:
    """Import, and say what came of it. Exit code 1 where it cannot be done, 2 for bad settings."""
    try:
        settings = current()
    except SettingsRefused as error:
        complain(*error.problems)
        return 2
    start_logging(settings.log_level, stream=sys.stderr)  # standard output is the report's
    try:
        password = None if password_file is None else _password(password_file)
        report = asyncio.run(_imported(settings, Path(path), password, dry_run=dry_run))
    except TokenHubError as error:
        complain(str(error))
        return 1
    if output == "json":
        print(msgspec.json.format(msgspec.json.encode(_shown(report))).decode())
    else:
        print("\n".join(map(_printable, _lines(report))))
    return 0


async def _imported(
    settings: Settings, path: Path, password: bytes | None, *, dry_run: bool
) -> Report:
    if not dry_run:
        prepare(settings)
    return await import_original(settings, path, password=password, dry_run=dry_run)


def _password(name: str) -> bytes:
    """The file's content without the newline that an editor leaves at its end."""
    content = sys.stdin.buffer.read() if name == _STDIN else read_private(Path(name))
    password = content.removesuffix(b"\n").removesuffix(b"\r")
    if not password:
        raise BadRequest(f"there is no password in {name}")
    return password


def _shown(report: Report) -> Shown:
    return Shown(
        dry_run=report.dry_run,
        counts=dict(report.counts),
        skipped=report.skipped,
        differs=report.differs,
        keys=list(report.keys),
        cost_usd=usd(report.cost_nusd),
        unpriced=report.unpriced,
        left=report.left,
    )


def _lines(report: Report) -> Iterator[str]:
    """The report for people."""
    yield "dry run: nothing was changed" if report.dry_run else "imported"
    for kind, count in report.counts.items():
        told = f"{count.taken} of {count.found} taken"
        if count.before:
            told += f", {count.before} by an import before"
        if count.skipped:
            told += f", {count.skipped} skipped"
        yield f"  {_MANY[kind]}: {told}"
    if report.counts["request"].taken:
        yield f"  cost of these requests: USD {usd(report.cost_nusd):.6f}"
    yield from _remarks("not taken:", report.skipped)
    yield from _remarks("different here:", report.differs)
    if report.keys:
        yield "keys, and what they are called here:"
        yield from (f"  {key.prefix}  {key.id}  {key.name}" for key in report.keys)
    if left := [f"{number} {table}" for table, number in report.left.items() if number]:
        yield f"stays in the original: {', '.join(left)}"


def _printable(line: str) -> str:
    """The line with what would command a terminal written out: names are the old file's."""
    return "".join(one if one.isprintable() else repr(one)[1:-1] for one in line)


def _remarks(title: str, remarks: list[Remark]) -> Iterator[str]:
    if not remarks:
        return
    yield title
    for why, group in groupby(sorted(remarks, key=_order), key=lambda remark: remark.why):
        rows = list(group)
        names = ", ".join(
            f"{one.kind} {one.name}" if one.rows == 1 else f"{one.rows} rows of {one.name}"
            for one in rows
        )
        yield f"  {names}: {why}"


def _order(remark: Remark) -> tuple[str, str, str]:
    return remark.why, remark.kind, remark.name
