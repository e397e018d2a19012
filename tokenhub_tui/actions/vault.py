"""Keys of the vault: one of everywhere, and those of its dialogs."""

from tokenhub_tui.actions.base import APP, Action

ACTIONS = (
    Action(
        id=f"{APP}.vault",
        keys="u",
        title="Vault",
        help="Set the vault up, unlock it, or see how it is and what can be done with it.",
        bar=97,
        changes=True,
        command="tokenhubctl vault unlock",
    ),
    Action(
        id="vault.lock",
        keys="l",
        title="Lock",
        help="No secret can be used until it is unlocked.",
        changes=True,
        command="tokenhubctl vault lock",
    ),
    Action(
        id="vault.password",
        keys="p",
        title="Change password",
        help="The secrets in it stay as they are.",
        changes=True,
        command="tokenhubctl vault rotate",
    ),
    Action(
        id="vault.recovery",
        keys="k",
        title="Recovery key",
        help="Shown once; the one before opens nothing.",
        changes=True,
        command="tokenhubctl vault recovery",
    ),
    Action(
        id="vault.forget-recovery",
        keys="d",
        title="Delete recovery key",
        help="Only the password opens it then.",
        changes=True,
        command="tokenhubctl vault recovery --delete",
    ),
    Action(
        id="vault.rotate",
        keys="o",
        title="New data key",
        help="All secrets are sealed anew; passwords stay.",
        changes=True,
        command="tokenhubctl vault rotate-key",
    ),
    Action(
        id="vault.reveal",
        keys="f2",
        shown="F2",
        title="Show",
        help="Show or hide what is written in a field for a password.",
    ),
)
