"""The program: its verbs, its exit codes, and what its help loads."""

import subprocess
import sys

import pytest

import tokenhub
from tokenhub.__main__ import main

HEAVY = {"litestar", "aiohttp", "httpx", "uvicorn", "msgspec", "sqlite_utils", "prometheus_client"}


def test_the_version_is_that_of_the_package(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["--version"])

    assert 0 == ended.value.code
    assert f"tokenhub {tokenhub.__version__}\n" == capsys.readouterr().out


def test_without_a_verb_it_explains_itself(capsys):
    assert 2 == main([])
    assert "healthcheck" in capsys.readouterr().out


def test_help_loads_nothing_heavy():
    code = (
        "import sys\n"
        "from tokenhub.__main__ import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        "print(*{name.partition('.')[0] for name in sys.modules})\n"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert set() == HEAVY & set(done.stdout.splitlines()[-1].split())


def test_settings_that_are_refused_exit_with_2_and_a_line_for_each(monkeypatch, capsys):
    monkeypatch.setenv("TOKENHUB_LOG_LEVEL", "loud")
    monkeypatch.setenv("TOKENHUB_LISTEN_ADDR", "nowhere")

    assert 2 == main(["settings"])
    assert 2 == len(capsys.readouterr().err.splitlines())


def test_settings_show_where_they_come_from_and_no_secret(monkeypatch, capsys):
    monkeypatch.setenv("TOKENHUB_ADMIN_TOKEN", "a-secret-of-sixteen")
    monkeypatch.setenv("TOKENHUB_LOG_LEVEL", "warn")

    code = main(["settings"])

    shown = capsys.readouterr().out
    assert 0 == code
    assert "a-secret" not in shown
    assert "TOKENHUB_ADMIN_TOKEN=********  # from the environment" in shown
    assert "TOKENHUB_LOG_LEVEL=warn  # from the environment" in shown
    assert "TOKENHUB_LISTEN_ADDR=127.0.0.1:8080  # default" in shown


def test_a_health_check_where_nobody_listens_exits_with_1(monkeypatch, capsys):
    monkeypatch.setenv("TOKENHUB_LISTEN_ADDR", "127.0.0.1:1")

    assert 1 == main(["healthcheck"])
    assert "http://127.0.0.1:1/healthz answered nothing" in capsys.readouterr().err


def test_the_originals_spelling_of_the_health_check_is_understood(monkeypatch):
    monkeypatch.setenv("TOKENHUB_LISTEN_ADDR", "127.0.0.1:1")

    assert 1 == main(["-healthcheck"])


@pytest.mark.parametrize("content", [None, "{", '{"name": "x"}'])
def test_a_profile_that_cannot_be_used_exits_with_2(content, tmp_path, capsys):
    file = tmp_path / "profile.json"
    if content is not None:
        file.write_text(content)

    assert 2 == main(["sim", "--profile", str(file)])
    assert "profile.json" in capsys.readouterr().err
