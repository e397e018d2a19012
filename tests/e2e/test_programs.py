"""The programs as people run them: started, used, and stopped by a signal."""

import json
import os
import re
import signal
import subprocess
import sys
import urllib.request
from contextlib import contextmanager

import pytest

PROFILE = {"name": "sim-test", "dialect": "openai", "models": [{"id": "sim-model"}]}


@pytest.fixture
def program(tmp_path):
    """Runs `tokenhub` in an empty home; what is left of it at the block's end is killed."""
    inherited = dict(os.environ)  # noqa: TID251 - a child's environment, no setting is read
    clean = {name: value for name, value in inherited.items() if "TOKENHUB" not in name}

    @contextmanager
    def start(*words, **variables):
        env = clean | {"HOME": str(tmp_path), "PYTHONUNBUFFERED": "1", "TMPDIR": str(tmp_path)}
        env |= {f"TOKENHUB_{name}": value for name, value in variables.items()}
        with subprocess.Popen(
            [sys.executable, "-m", "tokenhub", *words],
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            try:
                yield process
            finally:
                process.kill()

    return start


def line_with(stream, pattern):
    """The match in the first line that has one."""
    for line in stream:
        if found := re.search(pattern, line):
            return found
    raise AssertionError(f"{pattern} was never said")


def fetched(url):
    with urllib.request.urlopen(url, timeout=10) as answer:
        return json.loads(answer.read())


def test_a_server_greets_answers_and_stops_in_order(program, tmp_path):
    with program("serve", LISTEN_ADDR="127.0.0.1:0") as server:
        url = line_with(server.stderr, r"ready at (http\S+)/v1")[1]
        greeting = [next(server.stderr) for _ in range(3)]
        health = fetched(f"{url}/healthz")
        server.send_signal(signal.SIGTERM)
        _, rest = server.communicate(timeout=20)

    token_file = tmp_path / ".tokenhub" / ".admin-token"
    assert "ok" == health["status"]
    assert 0 == server.returncode
    assert str(token_file) in greeting[1]
    assert token_file.read_text().strip() not in "".join(greeting) + rest
    assert "Traceback" not in rest


def test_a_second_server_on_the_port_is_one_line_and_exit_code_1(program):
    with program("serve", LISTEN_ADDR="127.0.0.1:0") as first:
        address = line_with(first.stderr, r"ready at http://(\S+)/v1")[1]
        with program("serve", LISTEN_ADDR=address) as second:
            said, complaint = second.communicate(timeout=20)
        first.send_signal(signal.SIGINT)
        first.communicate(timeout=20)

    assert 1 == second.returncode
    assert "" == said
    assert f"tokenhub: cannot listen on {address}: another program listens there" in complaint
    assert 1 == len(complaint.splitlines())
    assert 0 == first.returncode


def test_a_simulated_provider_says_what_it_is_and_stops_in_order(program, tmp_path):
    file = tmp_path / "profile.json"
    file.write_text(json.dumps(PROFILE))

    with program("sim", "--listen", "127.0.0.1:0", "--profile", str(file), "--seed", "5") as sim:
        url = line_with(sim.stdout, r"SIMULATION of sim-test: ready at (http\S+)")[1]
        models = fetched(f"{url}/v1/models")
        sim.send_signal(signal.SIGINT)
        sim.communicate(timeout=20)

    assert ["sim-model"] == [model["id"] for model in models["data"]]
    assert 0 == sim.returncode


def test_a_demo_of_three_requests_routes_them_and_leaves_nothing(program, tmp_path):
    with program("demo", "--once", "3") as demo:
        said, complaint = demo.communicate(timeout=50)

    table = said[said.index("ASKED FOR") :].splitlines()
    assert 0 == demo.returncode, complaint
    assert "This is a SIMULATION" in said
    looks = re.findall(r"^  \S*tokenhubctl (.+)$", said, re.MULTILINE)
    assert ["status", "model list", "logs", "top", "events"] == looks
    assert 3 == sum(" at sim-" in line or "nobody" in line for line in table)
    assert [] == list(tmp_path.glob("tokenhub-demo-*"))


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_demo_that_is_interrupted_stops_at_once_without_a_traceback(program, tmp_path, how):
    with program("demo") as demo:
        line_with(demo.stdout, r" at sim-")
        demo.send_signal(how)
        _, complaint = demo.communicate(timeout=20)

    assert 0 == demo.returncode
    assert "Traceback" not in complaint
    assert [] == list(tmp_path.glob("tokenhub-demo-*"))
