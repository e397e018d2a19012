"""`tokenhub settings`: the settings in force, and where each came from."""

from collections.abc import Mapping
from pathlib import Path

from tokenhub.commands.environment import complain, current, variables
from tokenhub.core.redaction import without_secrets
from tokenhub.settings import (
    MASK,
    SETTINGS,
    Address,
    Setting,
    Settings,
    SettingsRefused,
    warnings,
)


def run() -> int:
    """Print each variable as it would be at a start. Exit code 2 where one is refused."""
    try:
        env = variables()
        settings = current()
    except SettingsRefused as error:
        complain(*error.problems)
        return 2
    for setting in SETTINGS:
        print(f"{setting.name}={_text(setting, settings, env)}  # {_origin(setting, env)}")
    complain(*warnings(env))
    return 0


def _text(setting: Setting, settings: Settings, env: Mapping[str, str]) -> str:
    given = env.get(setting.name, "").strip()
    if setting.secret:
        return MASK if given else ""
    value = getattr(settings, setting.field)
    if isinstance(value, Path | Address):
        return str(value)
    # An address may have a password in it, too.
    return without_secrets(given or setting.default)


def _origin(setting: Setting, env: Mapping[str, str]) -> str:
    origin = "from the environment" if env.get(setting.name, "").strip() else "default"
    return origin if setting.effective else f"{origin}, has no effect yet"
