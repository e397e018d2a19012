"""The script of docs/user/ci.md, run as a pipeline would: bash, the program, and a server."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.live import Live

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/user/ci.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
FILE = next(text for kind, text in BLOCKS if kind == "yaml")
WRITTEN = next(text for kind, text in BLOCKS if kind == "text")
SCRIPT, TELL_APART = (text for kind, text in BLOCKS if kind == "bash")
PASSWORD = "correct horse battery"

# A run starts the program a dozen times, on a machine that may have other things to do.
pytestmark = pytest.mark.timeout(300)

Pipeline = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def pipeline(live: Live, tmp_path: Path) -> Pipeline:
    """Runs a script where the page's file is, and `tokenhubctl` on the PATH."""
    folder = tmp_path / "pipeline"
    programs = folder / "bin"
    programs.mkdir(parents=True)
    program = programs / "tokenhubctl"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m tokenhub_cli.main "$@"\n')
    program.chmod(0o755)
    file = FILE.replace("https://api.openai.com", live.sim.url)
    (folder / "tokenhub.yaml").write_text(file, encoding="utf-8")

    def run(script: str, **env: str) -> "subprocess.CompletedProcess[str]":
        path = os.environ["PATH"]  # noqa: TID251 - bash and its kin are there
        given = {
            "PATH": f"{programs}:{path}",
            "PYTHONPATH": str(ROOT),
            "CI_JOB_ID": "77",
            "VAULT_PASSWORD": PASSWORD,
            "PROVIDER_KEY": "sk-of-the-provider",
        }
        return subprocess.run(
            ["bash", "-c", script],
            check=False,
            capture_output=True,
            text=True,
            env=live.variables | given | env,
            cwd=folder,
            stdin=subprocess.DEVNULL,
        )

    return run


def test_the_script_of_the_page_does_it_all(live: Live, pipeline: Pipeline, tmp_path: Path) -> None:
    ran = pipeline(SCRIPT)

    assert 0 == ran.returncode, ran.stderr + ran.stdout
    assert _of_any_run(WRITTEN) == _of_any_run(ran.stdout)
    assert "sk-of-the-provider" not in ran.stdout + ran.stderr
    assert "tokenhub_" not in ran.stdout + ran.stderr
    asked, *others = live.admin("GET", "logs")["logs"]
    assert (200, "gpt", []) == (asked["status_code"], asked["model_id"], others)
    assert "sk-of-the-provider" == live.sim.requests[-1].key()
    assert "cheap" == live.admin("GET", "routing-config")["default_mode"]
    assert [] == live.admin("GET", "apikeys")["keys"]
    assert "locked" == live.admin("GET", "vault/status")["state"]
    exported = (tmp_path / "pipeline/tokenhub-after.yaml").read_text(encoding="utf-8")
    assert live.sim.url in exported
    assert "ci-77" not in exported
    assert "sk-of-the-provider" not in exported


def test_what_is_applied_twice_changes_nothing_the_second_time(
    live: Live, pipeline: Pipeline
) -> None:
    live.admin("POST", "vault/init", {"admin_password": PASSWORD})
    line = "set -e; tokenhubctl apply -f tokenhub.yaml -o json"
    first = pipeline(line)
    then = _all_that_there_is(live)

    second = pipeline(line)

    assert (0, 0) == (first.returncode, second.returncode), first.stderr + second.stderr
    assert then == _all_that_there_is(live)
    assert 0 == pipeline("tokenhubctl diff -f tokenhub.yaml").returncode


def test_a_run_that_fails_leaves_nothing_behind_either(live: Live, pipeline: Pipeline) -> None:
    """The vault cannot be opened, so it ends there, with the code of that."""
    live.admin("POST", "vault/init", {"admin_password": "of somebody else"})
    live.admin("POST", "vault/lock")

    ran = pipeline(SCRIPT)

    assert 4 == ran.returncode, ran.stderr
    assert 0 == live.admin("GET", "providers")["total"]
    assert [] == live.admin("GET", "apikeys")["keys"]
    assert "locked" == live.admin("GET", "vault/status")["state"]


def test_a_server_that_somebody_has_changed_is_told_apart_from_a_failure(
    live: Live, pipeline: Pipeline
) -> None:
    live.admin("POST", "vault/init", {"admin_password": PASSWORD})
    assert 0 == pipeline("tokenhubctl apply -f tokenhub.yaml").returncode
    live.admin("PATCH", "models/gpt", {"weight": 1})

    changed = pipeline(TELL_APART)
    unreachable = pipeline(TELL_APART, TOKENHUB_URL="http://127.0.0.1:9")

    assert 0 == changed.returncode, changed.stderr
    assert changed.stdout.endswith("apply puts it right\n")
    assert 1 == unreachable.returncode


def _of_any_run(written: str) -> str:
    """What was written, without the key's id."""
    return re.sub(r"key_[0-9a-f]{16}", "key", written)


def _all_that_there_is(live: Live) -> str:
    """What an apply could change: rows with their versions, and the trail of changes."""
    rows = [live.admin("GET", path) for path in ("providers", "models", "routing-config")]
    trail = live.admin("GET", "audit?limit=1000")["logs"]
    changes = [entry["id"] for entry in trail if not entry["action"].startswith("auth.")]
    return json.dumps([rows, changes])
