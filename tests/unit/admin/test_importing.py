"""What an import takes, what it leaves alone, and what it says of it."""

from contextlib import contextmanager

import pytest

from tests.support.control import Control
from tests.support.original_db import AT, an_original, filled
from tokenhub.adapters.memory.imported import MemoryImported
from tokenhub.adapters.original.source import open_original
from tokenhub.adapters.original.vault import opened
from tokenhub.admin.changes import By
from tokenhub.admin.importing import Import
from tokenhub.admin.providers import ProviderDraft
from tokenhub.core.aliases import Variant
from tokenhub.core.catalog import Defaults, Model
from tokenhub.core.errors import BadRequest
from tokenhub.core.old_keys import imported_id
from tokenhub.ports.journal import LogQuery

pytestmark = pytest.mark.anyio

BY = By(actor="an operator")
PASSWORD = "an old password"


class House:
    """An original and a TokenHub that imports from it."""

    def __init__(self, path, control, imported):
        self.path = path
        self.control = control
        self.imported = imported

    @contextmanager
    def original(self):
        """The original, to be changed."""
        with an_original(self.path) as old:
            yield old

    async def imports(self, password=None):
        here = self.control
        taking = Import(
            changes=here.changes,
            providers=here.providers,
            prices=here.prices,
            keys=here.keys,
            imported=self.imported,
            journal=here.journal,
            clock=here.clock,
            opened=opened,
        )
        with open_original(self.path) as source:
            report = await taking.run(source, password=password and password.encode())
        self.imported.known |= {row.request_id for row in await self.log()}
        return report

    async def log(self):
        return await self.control.journal.page(LogQuery(limit=10_000))

    def secret(self, provider_id):
        key = self.control.secrets.get(self.control.providers.get(provider_id))
        return key and key.decode()

    def everything(self):
        catalog = self.control.catalog.current
        return (
            catalog.providers,
            catalog.models,
            catalog.aliases,
            catalog.defaults,
            self.control.keys.every(),
        )


@pytest.fixture
async def house(tmp_path):
    return House(tmp_path / "old.sqlite", await Control().started(), MemoryImported())


def counts(report, kind):
    count = report.counts[kind]
    return (count.found, count.taken, count.before, count.skipped)


def reasons(report, kind):
    return {remark.name: remark.why for remark in report.skipped if remark.kind == kind}


async def test_all_that_can_be_taken_is_taken(house):
    with house.original() as old:
        keys = filled(old, PASSWORD)

    report = await house.imports()

    catalog = house.control.catalog.current
    assert {"openai", "local"} == set(catalog.providers)
    assert {("openai", "gpt"), ("openai", "org/small"), ("local", "llama")} == set(catalog.models)
    assert 3 == catalog.aliases["fast"].variants[1].weight
    assert ("cheap", 250_000_000, 20.0) == (
        catalog.defaults.mode,
        catalog.defaults.max_budget_nusd,
        catalog.defaults.max_latency_s,
    )
    assert set(keys) == {key.name for key in house.control.keys.every()}
    assert 4 == len(await house.log())
    for kind, taken in {"provider": 2, "model": 3, "alias": 1, "defaults": 1, "key": 4}.items():
        assert (taken, taken, 0, 0) == counts(report, kind)
    assert (4, 4, 0, 0) == counts(report, "request")
    assert 3 * 1_234_500 == report.cost_nusd
    assert {"audit_logs": 1, "reward_logs": 0, "tsdb_points": 0} == report.left


async def test_each_change_has_its_audit_entry(house):
    with house.original() as old:
        filled(old, PASSWORD)

    await house.imports()

    entries = [*house.control.catalog_store.audit, *house.control.key_store.audit]
    assert {"import"} == {entry.actor for entry in entries}
    assert 4 == sum(entry.action == "apikey.import" for entry in entries)
    assert not any("$2" in entry.detail for entry in entries)


async def test_a_second_run_changes_nothing(house):
    with house.original() as old:
        filled(old, PASSWORD)
    await house.imports()
    before, log = house.everything(), await house.log()

    report = await house.imports()

    assert before == house.everything()
    assert log == await house.log()
    for kind, found in {"provider": 2, "model": 3, "alias": 1, "defaults": 1, "key": 4}.items():
        assert (found, 0, found, 0) == counts(report, kind)
    assert (4, 0, 4, 0) == counts(report, "request")
    assert 0 == report.cost_nusd


