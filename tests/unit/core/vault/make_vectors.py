"""Writes vectors.json anew: `python tests/unit/core/vault/make_vectors.py`, for a new format."""

import json
import sys
from pathlib import Path

import msgspec

sys.path.insert(0, str(Path(__file__).parents[4]))

from tests.support.vaults import draws
from tokenhub.adapters.argon import stretch
from tokenhub.core.vault import changes
from tokenhub.core.vault.changes import Stretched
from tokenhub.core.vault.passwords import plain, recovery_key
from tokenhub.core.vault.rows import PASSWORD, RECOVERY, Stretch

NOW = 1_700_000_000.0
COST = Stretch(passes=1, memory_kib=19 * 1024, lanes=1)
TEXT = "correct horse battery staple"


def main() -> None:
    draw = draws("vectors")
    recovery = recovery_key(draw)

    def stretched(text):
        salt, password = draw(16), text.encode()
        return Stretched(key=stretch(plain(password) or password, salt, COST), salt=salt, cost=COST)

    first = stretched(TEXT)
    step = changes.founded(first, now=NOW, draw=draw)
    for name, secret, purpose in (
        ("provider:openai:api_key", b"sk-simulated", "provider https://api.example.com:443"),
        ("secret:ci", "gehe\u00efm".encode(), "secret"),
    ):
        older = step.contents
        step = changes.kept(
            step.contents, step.ring, name, secret, purpose=purpose, now=NOW, draw=draw
        )
    slot = step.contents.slots[PASSWORD]
    found = changes.opened(step.contents, slot, first.key)
    step = changes.reslotted(
        found, RECOVERY, by=slot, stretched=first.key, new=stretched(recovery), now=NOW, draw=draw
    )
    whole = step.contents
    again = changes.kept(
        whole, step.ring, "secret:ci", b"newer", purpose="secret", now=NOW, draw=draw
    ).contents
    told = {"provider:openai:api_key": "sk-simulated", "secret:ci": "gehe\u00efm"}
    key = "provider:openai:api_key"
    moved = _with(whole, key, purpose="provider https://evil.example.com:443")
    heavy = msgspec.structs.replace(
        whole,
        slots={**whole.slots, PASSWORD: msgspec.structs.replace(slot, memory_kib=4 << 20)},
    )
    cases = [
        ("password", whole, PASSWORD, TEXT, {"secrets": told, "left_out": []}),
        ("recovery key", whole, RECOVERY, recovery, {"secrets": told, "left_out": []}),
        ("wrong password", whole, PASSWORD, "wrong", {"refused": "vault_password_wrong"}),
        ("other origin", moved, PASSWORD, TEXT, {"refused": "vault_damaged"}),
        ("four gigabytes", heavy, PASSWORD, TEXT, {"refused": "vault_kdf_refused"}),
        (
            "older list",
            msgspec.structs.replace(whole, meta=older.meta),
            PASSWORD,
            TEXT,
            {"refused": "vault_damaged"},
        ),
        (
            "older secret",
            msgspec.structs.replace(
                again, secrets={**again.secrets, "secret:ci": whole.secrets["secret:ci"]}
            ),
            PASSWORD,
            TEXT,
            {"secrets": {key: "sk-simulated"}, "left_out": ["secret:ci"]},
        ),
    ]
    vectors = [
        {
            "name": name,
            "password": text,
            "slot": kind,
            "expected": expected,
            "vault": msgspec.to_builtins(contents, str_keys=True),
        }
        for name, contents, kind, text, expected in cases
    ]
    kit = {"format": 1, "bytes": "base64", "vectors": vectors}
    path = Path(__file__).parent / "vectors.json"
    path.write_text(json.dumps(kit, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _with(contents, name, **fields):
    row = msgspec.structs.replace(contents.secrets[name], **fields)
    return msgspec.structs.replace(contents, secrets={**contents.secrets, name: row})


if __name__ == "__main__":
    main()
