"""The process's environment, read here and nowhere else."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from tokenhub import settings
from tokenhub.settings import Settings

DATA = Path("/data")


def variables() -> Mapping[str, str]:
    """The TOKENHUB_* variables of this process."""
    environ = os.environ  # noqa: TID251  # the one place; everything else takes Settings
    return {name: value for name, value in environ.items() if name.startswith("TOKENHUB_")}


def current() -> Settings:
    """The settings that the environment asks for. Raises SettingsRefused."""
    writable = DATA.is_dir() and os.access(DATA, os.W_OK | os.X_OK)
    return settings.load(variables(), home=Path.home(), data_writable=writable)


def complain(*sentences: str) -> None:
    """Say on standard error what is wrong, a line for each."""
    for sentence in sentences:
        print(f"tokenhub: {sentence}", file=sys.stderr)
