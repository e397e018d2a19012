"""New settings without a restart."""

import msgspec


class SettingChange(msgspec.Struct, kw_only=True):
    """A setting that is not what it was; `restart` says that it waits for the next start."""

    name: str
    before: str
    after: str
    restart: bool


class Reloaded(msgspec.Struct, kw_only=True):
    """What a reload came to. `notes` are about the credentials file."""

    changes: list[SettingChange]
    notes: list[str]
