from collections.abc import Mapping
from pathlib import Path

import pytest

from tokenhub.client.errors import BadProfile
from tokenhub.client.profile import TOKEN_FILE, Profile, load
from tokenhub.core import admin_token

NOWHERE = Path("/nonexistent")


def profile(home: Path, environ: Mapping[str, str] | None = None) -> Profile:
    return load(environ=environ or {}, home=home, container=NOWHERE)


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def test_without_any_setting_it_is_this_machine_and_no_token(tmp_path: Path) -> None:
    found = profile(tmp_path)

    assert Profile(url="http://localhost:8080", url_source="the default") == found


def test_a_flag_wins_over_the_environment_and_that_over_the_file(tmp_path: Path) -> None:
    write(tmp_path / ".tokenhub/env", "TOKENHUB_URL=http://file\n")
    environ = {"TOKENHUB_URL": "http://environment/"}

    assert "http://file" == profile(tmp_path).url
    assert "http://environment" == profile(tmp_path, environ).url
    assert "http://flag" == load(url="http://flag", environ=environ, home=tmp_path).url


def test_the_env_file_takes_comments_quotes_and_export(tmp_path: Path) -> None:
    text = '# the server\n\nexport TOKENHUB_URL="http://a:1"\nTOKENHUB_ADMIN_TOKEN = t=1\nPATH=/x\n'
    write(tmp_path / ".tokenhub/env", text)

    found = profile(tmp_path)

    assert ("http://a:1", "t=1") == (found.url, found.token)


def test_an_empty_variable_is_an_unset_one(tmp_path: Path) -> None:
    write(tmp_path / ".tokenhub/env", "TOKENHUB_ADMIN_TOKEN=from-file\n")

    found = profile(tmp_path, {"TOKENHUB_URL": " ", "TOKENHUB_ADMIN_TOKEN": ""})

    assert ("http://localhost:8080", "from-file") == (found.url, found.token)


def test_the_token_beside_the_data_wins_over_the_one_at_home(tmp_path: Path) -> None:
    write(tmp_path / ".tokenhub/.admin-token", "home\n")
    write(tmp_path / "srv/.admin-token", "data\n")

    found = profile(tmp_path, {"TOKENHUB_DB_DSN": str(tmp_path / "srv/th.sqlite")})

    assert ("data", str(tmp_path / "srv/.admin-token")) == (found.token, found.token_source)
    assert "home" == profile(tmp_path).token


@pytest.mark.parametrize(
    "dsn", ["file:{}/srv/th.sqlite?mode=rwc", "file://{}/srv/th.sqlite", "~/srv/th.sqlite"]
)
def test_the_data_folder_is_found_by_the_servers_rule(tmp_path: Path, dsn: str) -> None:
    write(tmp_path / "srv/.admin-token", "data")

    found = profile(tmp_path, {"TOKENHUB_DB_DSN": dsn.format(tmp_path)})

    assert "data" == found.token


def test_the_container_folder_counts_where_it_can_be_written(tmp_path: Path) -> None:
    write(tmp_path / "container/.admin-token", "container")
    write(tmp_path / ".tokenhub/.admin-token", "home")

    found = load(environ={}, home=tmp_path, container=tmp_path / "container")

    assert "container" == found.token


def test_a_token_file_that_was_asked_for_wins(tmp_path: Path) -> None:
    write(tmp_path / "token", "asked\n")
    environ = {"TOKENHUB_ADMIN_TOKEN": "environment"}

    found = load(token_file=tmp_path / "token", environ=environ, home=tmp_path)

    assert ("asked", str(tmp_path / "token")) == (found.token, found.token_source)


def test_a_token_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    write(tmp_path / "empty", "\n")

    with pytest.raises(BadProfile, match=r"cannot read the token file .*missing: No such file"):
        load(token_file=tmp_path / "missing", environ={}, home=tmp_path)
    with pytest.raises(BadProfile, match="empty is empty"):
        load(token_file=tmp_path / "empty", environ={}, home=tmp_path)


@pytest.mark.parametrize("token", ["two\nlines", "töken"])
def test_a_token_that_no_header_can_hold_is_refused_and_not_shown(
    tmp_path: Path, token: str
) -> None:
    with pytest.raises(BadProfile, match="TOKENHUB_ADMIN_TOKEN is not one line") as refused:
        profile(tmp_path, {"TOKENHUB_ADMIN_TOKEN": token})

    assert token not in str(refused.value)


@pytest.mark.parametrize(
    "url",
    [
        "localhost:8080",
        "ftp://a",
        "http://",
        "http://a:99999",
        "http://[::1",
        "http://a:0",
        "http://a/?b=c",
        "http://a/#b",
        "http://a\r",
    ],
)
def test_a_url_that_is_none_is_refused(tmp_path: Path, url: str) -> None:
    with pytest.raises(BadProfile, match="must look like http://host:port"):
        load(url=url, environ={}, home=tmp_path)


@pytest.mark.parametrize("url", ["http://me:s3cret@a", "http://me:s3cret@a:99999"])
def test_a_password_in_a_url_is_refused_and_not_shown(tmp_path: Path, url: str) -> None:
    with pytest.raises(BadProfile, match="leave them out") as refused:
        load(url=url, environ={}, home=tmp_path)

    assert "s3cret" not in str(refused.value)


def test_the_token_is_not_in_the_repr() -> None:
    shown = repr(Profile(token="s3cret", token_source="FILE"))

    assert "s3cret" not in shown
    assert "FILE" in shown


def test_the_real_environment_is_read_where_none_is_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("TOKENHUB_URL", "http://real:1")

    assert "http://real:1" == load().url


def test_the_token_is_looked_for_where_the_server_puts_it() -> None:
    assert admin_token.FILE == TOKEN_FILE
