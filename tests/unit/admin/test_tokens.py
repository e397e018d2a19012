import pytest

from tests.support.control import TOKEN, Control
from tokenhub.admin.changes import By
from tokenhub.core.access import digest, minted
from tokenhub.core.errors import BadRequest, Conflict, NotFound, Stale, Unavailable

pytestmark = pytest.mark.anyio
BY = By(actor="admin", address="192.0.2.1", request_id="req_1")


@pytest.fixture
def tokens(control):
    return control.tokens


@pytest.fixture
def name_of(control):
    """Whose token a secret is, None where it opens nothing."""

    def name(secret):
        row = control.tokens.opened_by(secret, control.clock.now())
        return None if row is None else row.name

    return name


@pytest.mark.parametrize(
    ("expected", "given", "token"),
    [
        ("admin", "a" * 16, "a" * 16),
        (None, "a" * 15, "a" * 16),
        (None, "", ""),
        (None, " ", ""),
        (None, "", "a" * 16),
        (None, "é", "a" * 16),
        (None, "\udc80", "a" * 16),
    ],
)
async def test_only_the_token_itself_opens(control, name_of, expected, given, token):
    control.token.current = token

    assert expected == name_of(given)


async def test_a_new_token_opens_and_only_its_hash_is_kept(control, tokens, name_of):
    issued = await tokens.create(name="alice", role="operator", by=BY)

    assert "alice" == name_of(issued.secret)
    assert minted(issued.secret)
    (row,) = await control.token_store.load()
    assert digest(issued.secret) == row.digest
    kept = repr((row, control.token_store.audit))
    assert issued.secret not in kept.replace(repr(row.digest), "")
    (entry,) = control.token_store.audit
    assert ("token.create", row.id, "admin") == (entry.action, entry.resource, entry.actor)
    assert '"role":"operator"' in entry.detail
    assert "digest" not in entry.detail


@pytest.mark.parametrize("name", ["", "a b", "ä", "a" * 65, "admin", "tok_1", "-a", "a\n"])
async def test_a_name_that_cannot_be_told_from_others_is_refused(tokens, name):
    with pytest.raises(BadRequest, match="name must be"):
        await tokens.create(name=name, role="viewer", by=BY)


@pytest.mark.parametrize("role", ["", "root", "OWNER", "nobody"])
async def test_a_role_that_there_is_not_is_refused(tokens, role):
    with pytest.raises(BadRequest, match="viewer, operator, owner"):
        await tokens.create(name="alice", role=role, by=BY)


async def test_a_name_is_given_once(tokens):
    first = await tokens.create(name="alice", role="viewer", by=BY)
    await tokens.create(name="bob", role="viewer", by=BY)

    with pytest.raises(Conflict, match="alice"):
        await tokens.create(name="alice", role="viewer", by=BY)
    with pytest.raises(Conflict, match="bob"):
        await tokens.update(first.token.id, {"name": "bob"}, by=BY)


async def test_a_token_is_found_by_id_and_by_name_and_the_first_one_stands_first(tokens):
    issued = await tokens.create(name="alice", role="viewer", by=BY)
    await tokens.create(name="Zoe", role="viewer", by=BY)

    assert issued.token == tokens.get("alice") == tokens.get(issued.token.id)
    assert ["admin", "Zoe", "alice"] == [row.name for row in tokens.every()]
    with pytest.raises(NotFound, match="mallory"):
        tokens.get("mallory")


async def test_an_expired_token_opens_nothing(control, tokens, name_of):
    issued = await tokens.create(name="alice", role="viewer", expires_in="1h", by=BY)

    control.clock.unix_s += 3599
    assert "alice" == name_of(issued.secret)
    control.clock.unix_s += 1
    assert name_of(issued.secret) is None

    await tokens.update("alice", {"expires_in": ""}, by=BY)
    assert "alice" == name_of(issued.secret)


async def test_a_revoked_token_opens_nothing(tokens, name_of):
    issued = await tokens.create(name="alice", role="viewer", by=BY)

    await tokens.delete("alice", by=BY)

    assert name_of(issued.secret) is None


async def test_a_rotated_token_opens_by_both_secrets_until_the_overlap_ends(
    control, tokens, name_of
):
    old = await tokens.create(name="alice", role="viewer", by=BY)

    new = await tokens.rotate("alice", overlap="10m", by=BY)

    assert old.token.id == new.token.id
    assert ["alice", "alice"] == [name_of(old.secret), name_of(new.secret)]
    control.clock.unix_s += 600
    assert [None, "alice"] == [name_of(old.secret), name_of(new.secret)]