async def test_what_came_to_the_original_since_is_taken_by_the_next_run(house):
    with house.original() as old:
        filled(old, PASSWORD)
        await house.imports()
        old.model("new", "openai")
        old.key("new")
        old.request(request_id="later", timestamp=AT.replace("2026", "2027"))

        report = await house.imports()

    assert (4, 1, 3, 0) == counts(report, "model")
    assert (5, 1, 4, 0) == counts(report, "key")
    assert (5, 1, 4, 0) == counts(report, "request")


async def test_what_an_operator_changed_or_deleted_here_stays_so(house):
    with house.original() as old:
        filled(old, PASSWORD)
    await house.imports()
    here = house.control
    await here.models.update("gpt", {"weight": 9}, by=BY)
    await here.models.delete("org/small", by=BY)
    await here.aliases.delete("fast", by=BY)
    await here.providers.delete("local", by=BY)
    await here.keys.delete(next(k.id for k in here.keys.every() if k.name == "loom"), by=BY)
    before = house.everything()

    report = await house.imports(PASSWORD)

    assert before[1:] == house.everything()[1:]
    assert {"openai"} == set(house.everything()[0])
    assert (3, 0, 3, 0) == counts(report, "model")
    assert [] == report.keys


async def test_rows_that_were_here_before_the_first_import_are_left_alone(house):
    here = house.control
    await here.providers.put(ProviderDraft(id="openai", base_url="https://api.test"), by=BY)
    await here.models.put(Model(id="gpt", provider_id="openai", weight=1, input_price=1), by=BY)
    await here.routing.put(Defaults(mode="normal", max_latency_s=9.0), by=BY)
    with house.original() as old:
        filled(old, PASSWORD)

    report = await house.imports()

    catalog = here.catalog.current
    assert 1 == catalog.models["openai", "gpt"].weight
    assert "normal" == catalog.defaults.mode
    assert {"openai"} == set(reasons(report, "provider"))
    assert {"openai/gpt"} == set(reasons(report, "model"))
    assert (1, 0, 0, 1) == counts(report, "defaults")
    assert ("openai", "org/small") in catalog.models


async def test_nothing_is_added_to_a_provider_that_is_elsewhere_here(house):
    elsewhere = ProviderDraft(id="openai", base_url="https://mine.test", secret=None)
    await house.control.providers.put(elsewhere, by=BY)
    with house.original() as old:
        filled(old, PASSWORD)

    report = await house.imports(PASSWORD)

    assert {"openai/gpt", "openai/org/small"} == set(reasons(report, "model"))
    assert "must not be sent" in reasons(report, "secret")["provider:openai:api_key"]
    assert house.secret("openai") is None


async def test_rows_that_make_no_sense_cost_the_others_nothing(house):
    with house.original() as old:
        old.provider("openai", base_url="https://api.test")
        old.provider("odd", type="gemini", base_url="https://odd.test")
        old.provider("nowhere")
        old.model("gpt", "openai")
        old.model("lost", "nowhere")
        old.model("dear", "openai", input_per_1k=1e6)
        old.alias("good", {"gpt": 1})
        old.alias("bad", {"gpt": 1, "gone": 1})
        old.key("good")
        old.key("bad", key_hash="x")
        old.request()
        old.request(timestamp="once")
        old.request(timestamp="twice")
        old.row("routing_config", id=1, default_mode="turbo")

    report = await house.imports()

    assert {"odd", "nowhere"} == set(reasons(report, "provider"))
    assert {"nowhere/lost", "openai/dear"} == set(reasons(report, "model"))
    assert {"bad": "there is no model 'gone' here"} == reasons(report, "alias")
    assert {"bad"} == set(reasons(report, "key"))
    assert (3, 1, 0, 2) == counts(report, "request")
    assert [2] == [remark.rows for remark in report.skipped if remark.kind == "request"]
    assert (1, 0, 0, 1) == counts(report, "defaults")
    assert {"gpt"} == {model_id for _, model_id in house.control.catalog.current.models}


async def test_the_vault_stays_closed_without_its_password(house):
    with house.original() as old:
        filled(old, PASSWORD)

    report = await house.imports()

    assert "--vault-password-file" in reasons(report, "secret")["provider:openai:api_key"]
    assert "none" == house.control.providers.credential(house.control.providers.get("openai"))


async def test_a_wrong_password_stops_all_of_it(house):
    with house.original() as old:
        filled(old, PASSWORD)

    with pytest.raises(BadRequest, match="the password opens nothing"):
        await house.imports("another password")

    assert {} == house.control.catalog.current.providers


async def test_a_provider_gets_the_key_that_was_in_the_vault(house):
    """In memory it is lost when the import ends, which the report says; and asks for it again."""
    with house.original() as old:
        filled(old, PASSWORD)

    report = await house.imports(PASSWORD)

    assert "sk-upstream-1" == house.secret("openai")
    assert "held in memory only" in reasons(report, "secret")["provider:openai:api_key"]
    assert "no provider's key" in reasons(report, "secret")["secret:other"]


