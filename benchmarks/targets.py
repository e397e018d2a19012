"""The processes of the rig: simulated provider, bare relay, TokenHub, load generator."""

import ctypes
import http.client
import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import time
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path
from typing import Any, Self

import msgspec
from load import Job, Measured

ROOT = Path(__file__).parents[1]
HERE = Path(__file__).parent
START_S = 20.0
STOP_S = 10.0
# The provider's type, and the weight. All are the one simulated provider, which speaks both.
MODELS = {"sim-large": ("openai", 8), "sim-medium": ("anthropic", 5), "sim-small": ("openai", 3)}


class Process:
    """A child on a core of its own, with its CPU clock and memory. Linux only."""

    def __init__(
        self, arguments: list[str], *, core: int, env: dict[str, str] | None = None, **more: Any
    ) -> None:
        self._child = subprocess.Popen(
            [sys.executable, *arguments], cwd=ROOT, env=env, start_new_session=True, **more
        )
        if hasattr(os, "sched_setaffinity"):
            os.sched_setaffinity(self._child.pid, {core})

    def clock(self) -> int:
        """The clock of the CPU time of all its threads, for `time.clock_gettime`."""
        clock = ctypes.c_int()
        if ctypes.CDLL(None).clock_getcpuclockid(self._child.pid, ctypes.byref(clock)):
            raise SystemExit("the CPU clock of another process cannot be read here")
        return clock.value

    def rss_bytes(self) -> int:
        status = Path(f"/proc/{self._child.pid}/status").read_text(encoding="ascii")
        return int(status.partition("VmRSS:")[2].split()[0]) * 1024

    def alive(self) -> bool:
        return self._child.poll() is None

    def stop(self) -> None:
        self._child.send_signal(signal.SIGTERM)
        try:
            self._child.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()
        for pipe in (self._child.stdin, self._child.stdout):
            if pipe is not None:
                pipe.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


class Target(Process):
    """A server under test, ready to be asked."""

    name: str
    port: int
    key = "none"

    def last_words(self) -> str:
        """What it wrote last, where it writes."""
        return ""

    def commit_waits(self) -> list[float]:
        """Counts of commits by how long they took; of who has none, none."""
        return []

    def ready(self, path: str) -> None:
        """Return once the path answers 200."""
        until = time.perf_counter() + START_S
        while time.perf_counter() < until and self.alive():
            try:
                if call(self.port, "GET", path)[0] == http.client.OK:
                    return
            except OSError:
                time.sleep(0.05)
        raise SystemExit(f"{self.name} did not start; try it by hand: python -m tokenhub serve")


class Sim(Target):
    """The simulated provider: tokens come `gap_s` apart, or as fast as they can."""

    name = "direct"

    def __init__(self, folder: Path, *, core: int, gap_s: float = 0.0) -> None:
        profile = msgspec.json.decode((HERE / "instant.json").read_bytes())
        profile["latency"] = {"tokens_per_s": 1 / gap_s if gap_s else 0}
        file = folder / "profile.json"
        file.write_bytes(msgspec.json.encode(profile))
        self.port = free_port()
        where = f"127.0.0.1:{self.port}"
        arguments = ["-m", "tokenhub", "sim", "--listen", where, "--profile", str(file)]
        super().__init__(arguments, core=core, stdout=subprocess.DEVNULL)
        self.ready("/health")


class Relay(Target):
    name = "relay"

    def __init__(self, sim: Sim, *, core: int) -> None:
        self.port = free_port()
        upstream = f"http://127.0.0.1:{sim.port}"
        super().__init__([str(HERE / "relay.py"), str(self.port), upstream], core=core)
        self.ready("/health")


