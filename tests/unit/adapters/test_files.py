import os
import stat

import pytest

from tokenhub.adapters.files import (
    APPLIED_FILE,
    AdminTokenFile,
    AppliedFile,
    admin_token,
    read_private,
    write_private,
)
from tokenhub.core.admin_token import FILE
from tokenhub.core.errors import BadRequest, Unavailable


def bits(count):
    return (1 << count) - 1


def private(path, content):
    path.write_bytes(content)
    path.chmod(0o600)
    return path


def test_a_private_file_is_read(tmp_path):
    assert b"x" == read_private(private(tmp_path / "credentials", b"x"))


def test_a_missing_file_is_empty(tmp_path):
    assert b"" == read_private(tmp_path / "credentials")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o601, 0o666])
def test_a_file_that_others_may_touch_is_refused_with_path_mode_and_remedy(tmp_path, mode):
    path = private(tmp_path / "credentials", b"sk-secret")
    path.chmod(mode)

    with pytest.raises(BadRequest) as refused:
        read_private(path)

    message = str(refused.value)
    assert f"chmod 600 {path}" in message
    assert f"{mode:04o}" in message
    assert "sk-secret" not in message


def test_a_folder_and_a_pipe_are_refused_without_waiting(tmp_path):
    os.mkfifo(tmp_path / "pipe", 0o600)

    for path in (tmp_path, tmp_path / "pipe"):
        with pytest.raises(BadRequest, match="not a regular file"):
            read_private(path)


def test_writing_replaces_the_file_and_leaves_nothing_beside_it(tmp_path):
    path = private(tmp_path / "note", b"old")
    path.chmod(0o644)

    write_private(path, b"new")

    assert b"new" == path.read_bytes()
    assert 0o600 == stat.S_IMODE(path.stat().st_mode)
    assert [path] == list(tmp_path.iterdir())


def test_a_folder_that_is_not_there_is_told(tmp_path):
    with pytest.raises(Unavailable, match="cannot write"):
        write_private(tmp_path / "nowhere" / "note", b"x")


def test_the_first_start_makes_a_token_and_the_next_ones_keep_it(tmp_path):
    token = admin_token(tmp_path, given="", randbits=bits)

    path = tmp_path / FILE
    assert "tha_" + "f" * 64 == token
    assert 0o600 == stat.S_IMODE(path.stat().st_mode)
    assert token == admin_token(tmp_path, given="", randbits=lambda _count: 0)


def test_a_given_token_wins_and_is_not_written_down(tmp_path):
    assert "x" * 16 == admin_token(tmp_path, given="x" * 16, randbits=bits)
    assert [] == list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "token", ["too-brief", "x" * 15, "with a space in it", "ünïcödé-tökén-söd"]
)
def test_a_token_that_cannot_serve_is_refused_and_not_echoed(tmp_path, token):
    with pytest.raises(BadRequest) as given:
        admin_token(tmp_path, given=token, randbits=bits)
    private(tmp_path / FILE, token.encode())
    with pytest.raises(BadRequest) as kept:
        admin_token(tmp_path, given="", randbits=bits)

    assert token not in str(given.value) + str(kept.value)


def test_a_token_file_that_others_may_read_is_refused(tmp_path):
    private(tmp_path / FILE, b"x" * 40).chmod(0o644)

    with pytest.raises(BadRequest, match="chmod 600"):
        admin_token(tmp_path, given="", randbits=bits)


def test_an_empty_token_file_never_becomes_an_empty_token(tmp_path):
    private(tmp_path / FILE, b"\n")

    with pytest.raises(BadRequest, match="shorter than 16"):
        admin_token(tmp_path, given="", randbits=bits)


def test_a_replaced_token_is_the_one_that_the_next_start_reads(tmp_path):
    admin_token(tmp_path, given="", randbits=bits)

    AdminTokenFile(tmp_path, given=False).replace("another-token-of-some-length")

    assert "another-token-of-some-length" == admin_token(tmp_path, given="", randbits=bits)
    assert 0o600 == stat.S_IMODE((tmp_path / FILE).stat().st_mode)
    assert [tmp_path / FILE] == list(tmp_path.iterdir())


def test_the_note_of_applied_entries_is_kept(tmp_path):
    AppliedFile(tmp_path).write(b"{}")

    assert b"{}" == AppliedFile(tmp_path).read()


def test_a_note_that_is_not_there_is_empty_and_one_that_cannot_be_read_is_told(tmp_path):
    assert b"" == AppliedFile(tmp_path).read()

    (tmp_path / APPLIED_FILE).mkdir()

    with pytest.raises(Unavailable, match="cannot read"):
        AppliedFile(tmp_path).read()
