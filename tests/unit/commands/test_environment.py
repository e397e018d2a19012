"""Where the variables come from: the process, and a file that adds to it."""

import pytest

from tokenhub.commands.environment import current, variables
from tokenhub.settings import SettingsRefused


@pytest.fixture
def file(tmp_path, monkeypatch):
    """The environment file of a server whose data are in this folder."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("TOKENHUB_DB_DSN", str(tmp_path / "data" / "tokenhub.sqlite"))
    path = tmp_path / "data" / "server.env"
    path.parent.mkdir()
    path.touch(mode=0o600)
    return path


def test_the_file_adds_to_the_environment_which_wins(file, monkeypatch):
    file.write_text("TOKENHUB_LOG_LEVEL=error\nTOKENHUB_DEFAULT_MODE=cheap\n")
    monkeypatch.setenv("TOKENHUB_LOG_LEVEL", "debug")
    monkeypatch.setenv("TOKENHUB_DEFAULT_MODE", "")

    settings = current()

    assert ("debug", "cheap") == (settings.log_level, settings.default_mode)


def test_it_is_read_anew_each_time(file):
    before = dict(variables())
    file.write_text("TOKENHUB_LOG_LEVEL=error\n")

    assert before | {"TOKENHUB_LOG_LEVEL": "error"} == variables()


def test_it_may_be_elsewhere(file, tmp_path, monkeypatch):
    file.write_text("TOKENHUB_LOG_LEVEL=error\n")
    other = tmp_path / "other.env"
    other.touch(mode=0o600)
    other.write_text("TOKENHUB_LOG_LEVEL=warn\n")
    monkeypatch.setenv("TOKENHUB_ENV_FILE", "~/other.env")

    assert "warn" == current().log_level


def test_without_one_nothing_is_missing_unless_it_was_named(file, tmp_path, monkeypatch):
    file.unlink()
    assert "info" == current().log_level

    monkeypatch.setenv("TOKENHUB_ENV_FILE", str(tmp_path / "none.env"))
    with pytest.raises(SettingsRefused, match="there is no file"):
        variables()


def test_it_is_for_the_owners_eyes_only(file):
    file.chmod(0o644)

    with pytest.raises(SettingsRefused, match="chmod 600"):
        variables()


@pytest.mark.parametrize(
    "content", [b"\xff", b"TOKENHUB_LOG_LEVEL\n", b"TOKENHUB_LOG_LEVEL=loud\n"]
)
def test_a_broken_one_is_refused(file, content):
    file.write_bytes(content)

    with pytest.raises(SettingsRefused):
        current()


def test_a_link_that_leads_nowhere_is_broken_and_not_absent(file, tmp_path):
    """The defaults are no answer to it: they may open what the file closes."""
    for target in (tmp_path / "nowhere", file):
        file.unlink()
        file.symlink_to(target)

        with pytest.raises(SettingsRefused, match="cannot read"):
            variables()


def test_a_link_to_a_file_is_followed(file, tmp_path):
    file.rename(tmp_path / "elsewhere")
    file.symlink_to(tmp_path / "elsewhere")
    file.write_text("TOKENHUB_LOG_LEVEL=error\n")

    assert "error" == current().log_level
