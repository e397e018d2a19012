"""One module writes to the streams of the command line, so that stdout is data and nothing else."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2] / "tokenhub_cli"
WRITER = ROOT / "output.py"
# `--version` is answered before the writer, and all that it needs, is loaded. A line that is drawn
# over itself while something takes long is no line of the writer's, and never on stdout.
ALONE = {"main.py": {"typer.echo"}, "progress.py": {"sys.stderr.write"}}
CALLS = {
    "print",
    "os.write",
    *(f"typer.{name}" for name in ("echo", "secho", "confirm", "prompt", "launch")),
    *(
        f"sys.{stream}.{method}"
        for stream in ("stdout", "stderr", "stdout.buffer", "stderr.buffer", "__stdout__")
        for method in ("write", "writelines")
    ),
}


def written(path: Path) -> Iterator[str]:
    """The calls of a module that write to a stream."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in CALLS:
            yield ast.unparse(node.func)


@pytest.mark.parametrize(
    "path",
    [path for path in sorted(ROOT.rglob("*.py")) if path != WRITER],
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_no_module_but_one_writes_to_a_stream(path: Path) -> None:
    assert ALONE.get(path.name, set()) == set(written(path))


def test_the_writer_is_found_to_write() -> None:
    assert {"sys.stdout.buffer.write", "sys.stderr.write"} == set(written(WRITER))
