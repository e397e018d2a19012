"""What `u` does: the dialog that the vault's state asks for, and what was chosen in it."""

from collections.abc import Awaitable, Callable
from typing import Any, Protocol, TypeVar

from textual.screen import Screen

from tokenhub.client.call import Call
from tokenhub.client.calls import vault as calls
from tokenhub.client.errors import ClientError
from tokenhub.wire.vault import VaultStatus
from tokenhub_tui.actions import Action
from tokenhub_tui.clock import Clock
from tokenhub_tui.dialogs.confirm import Confirm
from tokenhub_tui.dialogs.once import ShownOnce
from tokenhub_tui.dialogs.vault import ChangePassword, Recovery, SetUp, Unlock
from tokenhub_tui.dialogs.vault_menu import VaultMenu
from tokenhub_tui.link import Link
from tokenhub_tui.state import vault as state
from tokenhub_tui.state.vault import Seen

T = TypeVar("T")
_RECOVERY_NOTE = (
    "This key opens the vault without the password. Print it and lock it away: it is not kept, "
    "and cannot be shown again."
)


class Console(Protocol):
    """What of the app is needed here."""

    link: Link
    clock: Clock

    def key_of(self, action: Action) -> str: ...

    async def push_screen_wait(self, screen: Screen[T], /) -> T | None: ...

    async def send(self, call: Call[T], done: str) -> T | None: ...

    def say(self, text: str, *, tone: str = "good") -> None: ...

    def complain(self, error: ClientError, *, once: bool = False) -> None: ...


async def attend(console: Console) -> None:
    """Ask how the vault is, and let be done what can be: set it up, unlock it, or choose."""
    try:
        status = await console.link(calls.status())
    except ClientError as error:
        console.complain(error)
        return
    if status.state == state.NOT_SET_UP:
        await _set_up(console)
    elif status.state == state.LOCKED:
        await _unlock(console, status)
    elif status.state == state.UNLOCKED:
        await _choose(console, Seen(status=status, at=console.clock.now()))
    else:
        console.say(
            "This server has no vault: TOKENHUB_VAULT_ENABLED=true and a restart give it one",
            tone="warn",
        )


async def _set_up(console: Console) -> None:
    dialog = SetUp(console.link, console.clock)
    recovery = await console.push_screen_wait(dialog)
    if recovery is None:
        return
    console.say("Set the vault up; it is open")
    if dialog.why:
        console.say(f"It has no recovery key yet: {dialog.why}. u, then k makes one.", tone="warn")
    if recovery:
        await _show(console, recovery)


async def _unlock(console: Console, status: VaultStatus) -> None:
    done = await console.push_screen_wait(Unlock(console.link, console.clock, status))
    if done is None:
        return
    console.say("Unlocked the vault")
    if done.left_out:
        names = ", ".join(done.left_out)
        console.say(f"Changed on disk and left out: {names}. Set them again.", tone="warn")


async def _choose(console: Console, seen: Seen) -> None:
    chosen = await console.push_screen_wait(VaultMenu(seen, console.clock, console.key_of))
    if chosen:
        await _CHOICES[chosen](console, seen)


async def _lock(console: Console, seen: Seen) -> None:
    effect = state.effect_of_lock(seen.status)
    if await console.push_screen_wait(Confirm(effect, "Lock")):
        await console.send(calls.lock(), "Locked the vault")


async def _password(console: Console, seen: Seen) -> None:
    del seen
    done = await console.push_screen_wait(ChangePassword(console.link, console.clock))
    if done is not None:
        console.say("Changed the vault's password")


async def _recovery(console: Console, seen: Seen) -> None:
    del seen
    issued = await console.push_screen_wait(Recovery(console.link, console.clock))
    if issued is not None:
        await _show(console, issued.recovery_key)


async def _forget_recovery(console: Console, seen: Seen) -> None:
    del seen
    effect = "Delete the recovery key?\nOnly the password opens the vault then."
    if await console.push_screen_wait(Confirm(effect, "Delete")):
        await console.send(calls.delete_recovery(), "Deleted the recovery key")


async def _rotate(console: Console, seen: Seen) -> None:
    effect = f"Make a new data key?\n{state.held(seen.status)} are sealed anew; passwords stay."
    if await console.push_screen_wait(Confirm(effect, "Make")):
        await console.send(calls.rotate_key(), "Sealed the vault under a new data key")


async def _show(console: Console, recovery: str) -> None:
    await console.push_screen_wait(ShownOnce("Recovery key", recovery, _RECOVERY_NOTE))


_CHOICES: dict[str, Callable[[Any, Seen], Awaitable[None]]] = {
    "vault.lock": _lock,
    "vault.password": _password,
    "vault.recovery": _recovery,
    "vault.forget-recovery": _forget_recovery,
    "vault.rotate": _rotate,
}
