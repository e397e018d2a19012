"""The vault: set up, unlock, lock, change what opens it, keep secrets in it.

    not set up -- init --> unlocked <-- unlock, lock (asked for, idle, too long open) --> locked

Every change is computed and tried in memory, written in one transaction with its audit entry, and
only then in force: where the write fails, nothing has changed in either place. A wrong password
changes nothing but the count of tries, and never sets up anything: that is what `init` is for.
"""

import logging
from collections.abc import Awaitable, Callable, Sequence

import msgspec

from tokenhub.admin.changes import By, entry
from tokenhub.core.errors import (
    BadRequest,
    Conflict,
    NotFound,
    RateLimited,
    TokenHubError,
    Unavailable,
    VaultDamaged,
    VaultLocked,
    WrongPassword,
)
from tokenhub.core.idempotency import KEPT_S
from tokenhub.core.vault import changes
from tokenhub.core.vault.changes import Opened, Step, Stretched
from tokenhub.core.vault.keyring import MOST_BOXES, Draw, Keyring
from tokenhub.core.vault.passwords import (
    Tries,
    checked_password,
    plain,
    recovery_key,
    wait_s,
)
from tokenhub.core.vault.rows import (
    PASSWORD,
    RECOVERY,
    SALT_BYTES,
    Contents,
    Kind,
    Slot,
)
from tokenhub.ports.clock import Clock
from tokenhub.ports.stores import REFUSED, Audit
from tokenhub.ports.vault import Safe, Stretcher, VaultStore

# The original's names (original-behaviour 5.1): those of operators, beside `provider:`.
PREFIX = "secret:"
_PURPOSE = "secret"
MAX_NAME_CHARS = 200
MAX_SECRET_BYTES = 64 << 10
# Each new secret seals the list of all again.
MAX_SECRETS = 10_000

_log = logging.getLogger("tokenhub.vault")
Password = bytes | bytearray


class AutoLock(msgspec.Struct, frozen=True, kw_only=True):
    """When it locks by itself: so long without a use, or so long open; 0 is never. Seconds."""

    idle_s: float = 0.0
    open_s: float = 0.0


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """How it is. `locks_in_s` is None where nothing locks it; `wait_s` is of the next try."""

    enabled: bool
    initialized: bool
    locked: bool
    slots: tuple[str, ...] = ()
    secrets: int = 0
    provider_keys: int = 0
    data_key: int = 0
    rotated_at: float | None = None
    idle_s: float = 0.0
    open_s: float = 0.0
    locks_in_s: float | None = None
    failures: int = 0
    wait_s: float = 0.0


