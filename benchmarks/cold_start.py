"""How long the programs take to start, in CPU time, and the heaviest packages they load.

    python benchmarks/cold_start.py [RUNS]

The ratio is to a bare interpreter, which makes it comparable between machines. `status` is asked of
a real server. Times are information, never a test: what is loaded is tested in tests/architecture.
"""

import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

RUNS = 25
TOKEN = "tha_of_a_measurement_0123456789"
WATCHED = ("msgspec", "typer", "rich", "pydantic", "httpx", "aiohttp", "uvicorn", "litestar")
BARE = "python -c pass"


def ctl(*words: str) -> str:
    """The program with these words."""
    return f"import sys; sys.argv[1:] = {list(words)!r}\nfrom tokenhub_cli.main import main; main()"


PROGRAMS = {
    BARE: "pass",
    "tokenhubctl --version": ctl("--version"),
    "tokenhubctl --help": ctl("--help"),
    "tokenhubctl model --help": ctl("model", "--help"),
    "tokenhubctl status": ctl("status"),
    "tokenhubctl model list": ctl("model", "list"),
    "tokenhub --help": "from tokenhub.__main__ import main; main(['--help'])",
    "tokenhub settings": "from tokenhub.__main__ import main; main(['settings'])",
}
# The most that each may take, as a multiple of the bare interpreter.
LIMITS = {"tokenhubctl --version": 9, "tokenhubctl --help": 9, "tokenhubctl status": 20}


def main(runs: int) -> None:
    print(f"{'':<26}{'CPU ms, least of ' + str(runs):>22}{'ratio':>7}{'limit':>7}   loads")
    with server() as url:
        bare_ms = 0.0
        for name, code in PROGRAMS.items():
            least_ms = min(cpu_ms(code, url) for _ in range(runs))
            bare_ms = bare_ms or least_ms
            limit = str(LIMITS.get(name, ""))
            packages = " ".join(loaded(code, url)) or "-"
            print(f"{name:<26}{least_ms:>22.1f}{least_ms / bare_ms:>7.1f}{limit:>7}   {packages}")


@contextmanager
def server() -> Iterator[str]:
    """The URL of a server with an empty database."""
    with tempfile.TemporaryDirectory() as home:
        env = {"HOME": home, "TOKENHUB_ADMIN_TOKEN": TOKEN, "TOKENHUB_LISTEN_ADDR": "127.0.0.1:0"}
        env |= {"TOKENHUB_DB_DSN": f"{home}/tokenhub.sqlite", "TOKENHUB_ADMIN_RATE_LIMIT_RPS": "0"}
        with subprocess.Popen(
            [sys.executable, "-m", "tokenhub", "serve"],
            env=env,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            try:
                assert process.stderr is not None
                said = (line.partition("ready at ")[2] for line in process.stderr)
                yield next(filter(None, said)).partition("/v1")[0]
            finally:
                process.kill()


def cpu_ms(code: str, url: str) -> float:
    """User and system time of one run, interpreter included."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    run(code, url)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return 1000 * (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def loaded(code: str, url: str) -> list[str]:
    """Which of the watched packages a run has loaded at its end."""
    report = "import atexit, sys; atexit.register(lambda: print(chr(10), *sys.modules))\n"
    modules = run(report + code, url).split("\n")[-2].split()
    return [name for name in WATCHED if name in modules]


def run(code: str, url: str) -> str:
    """Standard output of the code in a process of its own, which must succeed."""
    with tempfile.TemporaryDirectory() as home:
        env = {"HOME": home, "TOKENHUB_URL": url, "PYTHONPATH": str(Path.cwd())}
        env["TOKENHUB_ADMIN_TOKEN"] = TOKEN
        done = subprocess.run(
            [sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True
        )
    return done.stdout


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else RUNS)
