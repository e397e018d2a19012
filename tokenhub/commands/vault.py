"""`tokenhub vault verify`: open every secret of a vault whose server is stopped, and count."""

import asyncio
import getpass
import sys
from pathlib import Path

from tokenhub.app import verified_vault
from tokenhub.commands.environment import complain, current
from tokenhub.core.errors import TokenHubError
from tokenhub.settings import SettingsRefused


def run(*, password_file: str | None, every: bool) -> int:
    """Print what was found, with `every` each secret's name. Exit code 1 where something is wrong.

    The password is that of the settings, of a file, of a prompt, or a line of stdin.
    """
    try:
        settings = current()
        password = _password(password_file) if not settings.vault_password else b""
        checked = asyncio.run(verified_vault(settings, password))
    except SettingsRefused as error:
        complain(*error.problems)
        return 2
    except (TokenHubError, OSError) as error:
        complain(str(error))
        return 1
    if every:
        for name in checked.names:
            print(f"{'WRONG' if name in checked.wrong else 'ok   '} {name}")
    right = len(checked.names) - len(checked.wrong)
    print(
        f"{right} of {len(checked.names)} secrets open, "
        f"{checked.data_keys} data keys, slots: {', '.join(checked.slots)}"
    )
    if checked.wrong:
        complain(f"not as they were written: {', '.join(checked.wrong)}; restore a backup")
    return 1 if checked.wrong else 0


def _password(file: str | None) -> bytes:
    if file is not None:
        return Path(file).read_bytes().strip(b"\r\n")
    if sys.stdin.isatty():
        return getpass.getpass("Vault password: ").encode()
    return sys.stdin.readline().rstrip("\r\n").encode()
