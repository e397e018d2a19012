"""The vault in words: how it is, when it locks itself, and what a password is worth."""

import math
import string

import msgspec

from tokenhub.wire.catalog import Info
from tokenhub.wire.vault import VaultStatus
from tokenhub_tui.state.spans import short

DISABLED, NOT_SET_UP, LOCKED, UNLOCKED = "disabled", "not_initialized", "locked", "unlocked"
# A use puts the locking off, which nobody tells of: so often it is asked anew.
ASKED_EVERY_S = 30.0
# The server's own rule: shorter ones it refuses, and of ones below twelve it warns.
LEAST_CHARS, GOOD_CHARS = 8, 12
# A thousand machines that try ten a second each, which Argon2id allows, do 2^38 in a year.
_FAIR_BITS, _STRONG_BITS = 45.0, 75.0
_POOLS = (string.ascii_lowercase, string.ascii_uppercase, string.digits)
_OTHERS = 33
_SLOTS = {"password": "the password", "recovery": "the recovery key"}


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """What the server has told of the vault, and when, in Unix seconds."""

    status: VaultStatus
    at: float

    def left_s(self, now: float) -> float | None:
        """Seconds until it locks itself; None where nothing does that."""
        if self.status.state != UNLOCKED or self.status.locks_in_s is None:
            return None
        return max(0.0, self.status.locks_in_s - (now - self.at))

    def stale(self, now: float) -> bool:
        """Whether it has to be asked anew: only where a clock runs."""
        left_s, age_s = self.left_s(now), now - self.at
        return left_s is not None and (age_s >= ASKED_EVERY_S or (left_s <= 0 and age_s >= 1))


def told(info: Info | None, seen: Seen | None, now: float) -> tuple[str, str]:
    """The vault in the top bar, and its tone; no text where nothing is known."""
    state = seen.status.state if seen is not None else _of_info(info)
    if state in {"", DISABLED}:
        return "", ""
    if state == NOT_SET_UP:
        return "no vault", "warn"
    if state == LOCKED:
        return "vault locked", "warn"
    left_s = seen.left_s(now) if seen is not None else None
    if left_s is None:
        return "vault open", "good"
    return f"vault {short(left_s)}", "good" if left_s >= 60 else "warn"  # noqa: PLR2004 - a minute


def _of_info(info: Info | None) -> str:
    if info is None:
        return ""
    if not info.vault_initialized:
        return NOT_SET_UP
    return LOCKED if info.vault_locked else UNLOCKED


def waiting(status: VaultStatus) -> str:
    """What stands still while it is locked."""
    keys = status.provider_keys
    if not keys:
        return "No provider is waiting for its key."
    return (
        "1 provider is waiting for its key."
        if keys == 1
        else f"{keys} providers are waiting for their keys."
    )


def limits(status: VaultStatus) -> str:
    """When it locks itself, as it is configured."""
    parts = []
    if status.idle_lock_s:
        parts.append(f"after {short(status.idle_lock_s)} without use")
    if status.max_unlock_s:
        parts.append(f"{short(status.max_unlock_s)} after it was opened")
    return f"Locks itself {', or '.join(parts)}." if parts else "It never locks itself."


def facts(seen: Seen, now: float) -> list[str]:
    """An open vault in a few lines."""
    status = seen.status
    left_s = seen.left_s(now)
    locks = limits(status)
    if left_s is not None:
        locks = f"{locks.removesuffix('.')}: in {short(left_s)}."
    openers = " or ".join(_SLOTS.get(one, one) for one in status.slots)
    return [
        locks,
        f"Holds {held(status)}.",
        f"{openers[:1].upper()}{openers[1:]} opens it.",
    ]


def held(status: VaultStatus) -> str:
    """What is in it, counted."""
    return f"{_count(status.provider_keys, 'provider key')} and {_count(status.secrets, 'secret')}"


def effect_of_lock(status: VaultStatus) -> str:
    """What locking it comes to."""
    if not status.provider_keys:
        return "Lock the vault?\nNo provider has its key in it."
    return (
        f"Lock the vault?\n{_count(status.provider_keys, 'provider key')} cannot be used until it "
        "is unlocked: requests to those providers are refused."
    )


def refused(status: VaultStatus, wait_s: float) -> str:
    """What to say after a wrong password."""
    tries = f" {status.failures} wrong in a row." if status.failures > 1 else ""
    wait = f" The next try is heard in {math.ceil(wait_s)} s." if wait_s > 0 else ""
    return f"✗ That does not open it.{tries}{wait}"


def strength(password: str) -> tuple[str, str]:
    """What a new password is worth, in words, and their tone; no words for none.

    Counts what kinds of characters there are and how many different ones; it knows no dictionary.
    """
    if not password:
        return "", ""
    if len(password) < LEAST_CHARS:
        return f"too short: {LEAST_CHARS} characters at least", "bad"
    bits = _bits(password)
    if len(password) < GOOD_CHARS or bits < _FAIR_BITS:
        return "weak: longer is better, several words are best", "warn"
    return ("strong", "good") if bits >= _STRONG_BITS else ("fair", "good")


def _bits(password: str) -> float:
    pool = sum(len(one) for one in _POOLS if set(one) & set(password))
    if set(password) - set("".join(_POOLS)):
        pool += _OTHERS
    # What is repeated is guessed with what it repeats.
    return min(len(password), 2 * len(set(password))) * math.log2(pool)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