class TokenHub(Target):
    name = "tokenhub"

    def __init__(self, sim: Sim, folder: Path, *, core: int) -> None:
        self.port = free_port()
        self.token = secrets.token_urlsafe(32)
        env = {
            "HOME": str(folder),
            "PATH": os.defpath,
            "TOKENHUB_LISTEN_ADDR": f"127.0.0.1:{self.port}",
            "TOKENHUB_DB_DSN": str(folder / "tokenhub.sqlite"),
            "TOKENHUB_ADMIN_TOKEN": self.token,
            "TOKENHUB_RATE_LIMIT_RPS": "0",
            "TOKENHUB_ADMIN_RATE_LIMIT_RPS": "0",
            "TOKENHUB_ALLOWED_PRIVATE_HOSTS": "127.0.0.1",
            "TOKENHUB_CREDENTIALS_FILE": str(folder / "none"),
        }
        self._log = folder / "tokenhub.log"
        with self._log.open("wb") as log:
            arguments = ["-m", "tokenhub", "serve"]
            super().__init__(arguments, core=core, env=env, stdout=log, stderr=log)
        self.ready("/healthz")
        self._register(sim)

    def commit_waits(self) -> list[float]:
        """How many requests waited so long for their commit, by the bounds of core.waits."""
        _, page = call(self.port, "GET", "/metrics")
        sums = re.findall(rb"^tokenhub_commit_wait_seconds_bucket.*} (\S+)$", page, re.MULTILINE)
        found = [float(one) for one in sums]
        return [after - before for before, after in pairwise([0.0, *found])]

    def last_words(self) -> str:
        return self._log.read_text(errors="replace")[-4000:]

    def _register(self, sim: Sim) -> None:
        url = f"http://127.0.0.1:{sim.port}"
        for kind in ("openai", "anthropic"):
            self._create("providers", {"id": kind, "type": kind, "base_url": url, "api_key": "k"})
        for model_id, (kind, weight) in MODELS.items():
            model = {"id": model_id, "provider_id": kind, "weight": weight, "enabled": True}
            model |= {"max_context_tokens": 128_000}
            model |= {"input_per_1k": 0.0003125 * weight, "output_per_1k": 0.00125 * weight}
            self._create("models", model)
        issued = self._create("apikeys", {"name": "bench", "scopes": ["chat"]})
        self.key = msgspec.json.decode(issued)["key"]

    def _create(self, noun: str, body: dict[str, Any]) -> bytes:
        status, answer = call(self.port, "POST", f"/admin/v1/{noun}", body, token=self.token)
        if status >= http.client.MULTIPLE_CHOICES:
            raise SystemExit(f"TokenHub refused {noun} with {status}: {answer.decode()}")
        return answer


def check(target: Target, wire: bytes) -> None:
    """Send one request as the load generator does; anything but a good answer ends the run."""
    with socket.create_connection(("127.0.0.1", target.port), timeout=START_S) as connection:
        connection.sendall(wire)
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        body = answer.read()
    if answer.status != http.client.OK or b"Simulated" not in body:
        told = f"{target.name} answers {answer.status}: {body[:500].decode()}"
        raise SystemExit(f"{told}\n{target.last_words()}")


class Stage:
    """A provider of one pace, the bare relay before it, and TokenHub; on a core of their own."""

    def __init__(
        self, folder: Path, stack: ExitStack, *, gap_s: float = 0.0, floor: bool = False
    ) -> None:
        folder.mkdir()
        served, other = cores()
        sim = stack.enter_context(Sim(folder, core=other, gap_s=gap_s))
        self.targets: list[Target] = [sim, stack.enter_context(Relay(sim, core=served))]
        if not floor:
            self.targets.append(stack.enter_context(TokenHub(sim, folder, core=served)))


def cores() -> tuple[int, int]:
    """The core of what is measured, and that of the provider and the load."""
    found = sorted(os.sched_getaffinity(0))
    return found[0], found[1 % len(found)]


class LoadGenerator(Process):
    """The process behind load.py."""

    def __init__(self, *, core: int) -> None:
        pipe = subprocess.PIPE
        super().__init__([str(HERE / "load.py")], core=core, stdin=pipe, stdout=pipe)

    def run(self, job: Job) -> Measured:
        assert self._child.stdin
        assert self._child.stdout
        self._child.stdin.write(msgspec.json.encode(job) + b"\n")
        self._child.stdin.flush()
        line = self._child.stdout.readline()
        if not line:
            raise SystemExit("the load generator failed")
        return msgspec.json.decode(line, type=Measured)


def call(
    port: int, method: str, path: str, body: dict[str, Any] | None = None, *, token: str = ""
) -> tuple[int, bytes]:
    """One request, and its status and body."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=START_S)
    headers = {"authorization": f"Bearer {token}"} if token else {}
    data = None if body is None else msgspec.json.encode(body)
    if data is not None:
        headers["content-type"] = "application/json"
    try:
        connection.request(method, path, data, headers)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port
