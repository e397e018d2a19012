"""Setting the vault up, opening it, and changing what opens it."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.widgets import Checkbox, Static

from tokenhub.client.calls import vault as calls
from tokenhub.client.errors import ClientError
from tokenhub.wire.vault import RecoveryIssued, VaultDone, VaultStatus
from tokenhub_tui.clock import Clock
from tokenhub_tui.dialogs.password import Field, PasswordDialog
from tokenhub_tui.link import Link
from tokenhub_tui.state import vault
from tokenhub_tui.widgets.words import lines

_NOT_THE_SAME = ("again", "The two are not the same.")


class Unlock(PasswordDialog[VaultDone]):
    """Open a vault that is set up."""

    TITLE_TEXT = "Unlock vault"
    FIELDS: ClassVar = (Field(name="password", label="Master password, or the recovery key"),)
    VERB = "Unlock"
    DOING = "Unlocking"

    def __init__(self, link: Link, clock: Clock, status: VaultStatus) -> None:
        super().__init__(link, clock)
        self._status = status
        self._wait_until = clock.now() + status.retry_after_s

    def notes(self) -> ComposeResult:
        yield Static(lines(f"{vault.waiting(self._status)}\n{vault.limits(self._status)}", "dim"))

    async def asked(self) -> VaultDone:
        return await self.link(calls.unlock(self.written("password")))


class SetUp(PasswordDialog[str]):
    """A new vault. Comes to its recovery key, empty where there is none: `why` is the fault."""

    TITLE_TEXT = "Set up the vault"
    FIELDS: ClassVar = (
        Field(name="password", label="New master password", new=True),
        Field(name="again", label="The same again"),
    )
    VERB = "Set up"
    DOING = "Setting up"
    why = ""

    def notes(self) -> ComposeResult:
        yield Static(
            lines(
                "The vault keeps the keys of providers. Nobody can recover the password, and "
                "without it what is inside is lost: a recovery key is the way back in.",
                "dim",
            )
        )
        yield Checkbox("Make a recovery key, shown once", value=True, id="recovery", compact=True)

    def wrong(self) -> tuple[str, str]:
        field, why = super().wrong()
        if not field and self.written("password") != self.written("again"):
            return _NOT_THE_SAME
        return field, why

    async def asked(self) -> str:
        password = self.written("password")
        await self.link(calls.init(password))
        if not self.query_one("#recovery", Checkbox).value:
            return ""
        try:
            return (await self.link(calls.set_recovery(password))).recovery_key
        except ClientError as error:
            # The vault is set up all the same; its menu makes one at any time.
            self.why = str(error)
            return ""


class ChangePassword(PasswordDialog[VaultDone]):
    """Another password."""

    TITLE_TEXT = "Change the vault's password"
    FIELDS: ClassVar = (
        Field(name="old", label="Password as it is, or the recovery key"),
        Field(name="new", label="New password", new=True),
        Field(name="again", label="The same again"),
    )
    VERB = "Change"
    DOING = "Changing"

    def notes(self) -> ComposeResult:
        yield Static(lines("Secrets stay as they are; a recovery key goes on working.", "dim"))

    def wrong(self) -> tuple[str, str]:
        field, why = super().wrong()
        if not field and self.written("new") != self.written("again"):
            return _NOT_THE_SAME
        return field, why

    async def asked(self) -> VaultDone:
        return await self.link(calls.change_password(self.written("old"), self.written("new")))


class Recovery(PasswordDialog[RecoveryIssued]):
    """A recovery key, in the place of one that was there."""

    TITLE_TEXT = "Make a recovery key"
    FIELDS: ClassVar = (Field(name="password", label="Master password"),)
    VERB = "Make"
    DOING = "Making"

    def notes(self) -> ComposeResult:
        yield Static(lines("It is shown once. One that was there opens nothing any more.", "dim"))

    async def asked(self) -> RecoveryIssued:
        return await self.link(calls.set_recovery(self.written("password")))
