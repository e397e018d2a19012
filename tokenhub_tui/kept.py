"""What a user keeps beside the server: contexts, keys of their own, the theme.

~/.config/tokenhub/config.toml         contexts, which tokenhubctl shares
~/.config/tokenhub/console.toml        [keys]: the name of an action = its keys
~/.local/state/tokenhub/console.json   what was chosen last: the theme
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Self

import msgspec

from tokenhub.client import contexts, profile
from tokenhub.client.contexts import Contexts
from tokenhub.client.errors import BadProfile
from tokenhub.client.profile import Profile

STATE = Path("tokenhub") / "console.json"


class Chosen(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the console remembers."""

    theme: str = ""


class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`console.toml`."""

    keys: dict[str, str] = {}


class Kept:
    """The files of one user. `environ` says where they are; without a `home` nothing is kept."""

    def __init__(self, environ: Mapping[str, str], home: Path | None) -> None:
        self._environ = environ
        self._home = home
        self.config = Config()

    @classmethod
    def of_user(cls) -> Self:
        """Those of whoever runs this."""
        return cls(os.environ, Path.home())  # noqa: TID251 - where the desktop says its files are

    @classmethod
    def nothing(cls) -> Self:
        """Those of nobody."""
        return cls({}, None)

    @property
    def kept(self) -> bool:
        """Whether what is written is there the next time."""
        return self._home is not None

    def load(self) -> None:
        """Read `console.toml`. Raises BadProfile where it is not as it should be."""
        if self._home is not None:
            self.config = _config(self._file.with_name("console.toml"))

    def contexts(self) -> Contexts:
        """The contexts there are. Raises BadProfile."""
        return Contexts() if self._home is None else contexts.read(self._file)

    def keep(self, known: Contexts) -> None:
        """Write them. Raises BadProfile."""
        if self._home is not None:
            contexts.write(self._file, known)

    def profile(self, name: str) -> Profile:
        """The profile of a context. Raises BadProfile."""
        return profile.load(context=name, environ=self._environ, home=self._home)

    def chosen(self) -> Chosen:
        """What was chosen last; nothing where it cannot be read, for it is no more than comfort."""
        try:
            return msgspec.json.decode(self._state.read_bytes(), type=Chosen)
        except (OSError, msgspec.DecodeError):
            return Chosen()

    def choose(self, chosen: Chosen) -> str:
        """Remember it; why not, where it cannot be written."""
        if self._home is None:
            return ""
        try:
            self._state.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._state.write_bytes(msgspec.json.encode(chosen))
        except OSError as error:
            return f"cannot write {self._state}: {error.strerror or error}"
        return ""

    @property
    def _file(self) -> Path:
        return contexts.path(self._environ, self._home or Path())

    @property
    def _state(self) -> Path:
        base = self._environ.get("XDG_STATE_HOME", "")
        home = self._home or Path(os.devnull)
        return (Path(base) if base.startswith("/") else home / ".local" / "state") / STATE


def _config(file: Path) -> Config:
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        return Config()
    except (OSError, UnicodeError) as error:
        raise BadProfile(f"cannot read {file}: {error}") from error
    import tomllib  # noqa: PLC0415 - 10 ms that users without a file need not wait

    try:
        return msgspec.convert(tomllib.loads(text), Config)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise BadProfile(f"{file} is not as it should be: {error}") from error
