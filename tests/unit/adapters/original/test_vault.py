"""The original's vault blob opens with its password, entry by entry."""

import json

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.original_db import an_original
from tokenhub.adapters.original.source import open_original
from tokenhub.adapters.original.vault import _open, opened
from tokenhub.ports.original import Sealed

VECTOR = "ZGVmZ2hpamtsbW5vr58nZFktcfnNhI7CjA3ErRzMRP3UtYZ73Q=="
SECRETS = {"provider:openai:api_key": "sk-1", "secret:note": "füße"}


def vault(tmp_path, password="an old password", **options):
    with an_original(tmp_path / "old.sqlite") as old:
        old.vault(password, SECRETS, **options)
    with open_original(tmp_path / "old.sqlite") as source:
        return source.content().vault


def test_the_password_opens_it(tmp_path):
    found = opened(vault(tmp_path), b"an old password")

    assert SECRETS == found.secrets
    assert [] == found.refused


def test_a_vector_of_fixed_bytes_opens():
    """Made once from the description, so that a change of the format is seen."""
    sealed = Sealed(
        salt=bytes(range(16)),
        entries={"provider:openai:api_key": VECTOR},
    )

    assert {"provider:openai:api_key": "sk-vector"} == opened(sealed, b"correct horse").secrets


def test_another_password_opens_nothing(tmp_path):
    found = opened(vault(tmp_path), b"another password")

    assert {} == found.secrets
    assert set(SECRETS) == set(found.refused)


def test_an_entry_of_another_password_is_refused_alone(tmp_path):
    found = opened(vault(tmp_path, damaged="secret:note"), b"an old password")

    assert {"provider:openai:api_key": "sk-1"} == found.secrets
    assert ["secret:note"] == found.refused


def test_neither_vault_nor_what_was_in_it_shows_a_secret(tmp_path):
    sealed = vault(tmp_path)
    found = opened(sealed, b"an old password")

    for shown in (repr(sealed), repr(found)):
        assert "sk-1" not in shown
        assert json.dumps(sealed.entries["provider:openai:api_key"]) not in shown


@given(st.text(max_size=24))
@settings(max_examples=50)
def test_whatever_stands_there_is_refused_and_raises_nothing(text):
    assert _open(AESGCM(bytes(32)), text) is None
