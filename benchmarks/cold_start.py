"""How long the programs take to start: CPU milliseconds and the heaviest packages they load.

    python benchmarks/cold_start.py [RUNS]

Milliseconds are information, never a test: what is loaded is tested in tests/architecture.
"""

import resource
import subprocess
import sys
import tempfile
from pathlib import Path

RUNS = 10
WATCHED = ("msgspec", "typer", "rich", "pydantic", "httpx", "aiohttp", "uvicorn", "litestar")
PROGRAMS = {
    "python -c pass": "pass",
    "tokenhub --help": "from tokenhub.__main__ import main; main(['--help'])",
    "tokenhub settings": "from tokenhub.__main__ import main; main(['settings'])",
    "tokenhubctl --help": "import sys; sys.argv[1:] = ['--help']\n"
    "from tokenhub_cli.main import main; main()",
    "tokenhubctl model list": "import sys; sys.argv[1:] = ['model', 'list']\n"
    "from tokenhub_cli.main import main; main()",
}


def main(runs: int) -> None:
    print(f"{'':<24} {'CPU ms, least of ' + str(runs):>22}   loads")
    for name, code in PROGRAMS.items():
        least_ms = min(cpu_ms(code) for _ in range(runs))
        print(f"{name:<24} {least_ms:>22.0f}   {' '.join(loaded(code)) or '-'}")


def cpu_ms(code: str) -> float:
    """User and system time of one run, interpreter included."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    run(code)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return 1000 * (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def loaded(code: str) -> list[str]:
    """Which of the watched packages a run has loaded at its end."""
    report = "import atexit, sys; atexit.register(lambda: print(chr(10), *sys.modules))\n"
    modules = run(report + code).split("\n")[-2].split()
    return [name for name in WATCHED if name in modules]


def run(code: str) -> str:
    """Standard output of the code in a process of its own, where no server can be reached."""
    with tempfile.TemporaryDirectory() as home:
        env = {"HOME": home, "TOKENHUB_URL": "http://127.0.0.1:1", "PYTHONPATH": str(Path.cwd())}
        env["TOKENHUB_ADMIN_TOKEN"] = "not-a-token-of-any-server"
        done = subprocess.run(
            [sys.executable, "-c", code], env=env, capture_output=True, text=True, check=False
        )
    return done.stdout


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else RUNS)
