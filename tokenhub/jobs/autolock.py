"""Lock the vault when its time has come."""

from tokenhub.admin.vault import Vault
from tokenhub.ports.clock import Clock

# How often it is looked at; a use is known to the nearest look.
LOOK_S = 5.0


class AutoLocker:
    """Looks at the vault, and leaves it to the vault what is to be done."""

    def __init__(self, vault: Vault, clock: Clock) -> None:
        self._vault = vault
        self._clock = clock

    async def run(self) -> None:
        """Look until it is cancelled."""
        while True:
            await self._clock.sleep(LOOK_S)
            await self._vault.look()