async def test_a_second_rotation_ends_the_oldest_secret_at_once(tokens, name_of):
    secrets = [(await tokens.create(name="alice", role="viewer", by=BY)).secret]
    secrets += [(await tokens.rotate("alice", by=BY)).secret for _ in range(2)]

    assert [None, "alice", "alice"] == [name_of(secret) for secret in secrets]


@pytest.mark.parametrize("overlap", ["0", "0s", " 0h "])
async def test_without_overlap_the_old_secret_ends_with_the_answer(tokens, name_of, overlap):
    old = await tokens.create(name="alice", role="viewer", by=BY)

    new = await tokens.rotate("alice", overlap=overlap, by=BY)

    assert [None, "alice"] == [name_of(old.secret), name_of(new.secret)]


async def test_a_stale_change_is_refused(tokens):
    issued = await tokens.create(name="alice", role="viewer", by=BY)
    await tokens.update("alice", {"role": "owner"}, by=BY, expected=issued.token.version)

    with pytest.raises(Stale):
        await tokens.update("alice", {"role": "viewer"}, by=BY, expected=issued.token.version)
    with pytest.raises(Stale):
        await tokens.rotate("alice", by=BY, expected=issued.token.version)
    with pytest.raises(Stale):
        await tokens.delete("alice", by=BY, expected=issued.token.version)


async def test_tokens_outlive_a_restart(control, tokens):
    old = await tokens.create(name="alice", role="operator", by=BY)
    new = await tokens.rotate("alice", by=BY)

    again = Control()
    again.tokens._store = control.token_store
    await again.tokens.load()

    names = [again.tokens.opened_by(s, again.clock.now()).name for s in (old.secret, new.secret)]
    assert ["alice", "alice"] == names


async def test_the_first_token_can_only_be_rotated(tokens):
    for change in (
        tokens.update("admin", {"role": "viewer"}, by=BY),
        tokens.delete("admin", by=BY),
    ):
        with pytest.raises(Conflict, match="can only be rotated"):
            await change


async def test_the_first_token_is_written_before_it_is_over(control, tokens, name_of):
    issued = await tokens.rotate("admin", by=BY)

    assert [None, "admin"] == [name_of(TOKEN), name_of(issued.secret)]
    assert issued.secret == control.token_file.written
    (entry,) = control.token_store.audit
    assert ("admin_token.rotate", "admin") == (entry.action, entry.resource)
    assert issued.secret not in entry.detail


async def test_the_first_token_can_be_chosen_and_nothing_of_it_is_shown(control, tokens, name_of):
    await tokens.rotate_first("correct-horse-battery", by=BY)

    assert "admin" == name_of("correct-horse-battery")
    assert "(chosen)" == tokens.get("admin").prefix
    assert "horse" not in repr(control.token_store.audit)


@pytest.mark.parametrize("chosen", ["short", "with a space in it", "ünïcödé-tökén-söd"])
async def test_a_first_token_that_cannot_serve_is_refused(control, tokens, name_of, chosen):
    with pytest.raises(BadRequest):
        await tokens.rotate_first(chosen, by=BY)

    assert ("admin", "") == (name_of(TOKEN), control.token_file.written)


async def test_a_first_token_of_the_environment_is_not_rotated_here(control, tokens, name_of):
    control.token_file.given = True

    with pytest.raises(Conflict, match="TOKENHUB_ADMIN_TOKEN"):
        await tokens.rotate("admin", by=BY)

    assert "admin" == name_of(TOKEN)
    assert [] == control.token_store.audit


async def test_a_file_that_cannot_be_written_leaves_the_old_token_in_force(
    control, tokens, name_of
):
    control.token_file.fault = Unavailable("the disk is full")

    with pytest.raises(Unavailable):
        await tokens.rotate("admin", by=BY)

    assert "admin" == name_of(TOKEN)
    actions = [entry.action for entry in control.token_store.audit]
    assert ["admin_token.rotate", "admin_token.rotate_failed"] == actions


async def test_no_audit_no_rotation(control, tokens, name_of):
    async def refuse(audit):
        raise Unavailable("the disk is full")

    control.token_store.note = refuse
    with pytest.raises(Unavailable):
        await tokens.rotate("admin", by=BY)

    assert ("admin", "") == (name_of(TOKEN), control.token_file.written)
