"""How the vault of a server is opened at its start, and when it locks by itself."""

import logging

from tokenhub.adapters.files import read_private
from tokenhub.admin.changes import By
from tokenhub.admin.vault import AutoLock, Vault
from tokenhub.core.errors import BadRequest, TokenHubError
from tokenhub.settings import Settings

_log = logging.getLogger("tokenhub.app")


def auto_lock(settings: Settings) -> AutoLock:
    """None where a restart is to open the vault by itself: nobody may be there to open it again."""
    if settings.vault_password or settings.vault_key_file:
        return AutoLock()
    return AutoLock(idle_s=settings.vault_idle_lock_s, open_s=settings.vault_max_unlock_s)


async def unlock(vault: Vault, settings: Settings) -> None:
    """Open the vault with the password that was given for it, or set it up with that.

    A failure is logged: the server starts, and serves what needs no key.
    """
    if not settings.vault_enabled:
        return
    try:
        password = vault_password(settings)
        if not password:
            return
        by = By(actor="start")
        if vault.initialized:
            await vault.unlock(password, by=by, at_once=True)
            return
        warning = await vault.init(password, by=by)
        _log.warning("vault_initialized", extra={"advice": warning or "keep its password safe"})
    except TokenHubError as error:
        _log.error("vault_not_unlocked", extra={"reason": str(error)})


def vault_password(settings: Settings) -> bytes:
    if settings.vault_password:
        return settings.vault_password.encode()
    if settings.vault_key_file is None:
        return b""
    content = read_private(settings.vault_key_file).strip(b"\r\n")
    if not content:
        raise BadRequest(f"TOKENHUB_VAULT_KEY_FILE: {settings.vault_key_file} is empty or missing")
    return content
