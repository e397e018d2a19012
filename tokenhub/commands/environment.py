"""The process's environment, and the file that adds to it; read here and nowhere else."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from tokenhub import settings
from tokenhub.core.errors import BadRequest
from tokenhub.settings import DEFAULT_ENV_FILE, ENV_FILE, Settings, SettingsRefused

DATA = Path("/data")
_DB_DSN = "TOKENHUB_DB_DSN"


def variables() -> Mapping[str, str]:
    """The TOKENHUB_* variables: those of the environment file, and over them the process's own.

    The file is the one that TOKENHUB_ENV_FILE names, else `server.env` in the data directory,
    and is read anew each time. Raises SettingsRefused where it cannot be used.
    """
    own = _own()
    return {**in_file(env_file(own), needed=ENV_FILE in own), **own}


def current() -> Settings:
    """The settings that the environment asks for. Raises SettingsRefused."""
    return _loaded(variables())


def env_file(own: Mapping[str, str]) -> Path:
    """Where the environment file is or would be, as the process's own variables say."""
    if named := own.get(ENV_FILE):
        return Path(named).expanduser()
    where = {name: own[name] for name in own if name == _DB_DSN}
    return _loaded(where).data_dir / DEFAULT_ENV_FILE


def in_file(path: Path, *, needed: bool) -> dict[str, str]:
    """The variables in the file; none where there is no file and it is not `needed`.

    A link that leads nowhere is a file that cannot be read: without it the server would go on
    with the defaults, and open what the file had closed.
    """
    if not _is_there(path):
        if needed:
            raise SettingsRefused((f"{ENV_FILE}: there is no file {path}",))
        return {}
    from tokenhub.app import read_private  # noqa: PLC0415 - heavy, and few have such a file

    try:
        text = read_private(path).decode()
    except (BadRequest, UnicodeDecodeError) as error:
        told = str(error) if isinstance(error, BadRequest) else f"{path} is not UTF-8"
        raise SettingsRefused((told,)) from error
    return settings.lines(text, file=str(path))


def complain(*sentences: str) -> None:
    """Say on standard error what is wrong, a line for each."""
    for sentence in sentences:
        print(f"tokenhub: {sentence}", file=sys.stderr)


def _is_there(path: Path) -> bool:
    try:
        path.stat()
    except OSError as error:
        absent = isinstance(error, FileNotFoundError | NotADirectoryError)
        if absent and not path.is_symlink():
            return False
        raise SettingsRefused((f"cannot read {path}: {error.strerror}",)) from error
    return True


def _own() -> dict[str, str]:
    """The process's own variables; an empty one counts as not set."""
    environ = os.environ  # noqa: TID251  # the one place; everything else takes Settings
    return {
        name: value
        for name, value in environ.items()
        if name.startswith("TOKENHUB_") and value.strip()
    }


def _loaded(env: Mapping[str, str]) -> Settings:
    writable = DATA.is_dir() and os.access(DATA, os.W_OK | os.X_OK)
    return settings.load(env, home=Path.home(), data_writable=writable)