class Vault:
    """`shelter` moves the keys of providers that are in memory into it; it gives how many.

    Without `enabled` there is none, and each use raises Unavailable.
    """

    def __init__(
        self,
        *,
        store: VaultStore,
        safe: Safe,
        stretcher: Stretcher,
        clock: Clock,
        draw: Draw,
        shelter: Callable[[By], Awaitable[int]],
        auto_lock: AutoLock,
        enabled: bool = True,
    ) -> None:
        self._store = store
        self._safe = safe
        self._stretcher = stretcher
        self._clock = clock
        self._draw = draw
        self._shelter = shelter
        self._auto_lock = auto_lock
        self._enabled = enabled
        self._opened_at = 0.0
        self._used_at = 0.0

    async def load(self) -> None:
        """Read what is on disk; done once, before anything is served."""
        if self._enabled:
            self._safe.swap(await self._store.load(), None)

    def over(self, store: VaultStore, safe: Safe) -> "Vault":
        """The same vault in another store and safe, to be changed apart."""
        return Vault(
            store=store,
            safe=safe,
            stretcher=self._stretcher,
            clock=self._clock,
            draw=self._draw,
            shelter=self._shelter,
            auto_lock=self._auto_lock,
            enabled=self._enabled,
        )

    @property
    def initialized(self) -> bool:
        return self._safe.contents is not None

    @property
    def locked(self) -> bool:
        return self._safe.locked

    async def status(self) -> Status:
        contents, ring = self._safe.contents, self._safe.ring
        tries = await self._store.tries() if self._enabled else Tries()
        told = Status(
            enabled=self._enabled,
            initialized=contents is not None,
            locked=self._safe.locked,
            idle_s=self._auto_lock.idle_s,
            open_s=self._auto_lock.open_s,
            failures=tries.failures,
            wait_s=wait_s(tries, self._clock.now()),
        )
        if contents is None:
            return told
        names = [name.startswith(PREFIX) for name in contents.secrets]
        return msgspec.structs.replace(
            told,
            slots=tuple(sorted(contents.slots)),
            secrets=names.count(True),
            provider_keys=names.count(False),
            data_key=max(contents.ring, default=0),
            rotated_at=contents.meta.rotated_at,
            locks_in_s=self._locks_in_s() if ring is not None else None,
        )

    async def init(self, password: Password, *, by: By) -> str:
        """Set it up and leave it open; gives a warning about the password, or nothing."""
        self._must_be_enabled()
        warning = checked_password(password, field="admin_password")
        async with self._safe.lock:
            if await self._store.load() is not None:
                raise Conflict(
                    'the vault is set up already; open it with "tokenhubctl vault unlock"',
                    code="vault_initialized",
                )
            stretched = await self._new(password)
            step = changes.founded(stretched, now=self._clock.now(), draw=self._draw)
            await self._commit(step, "vault.init", by)
            self._begin()
        await self._gather(by)
        return warning

    async def unlock(self, password: Password, *, by: By, at_once: bool = False) -> Sequence[str]:
        """Open it; gives the names of secrets that were left out, since they were changed on disk.

        `at_once` is for the password of the settings: it is nobody's guess, and others' wrong ones
        must not keep a restart from opening the vault. Raises WrongPassword, RateLimited,
        VaultDamaged, and Conflict where it was never set up.
        """
        self._must_be_enabled()
        async with self._safe.lock:
            found, _, _ = await self._open(password, "vault.unlock", by, at_once=at_once)
            done = self._audit("vault.unlock", by, left_out=found.stale)
            await self._store.note(Tries(), done)
            self._safe.swap(found.contents, found.ring)
            self._begin()
        for name in found.stale:
            _log.error("vault_secret_changed", extra={"secret": name})
        await self._gather(by)
        return found.stale

    async def lock(self, *, by: By, why: str = "asked for") -> bool:
        """Lock it; False where it is locked already, or was never set up."""
        self._must_be_enabled()
        async with self._safe.lock:
            if self._safe.ring is None:
                return False
            try:
                await self._store.enter(self._audit("vault.lock", by, why=why))
            except Unavailable as error:
                # To lock takes rights away: it must not fail with the disk.
                _log.error("vault_lock_not_audited", extra={"reason": str(error)})
            self._safe.swap(self._safe.contents, None)
        return True

    async def change_password(self, old: Password, new: Password, *, by: By) -> str:
        """Write the password's slot anew; no secret is touched. `old` may be the recovery key."""
        self._must_be_open()
        warning = checked_password(new, field="new_password")
        async with self._safe.lock:
            await self._reslot(PASSWORD, old, await self._new(new), "vault.rotate", by)
        return warning

    async def add_recovery(self, password: Password, *, by: By) -> str:
        """A recovery key, shown this once, in the place of one that was there."""
        self._must_be_open()
        text = recovery_key(self._draw)
        async with self._safe.lock:
            new = await self._new(plain(text.encode()))
            await self._reslot(RECOVERY, password, new, "vault.recovery.set", by)
        return text

    async def drop_recovery(self, *, by: By) -> None:
        async with self._safe.lock:
            contents, ring = self._must_be_open()
            if RECOVERY not in contents.slots:
                raise NotFound("the vault has no recovery key")
            step = changes.unslotted(contents, ring, RECOVERY, draw=self._draw)
            await self._commit(step, "vault.recovery.delete", by)

    async def rotate_key(self, *, by: By) -> int:
        """Seal everything under a new data key; gives how many secrets there were."""
        async with self._safe.lock:
            contents, ring = self._must_be_open()
            now = self._clock.now()
            step = changes.rekeyed(
                contents, ring, now=now, forgotten_before=now - KEPT_S, draw=self._draw
            )
            await self._commit(step, "vault.rotate_key", by)
            return len(contents.secrets)

    def names(self) -> Sequence[str]:
        """The operators' own secrets, sorted; providers' keys are not among them."""
        contents, _ = self._must_be_open()
        start = len(PREFIX)
        return sorted(name[start:] for name in contents.secrets if name.startswith(PREFIX))

    async def secret(self, name: str, *, by: By) -> bytes:
        """A secret in clear, once the look at it is in the audit trail. Raises NotFound."""
        async with self._safe.lock:
            contents, ring = self._must_be_open()
            row = contents.secrets.get(PREFIX + name)
            if row is None:
                raise NotFound("secret not found")
            self._safe.used = True
            found = ring.open(row)
            await self._store.enter(self._audit("vault.secret.get", by, resource=name))
            return found

    async def put_secret(self, name: str, secret: bytes, *, by: By) -> None:
        _checked_secret(name, secret)
        async with self._safe.lock:
            contents, ring = self._must_be_open()
            if len(contents.secrets) >= MAX_SECRETS and PREFIX + name not in contents.secrets:
                raise BadRequest(f"the vault holds {MAX_SECRETS} secrets already; delete some")
            step = changes.kept(
                contents,
                ring,
                PREFIX + name,
                secret,
                purpose=_PURPOSE,
                now=self._clock.now(),
                draw=self._draw,
            )
            await self._commit(step, "vault.secret.set", by, resource=name)

    async def delete_secret(self, name: str, *, by: By) -> None:
        async with self._safe.lock:
            contents, ring = self._must_be_open()
            if PREFIX + name not in contents.secrets:
                raise NotFound("secret not found")
            step = changes.dropped(contents, ring, PREFIX + name, draw=self._draw)
            await self._commit(step, "vault.secret.delete", by, resource=name)

    async def look(self) -> None:
        """Lock it where its time has come, else see that all is well with it.

        Neither waits for the other: to lock must not fail with the disk.
        """
        if self._safe.ring is None:
            return
        if self._safe.used:
            self._safe.used = False
            self._used_at = self._clock.monotonic()
        left_s = self._locks_in_s()
        if left_s is not None and left_s <= 0:
            why = "idle" if self._idle_left_s() == left_s else "open for too long"
            if await self.lock(by=By(actor="auto-lock"), why=why):
                _log.warning("vault_locked", extra={"reason": why})
            return
        try:
            await self._keep_up()
        except TokenHubError as error:
            _log.warning("vault_not_kept_up", extra={"reason": str(error)})

    async def check(self, password: Password) -> tuple[Opened, Sequence[str]]:
        """Open what is on disk without putting it in force, and each secret of it once.

        Gives the vault and what does not open in it, by name. For `tokenhub vault verify`.
        """
        async with self._safe.lock:
            by = By(actor="verify")
            found, _, _ = await self._open(password, "vault.verify", by, at_once=True)
        wrong = list(found.stale)
        for name, row in found.contents.secrets.items():
            try:
                found.ring.open(row)
            except VaultDamaged:
                wrong.append(name)
        return found, sorted(wrong)

    async def _open(
        self, password: Password, action: str, by: By, *, at_once: bool = False
    ) -> tuple[Opened, Slot, bytes]:
        """Open what is on disk, with the slot and the stretched password that did; audited if not.

        The caller holds the lock, so tries are one after the other.
        """
        contents = await self._store.load()
        if contents is None:
            raise Conflict(
                'the vault was never set up; do it with "tokenhubctl vault init"',
                code="vault_not_initialized",
            )
        tries = await self._store.tries() if at_once else await self._must_not_wait()
        try:
            found = await self._tried(contents, password)
        except TokenHubError as error:
            wrong = isinstance(error, WrongPassword)
            failed = Tries(failures=tries.failures + wrong, last_at=self._clock.now())
            why = "wrong_password" if wrong else error.code
            await self._store.note(failed, self._refused(action, by, why))
            raise
        return found

    async def _tried(self, contents: Contents, password: Password) -> tuple[Opened, Slot, bytes]:
        recovery = plain(password)
        slot = contents.slots.get(RECOVERY if recovery else PASSWORD)
        if slot is None or not password:
            raise WrongPassword("unlock failed: the password is wrong")
        stretched = await self._stretcher.stretched(
            recovery or bytes(password), salt=slot.salt, cost=slot.stretch
        )
        return changes.opened(contents, slot, stretched), slot, stretched

    async def _must_not_wait(self) -> Tries:
        tries = await self._store.tries()
        left_s = wait_s(tries, self._clock.now())
        if left_s > 0:
            raise RateLimited(
                "too many wrong passwords; wait, then try again", retry_after_s=left_s
            )
        return tries

    async def _reslot(self, kind: Kind, old: Password, new: Stretched, action: str, by: By) -> None:
        self._must_be_open()  # once more: it may have been locked while this waited for its turn
        found, slot, stretched = await self._open(old, action, by)
        step = changes.reslotted(
            found,
            kind,
            by=slot,
            stretched=stretched,
            new=new,
            now=self._clock.now(),
            draw=self._draw,
        )
        await self._commit(step, action, by)
        if (await self._store.tries()).failures:
            await self._store.note(Tries(), self._audit(action, by))

    async def _new(self, password: Password) -> Stretched:
        salt, cost = self._draw(SALT_BYTES), await self._stretcher.cost()
        key = await self._stretcher.stretched(bytes(password), salt=salt, cost=cost)
        return Stretched(key=key, salt=salt, cost=cost)

    async def _commit(self, step: Step, action: str, by: By, *, resource: str = "vault") -> None:
        """Write a step and put it in force; where the write fails nothing has changed."""
        await self._store.commit(step.change, self._audit(action, by, resource=resource))
        self._safe.swap(step.contents, step.ring)

    async def _gather(self, by: By) -> None:
        """Take in the providers' keys that waited in memory."""
        try:
            moved = await self._shelter(by)
        except TokenHubError as error:
            _log.error("vault_keys_not_moved", extra={"reason": str(error)})
            return
        if moved:
            _log.info("vault_keys_moved", extra={"count": moved})

    async def _keep_up(self) -> None:
        """Change a data key that has sealed enough.

        And see that what is in force is what is on disk: a caller who was cut off between the
        commit and the swap has left the one behind the other.
        """
        async with self._safe.lock:
            ring = await self._catch_up()  # None: locked while this waited for its turn
        if ring is not None and ring.used >= MOST_BOXES:
            await self.rotate_key(by=By(actor="auto-rotate"))

    async def _catch_up(self) -> Keyring | None:
        """Put in force what is on disk; gives what it is open with. The caller holds the lock."""
        contents, ring = self._safe.contents, self._safe.ring
        if contents is None or ring is None or await self._store.epoch() == contents.meta.epoch:
            return ring
        there = await self._store.load()
        if there is not None:
            found = changes.reread(there, ring)
            self._safe.swap(found.contents, found.ring)
            _log.warning("vault_reread", extra={"epoch": there.meta.epoch})
        return self._safe.ring

    def _begin(self) -> None:
        self._opened_at = self._used_at = self._clock.monotonic()
        self._safe.used = False

    def _locks_in_s(self) -> float | None:
        limits = [left for left in (self._idle_left_s(), self._open_left_s()) if left is not None]
        return min(limits, default=None)

    def _idle_left_s(self) -> float | None:
        idle_s = self._auto_lock.idle_s
        return self._used_at + idle_s - self._clock.monotonic() if idle_s else None

    def _open_left_s(self) -> float | None:
        open_s = self._auto_lock.open_s
        return self._opened_at + open_s - self._clock.monotonic() if open_s else None

    def _must_be_enabled(self) -> None:
        if not self._enabled:
            raise Unavailable(
                "vault not enabled; set TOKENHUB_VAULT_ENABLED=true and restart",
                code="vault_disabled",
            )

    def _must_be_open(self) -> tuple[Contents, Keyring]:
        self._must_be_enabled()
        contents, ring = self._safe.contents, self._safe.ring
        if contents is None:
            raise Conflict(
                'the vault was never set up; do it with "tokenhubctl vault init"',
                code="vault_not_initialized",
            )
        if ring is None:
            raise VaultLocked
        return contents, ring

    def _audit(
        self,
        action: str,
        by: By,
        *,
        resource: str = "vault",
        **told: object,
    ) -> Audit:
        return entry(self._clock.now(), action, resource, by, before=None, after=told or None)

    def _refused(self, action: str, by: By, why: str) -> Audit:
        """The entry of a try that opened nothing."""
        now = self._clock.now()
        return entry(now, action, "vault", by, before=None, after=None, outcome=REFUSED, why=why)


def _checked_secret(name: str, secret: bytes) -> None:
    """Raise BadRequest for a name or a value that cannot be kept."""
    if not name or len(name) > MAX_NAME_CHARS or not name.isprintable():
        raise BadRequest(
            f"the name of a secret must have 1 to {MAX_NAME_CHARS} printable characters",
            field="key",
        )
    if not secret:
        raise BadRequest("value required", field="value")
    if len(secret) > MAX_SECRET_BYTES:
        raise BadRequest(f"value must have at most {MAX_SECRET_BYTES} bytes", field="value")
