"""Where the server is, and the admin token it wants.

For each of the two: flag, then environment, then the context in use (contexts.py), then
`~/.tokenhub/env` (the original's file), then the default. A token may also lie in a file, written
by the server at its first start. A context that was named by a flag stands above the environment,
and its token goes to no server but its own.
"""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import unquote, urlsplit

import msgspec

from tokenhub.client import contexts
from tokenhub.client.errors import BadProfile

DEFAULT_URL = "http://localhost:8080"
TOKEN_FILE = ".admin-token"  # noqa: S105 - the name of a file, no token


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """`url` has no slash at its end. `token` is empty where none was found.

    `url_source` and `token_source` name the flag, variable, context or file each came from.
    """

    url: str = DEFAULT_URL
    token: str = ""
    url_source: str = ""
    token_source: str = ""

    def __repr__(self) -> str:
        return f"Profile(url={self.url!r}, token_source={self.token_source!r})"


def load(
    *,
    url: str = "",
    token_file: Path | None = None,
    context: str = "",
    environ: Mapping[str, str] | None = None,
    home: Path | None = None,
    container: Path = Path("/data"),
) -> Profile:
    """The profile of this user on this machine; every keyword overrides what would be found.

    Raises BadProfile where the URL is none, there is no such context, or the token file that was
    asked for cannot be read.
    """
    if environ is None:
        environ = os.environ  # noqa: TID251 - the client's one look at the environment
    home = home or Path.home()
    tokenhub = home / ".tokenhub"
    variables = _filled(environ)
    file = _read_env(tokenhub / "env")
    name, chosen = _context(context, variables, contexts.path(environ, home))
    place = f"context {name}"
    env_url = variables.get("TOKENHUB_URL", "")
    at = chosen.url if chosen else ""
    urls = [(url, "--url"), (env_url, "TOKENHUB_URL"), (at, place)]
    if context:
        urls = [(url, "--url"), (at, place)]
    urls += [(file.get("TOKENHUB_URL", ""), str(tokenhub / "env")), (DEFAULT_URL, "the default")]
    found, url_source = next((one, source) for one, source in urls if one)
    its_own = chosen is not None and _same(found, chosen.url)
    token, token_source = _token(
        variables if not (context and its_own) else {},
        chosen if its_own else None,
        place,
        token_file,
        lambda: _beside({**file, **variables}, tokenhub, container),
    )
    return Profile(
        url=checked_url(found), token=token, url_source=url_source, token_source=token_source
    )


def checked_url(url: str) -> str:
    """The URL without a slash at its end. Raises BadProfile where it is none of a server."""
    if "@" in url:  # httpx would send the password in the place of the token
        raise BadProfile("a URL with a user or password in it cannot be used: leave them out")
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
        # Nothing may stand behind the path: the paths of calls are put there.
        usable = usable and url.isprintable() and "?" not in url and "#" not in url
    except ValueError:
        usable = False
    if not usable:
        raise BadProfile(f"the URL must look like http://host:port, not {url!r}")
    return url.rstrip("/")


def _context(
    asked: str, variables: Mapping[str, str], file: Path
) -> tuple[str, contexts.Context | None]:
    """The context in use, and its name."""
    named = asked or variables.get("TOKENHUB_CONTEXT", "")
    if not named and not file.exists():
        return "", None
    known = contexts.read(file)
    name = named or known.current
    return name, known.named(name) if name else None


def _same(one: str, other: str) -> bool:
    return one.rstrip("/") == other.rstrip("/")


def _token(
    variables: Mapping[str, str],
    context: contexts.Context | None,
    place: str,
    file: Path | None,
    beside: Callable[[], tuple[str, str]],
) -> tuple[str, str]:
    """The token, and where it was found."""
    if file is not None:
        return _asked(file), str(file)
    if token := variables.get("TOKENHUB_ADMIN_TOKEN", ""):
        return _one_line(token, "TOKENHUB_ADMIN_TOKEN"), "TOKENHUB_ADMIN_TOKEN"
    if context is None:
        return beside()
    if context.token_file:
        return _asked(Path(context.token_file).expanduser()), context.token_file
    # Without one of its own: the token of the server on this machine is not for another.
    return (_one_line(context.token, place), place) if context.token else ("", "")


def _beside(settings: Mapping[str, str], tokenhub: Path, container: Path) -> tuple[str, str]:
    """The token of `~/.tokenhub/env`, or of the file that a server on this machine wrote."""
    if token := settings.get("TOKENHUB_ADMIN_TOKEN", ""):
        source = str(tokenhub / "env")
        return _one_line(token, source), source
    data = _data_dir(settings.get("TOKENHUB_DB_DSN", ""), tokenhub, container)
    for path in dict.fromkeys((data / TOKEN_FILE, tokenhub / TOKEN_FILE)):
        if token := _read(path).strip():
            return _one_line(token, str(path)), str(path)
    return "", ""


def _data_dir(dsn: str, tokenhub: Path, container: Path) -> Path:
    """The folder of the server's database, by the server's own rule."""
    if not dsn:
        return container if os.access(container, os.W_OK) else tokenhub
    path = Path(unquote(urlsplit(dsn).path) if dsn.startswith("file:") else dsn)
    if path.parts[:1] == ("~",):
        path = tokenhub.parent.joinpath(*path.parts[1:])
    return path.parent


def _read_env(path: Path) -> dict[str, str]:
    """The KEY=VALUE lines of a file; none where it cannot be read."""
    lines = (line.strip().removeprefix("export ") for line in _read(path).splitlines())
    pairs = (line.partition("=") for line in lines if not line.startswith("#"))
    return _filled({key.strip(): value.strip().strip("\"'") for key, _, value in pairs})


def _filled(values: Mapping[str, str]) -> dict[str, str]:
    """Ours among them. An empty variable is an unset one, as shells make them by accident."""
    ours = {key: text.strip() for key, text in values.items() if key.startswith("TOKENHUB_")}
    return {key: text for key, text in ours.items() if text}


def _read(path: Path) -> str:
    """The text of a file that may be missing, or another user's."""
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _asked(path: Path) -> str:
    try:
        token = path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError as error:
        raise BadProfile(f"cannot read the token file {path}: {error.strerror}") from error
    if not token:
        raise BadProfile(f"the token file {path} is empty")
    return _one_line(token, str(path))


def _one_line(token: str, source: str) -> str:
    """The token, if it can be sent in a header."""
    if not token.isascii() or not token.isprintable():
        raise BadProfile(f"the admin token from {source} is not one line of printable ASCII")
    return token
