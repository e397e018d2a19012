"""The vector kit of the format: a vault that another implementation must open as we do.

It was written by this code once; a change that no longer opens it is another format.
"""

import json
from pathlib import Path

import msgspec
import pytest

from tokenhub.adapters.argon import stretch
from tokenhub.core.errors import TokenHubError
from tokenhub.core.vault.changes import opened
from tokenhub.core.vault.passwords import plain
from tokenhub.core.vault.rows import Contents

KIT = json.loads((Path(__file__).parent / "vectors.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("vector", KIT["vectors"], ids=lambda vector: vector["name"])
def test_a_vector_opens_as_it_says(vector):
    contents = msgspec.convert(vector["vault"], Contents, str_keys=True)
    slot = contents.slots[vector["slot"]]
    password = vector["password"].encode()

    try:
        key = stretch(plain(password) or password, slot.salt, slot.stretch)
        found = opened(contents, slot, key)
        told = {name: found.ring.open(row).decode() for name, row in found.contents.secrets.items()}
        outcome = {"secrets": told, "left_out": list(found.stale)}
    except TokenHubError as error:
        outcome = {"refused": error.code}

    assert vector["expected"] == outcome
