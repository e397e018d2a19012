"""What an import really loads. The static graph does not see what packages pull in."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
WIRE = sorted(f"tokenhub.wire.{path.stem}" for path in (ROOT / "tokenhub/wire").glob("[a-z]*.py"))
CALLS = sorted(
    f"tokenhub.client.calls.{path.stem}"
    for path in (ROOT / "tokenhub/client/calls").glob("[a-z]*.py")
)
COMMANDS = sorted(
    f"tokenhub_cli.commands.{path.stem}"
    for path in (ROOT / "tokenhub_cli/commands").glob("[a-z]*.py")
)
# Nobody's command line needs these at its start.
HEAVY = {"httpx", "litestar", "rich", "pydantic", "numpy", "aiohttp", "click", "sqlite_utils"}

# What a page of help loads beside the standard library: typer, with what that loads itself.
TYPER = {"typer", "annotated_doc", "shellingham"}
OURS = {
    "tokenhub",
    "tokenhub.client",
    "tokenhub.client.errors",
    "tokenhub_cli",
    "tokenhub_cli.exits",
    "tokenhub_cli.lazy",
    "tokenhub_cli.main",
    "tokenhub_cli.options",
}
STANDARD = {*sys.stdlib_module_names, "__main__"}


def loaded(code: str) -> set[str]:
    """The top-level packages in memory after the code has run, in a process of its own."""
    return {name.split(".")[0] for name in modules(code)}


def modules(code: str) -> set[str]:
    """The modules in memory after the code has run, in a process of its own."""
    show = "import sys; print('LOADED', *sys.modules)"
    program = f"import atexit\natexit.register(lambda: exec({show!r}))\n{code}"
    return set(run(program).rpartition("LOADED ")[2].split())


def run(program: str) -> str:
    """What a program prints, in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-I", "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r})\n{program}"],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return done.stdout


def each_loaded(*names: str) -> dict[str, set[str]]:
    """What came into memory with each of these modules, imported one after the other."""
    code = (
        "import importlib\nbefore = set(sys.modules)\n"
        f"for name in {names!r}:\n"
        "    importlib.import_module(name)\n"
        "    print('WITH', name, *(set(sys.modules) - before))\n"
        "    before = set(sys.modules)\n"
    )
    lines = [line.split()[1:] for line in run(code).splitlines() if line.startswith("WITH ")]
    assert list(names) == [line[0] for line in lines]
    return {name: {one.split(".")[0] for one in more} for name, *more in lines}


def helped(*args: str) -> set[str]:
    """The packages that a command line has loaded when it ends."""
    return {name.split(".")[0] for name in loaded_modules(*args)}


def loaded_modules(*args: str) -> set[str]:
    """The modules that a command line has loaded when it ends."""
    line = ["tokenhubctl", *args]
    return modules(f"import sys; sys.argv = {line!r}\nfrom tokenhub_cli.main import main\nmain()")


def test_tokenhub_itself_loads_nothing() -> None:
    assert {"tokenhub"} == loaded("import tokenhub") - loaded("")


def test_contract_loads_msgspec_and_the_standard_library() -> None:
    """None of them loads more, so none does alone: one process tells it of them all."""
    found = each_loaded(*WIRE, *CALLS)

    assert {} == {name: more for name in found if (more := found[name] & (HEAVY | {"typer"}))}


def test_client_loads_httpx_without_its_command_line() -> None:
    found = loaded("import tokenhub.client.transport")

    assert "httpx" in found
    assert set() == found & (HEAVY - {"httpx"} | {"pygments", "typer"})


def test_command_line_starts_with_typer_alone() -> None:
    assert set() == loaded("import tokenhub_cli.main") & (HEAVY | {"msgspec"})


@pytest.mark.parametrize("option", ["--help", "--version"])
def test_help_and_version_load_exactly_this(option: str) -> None:
    found = {name for name in loaded_modules(option) if name.split(".")[0] not in STANDARD}

    ours = {name for name in found if name.startswith("tokenhub")}
    # Less what Python itself loads where the environment has such a thing, as setuptools is.
    assert TYPER == {name.split(".")[0] for name in found - ours} - loaded("")
    assert OURS == ours


def test_a_command_file_does_not_load_httpx() -> None:
    found = each_loaded(*COMMANDS)

    assert {} == {name: more for name in found if (more := found[name] & HEAVY)}


def test_help_of_a_command_does_not_load_httpx() -> None:
    assert set() == helped("model", "list", "--help") & HEAVY


def test_a_command_that_was_run_has_loaded_no_rich() -> None:
    """Not even to tell that there is nobody at that port."""
    code = "from tokenhub_cli.main import app\nimport sys\n"
    line = ["--url", "http://127.0.0.1:1", "model", "list"]
    found = loaded(
        f"{code}try:\n    app({line!r})\nexcept SystemExit as e:\n    assert e.code == 3"
    )

    assert set() == found & (HEAVY - {"httpx"})


def test_the_server_does_not_load_the_price_list() -> None:
    """Nor what it stands on: a child process reads it when it is asked for."""
    assert set() == loaded("import tokenhub.app") & {"genai_prices", "pydantic", "httpx2"}


def test_console_loads_no_charts_before_its_first_picture() -> None:
    found = loaded("import tokenhub_tui.app")

    assert "textual" in found
    assert "plotext" not in found
