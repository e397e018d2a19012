"""Named servers: where they are kept, and when which is used."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from tokenhub.client.contexts import Context, Contexts, path, read, write
from tokenhub.client.errors import BadProfile
from tokenhub.client.profile import Profile, load

NOWHERE = Path("/nonexistent")
PROD = Context(url="https://prod.example", token="prod-token")
BARE = Context(url="https://bare.example")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    contexts = {"prod": PROD, "bare": BARE}
    write(path({}, tmp_path), Contexts(current="prod", contexts=contexts))
    return tmp_path


def profile(home: Path, context: str = "", environ: Mapping[str, str] | None = None) -> Profile:
    return load(context=context, environ=environ or {}, home=home, container=NOWHERE)


@pytest.mark.parametrize("name", ["prod", "a b", 'quote"', "ümlaut", "del\x7f", "back\\slash"])
def test_what_is_written_is_read(tmp_path: Path, name: str) -> None:
    file = tmp_path / "deep/config.toml"
    contexts = Contexts(current=name, contexts={name: PROD})

    write(file, contexts)

    assert contexts == read(file)
    assert 0o600 == file.stat().st_mode & 0o777


def test_without_a_file_there_are_none(tmp_path: Path) -> None:
    assert Contexts() == read(tmp_path / "none.toml")


@pytest.mark.parametrize("text", ["current = ", "current = 1", "[contexts.a]\n"])
def test_a_file_that_is_none_is_told(tmp_path: Path, text: str) -> None:
    file = tmp_path / "config.toml"
    file.write_text(text, encoding="utf-8")

    with pytest.raises(BadProfile, match=r"config\.toml"):
        read(file)


def test_the_file_is_where_the_desktop_says() -> None:
    assert Path("/x/tokenhub/config.toml") == path({"XDG_CONFIG_HOME": "/x"}, Path("/home/u"))
    assert Path("/home/u/.config/tokenhub/config.toml") == path({}, Path("/home/u"))


def test_the_current_context_is_used(home: Path) -> None:
    found = profile(home)

    assert (PROD.url, PROD.token) == (found.url, found.token)
    assert "context prod" == found.url_source == found.token_source


def test_the_environment_stands_above_the_current_context(home: Path) -> None:
    found = profile(home, environ={"TOKENHUB_URL": "http://e", "TOKENHUB_ADMIN_TOKEN": "t"})

    assert ("http://e", "t") == (found.url, found.token)


def test_a_context_that_is_named_stands_above_the_environment(home: Path) -> None:
    environ = {"TOKENHUB_URL": "http://e", "TOKENHUB_ADMIN_TOKEN": "t"}

    found = profile(home, "prod", environ)

    assert (PROD.url, PROD.token) == (found.url, found.token)


def test_a_variable_names_one_too(home: Path) -> None:
    assert BARE.url == profile(home, environ={"TOKENHUB_CONTEXT": "bare"}).url


def test_the_token_of_a_context_goes_to_no_other_server(home: Path) -> None:
    assert "" == profile(home, environ={"TOKENHUB_URL": "http://elsewhere"}).token


def test_the_token_of_this_machine_goes_to_no_server_of_a_context(home: Path) -> None:
    (home / ".tokenhub").mkdir()
    (home / ".tokenhub/.admin-token").write_text("of-this-machine", encoding="utf-8")

    assert "" == profile(home, "bare").token


def test_a_context_may_name_a_file_with_the_token(home: Path) -> None:
    (home / "token").write_text("from-file\n", encoding="utf-8")
    filed = Context(url="http://f", token_file=str(home / "token"))
    write(path({}, home), Contexts(contexts={"filed": filed}))

    assert "from-file" == profile(home, "filed").token


def test_a_context_that_is_none_is_told_with_those_there_are(home: Path) -> None:
    with pytest.raises(BadProfile, match="there is prod, bare"):
        profile(home, "proud")


def test_no_token_is_in_a_repr() -> None:
    assert "prod-token" not in repr(PROD)


def test_a_new_token_leaves_a_server_read_only_and_marked(tmp_path: Path) -> None:
    marked = Context(url="https://prod.example", token="old", read_only=True, accent="red")
    file = tmp_path / "config.toml"
    write(file, Contexts(current="prod", contexts={"prod": marked, "bare": BARE}))

    known = read(file).with_context("prod", Context(url=marked.url, token="new"))

    assert Context(url=marked.url, token="new", read_only=True, accent="red") == known.named("prod")
    assert BARE == known.named("bare")
    assert "prod" == known.current


def test_an_accent_that_is_none_is_told(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text('[contexts.a]\nurl = "http://a"\naccent = "pink"\n', encoding="utf-8")

    with pytest.raises(BadProfile, match="pink"):
        read(file)


def test_a_context_is_named_after_its_host() -> None:
    known = Contexts(contexts={"prod": PROD, "bare.example": Context(url="http://bare.example:1")})

    assert "prod" == known.name_of(PROD.url)
    assert "new.example" == known.name_of("https://new.example")
    assert "bare.example:2" == known.name_of("http://bare.example:2")