async def test_a_later_run_with_the_password_brings_the_key(house):
    with house.original() as old:
        filled(old, PASSWORD)
    await house.imports()

    await house.imports(PASSWORD)

    assert "sk-upstream-1" == house.secret("openai")


async def test_a_key_that_an_operator_gave_here_is_not_replaced(house):
    with house.original() as old:
        filled(old, PASSWORD)
    await house.imports()
    await house.control.providers.update("openai", {}, by=BY, secret="sk-new")

    report = await house.imports(PASSWORD)

    assert "sk-new" == house.secret("openai")
    assert "has a key here already" in reasons(report, "secret")["provider:openai:api_key"]


async def test_entries_of_another_password_are_named(house):
    with house.original() as old:
        old.provider("a", base_url="https://a.test", cred_store="vault")
        old.provider("b", base_url="https://b.test", cred_store="vault")
        old.provider("c", base_url="https://c.test", cred_store="vault")
        names = [f"provider:{name}:api_key" for name in "ab"]
        old.vault(PASSWORD, dict.fromkeys(names, "sk"), damaged=names[1])

    report = await house.imports(PASSWORD)

    assert "stored under another one" in reasons(report, "secret")[names[1]]
    assert ["c"] == [remark.name for remark in report.differs if remark.kind == "provider"]


async def test_no_secret_is_in_the_report(house):
    with house.original() as old:
        keys = filled(old, PASSWORD)

    told = repr(await house.imports(PASSWORD))

    for secret in ("sk-upstream-1", PASSWORD, "$2a$", *(key[:26] for key in keys.values())):
        assert secret not in told


async def test_a_long_log_comes_whole_and_its_sums_agree(house):
    with house.original() as old:
        old.conn.execute("BEGIN")
        for number in range(1203):
            old.request(request_id=f"r{number}", estimated_cost_usd=0.1 + number / 7e6)
        old.request(estimated_cost_usd=None)
        old.conn.execute("COMMIT")

    report = await house.imports()

    log = await house.log()
    assert 1204 == len(log)
    assert 1 == report.unpriced
    known = [row.cost_nusd for row in log if row.cost_nusd is not None]
    rows = [a.cost_nusd for row in log for a in row.attempts if a.cost_nusd is not None]
    assert report.cost_nusd == sum(known) == sum(rows)


async def test_requests_belong_to_their_key_by_its_new_id(house):
    with house.original() as old:
        filled(old, PASSWORD)

    await house.imports()

    loom = next(key for key in house.control.keys.every() if key.name == "loom")
    assert 3 == sum(row.key_id == loom.id for row in await house.log())
    assert imported_id("") not in {row.key_id for row in await house.log()}


async def test_a_variant_may_have_any_name_of_its_model(house):
    with house.original() as old:
        old.provider("openai", base_url="https://api.test")
        old.model("gpt", "openai")
        old.alias("fast", {"openai/gpt": 1})

    await house.imports()

    alias = house.control.catalog.current.aliases["fast"]
    assert (Variant(model_id="openai/gpt", weight=1),) == alias.variants


async def test_requests_that_retention_removed_here_do_not_come_back(house):
    with house.original() as old:
        filled(old, PASSWORD)
        await house.imports()
        house.control.journal._outcomes.clear()
        house.imported.known.clear()
        old.request(request_id="later", timestamp=AT.replace("2026", "2027"))

        report = await house.imports()

    assert (5, 1, 4, 0) == counts(report, "request")


async def test_a_log_is_known_by_its_rows_and_not_by_its_numbers(house, tmp_path):
    with house.original() as old:
        filled(old, PASSWORD)
    await house.imports()
    house.path = tmp_path / "another.sqlite"
    with house.original() as old:
        for number in range(6):
            old.request(request_id=f"another {number}")

    report = await house.imports()

    assert (6, 6, 0, 0) == counts(report, "request")


async def test_a_provider_where_no_call_may_go_is_told(house):
    with house.original() as old:
        old.provider("metadata", base_url="http://169.254.169.254/v1")
        old.provider("inside", base_url="http://192.168.7.7:8000")

    report = await house.imports()

    told = {remark.name: remark.why for remark in report.differs if remark.kind == "provider"}
    assert {"metadata", "inside"} == told.keys()
    assert "it is not called: 169.254.169.254 is link-local" in told["metadata"]
    assert "TOKENHUB_ALLOWED_PRIVATE_HOSTS" in told["inside"]
