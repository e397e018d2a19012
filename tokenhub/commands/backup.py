"""`tokenhub backup`, `restore` and `verify`: the files, while no server runs on them."""

from collections.abc import Callable
from pathlib import Path

from tokenhub.app import offline
from tokenhub.commands.environment import complain, current
from tokenhub.core.errors import TokenHubError, Unavailable
from tokenhub.core.money import usd
from tokenhub.settings import Settings, SettingsRefused


def make(*, to: str | None) -> int:
    """Make a backup. Exit code 0 done, 1 refused, 2 where the settings are."""

    def work(settings: Settings) -> None:
        folder = Path(to) if to else settings.backup_dir or offline.folder_of(settings.db_dsn)
        made = offline.backup(settings.db_dsn, folder, keep=settings.backup_keep)
        print(f"{made.path}: {made.bytes} bytes in {made.took_s:.1f} s, checked")

    return _done(work, online='; "tokenhubctl backup" makes one while it runs')


def restore(backup: str) -> int:
    """Put a backup in the place of the database. Exit codes as for `make`."""

    def work(settings: Settings) -> None:
        done = offline.restore(Path(backup), settings.db_dsn)
        for path in done.files:
            print(f"{path}: restored from {done.backup.path}")
        if done.replaced is not None:
            print(f"what was there is in {done.replaced}")

    return _done(work)


def verify(backup: str | None) -> int:
    """Look at a backup, or at the database. Exit codes as for `make`, 1 for what is damaged."""

    def work(settings: Settings) -> None:
        if backup is not None:
            found = offline.check(Path(backup))
            print(f"{found.path}: {found.bytes} bytes, in order")
            return
        for one in offline.verify(settings.db_dsn):
            rows = ", ".join(f"{count} {name}" for name, count in one.rows.items())
            spent = (
                f"; attempts cost USD {usd(one.cost_nusd):.6f}" if "attempts" in one.rows else ""
            )
            print(f"{one.path}: in order; {rows}{spent}")

    return _done(work)


def _done(work: Callable[[Settings], None], *, online: str = "") -> int:
    try:
        settings = current()
    except SettingsRefused as error:
        complain(*error.problems)
        return 2
    try:
        work(settings)
    except TokenHubError as error:
        in_use = isinstance(error, Unavailable) and error.code == "database_in_use"
        complain(f"{error}{online if in_use else ''}")
        return 1
    return 0
