import json

import pytest

from tests.support.control import Control, credentials
from tokenhub.admin.changes import By
from tokenhub.admin.providers import ProviderDraft
from tokenhub.core.catalog import Model
from tokenhub.core.errors import Unavailable
from tokenhub.core.failures import Kind
from tokenhub.ports.provider import UpstreamError

pytestmark = pytest.mark.anyio
BY = By()
SECRET = "sk-from-the-file"
P = {"id": "p", "type": "openai", "base_url": "https://h/v1", "api_key": SECRET}
M = {"id": "m", "provider_id": "p", "weight": 3, "input_per_1k": 0.5, "output_per_1k": 1.5}
FILE = credentials(providers=[P], models=[M])


def rows(control):
    catalog = control.catalog.current
    return catalog.providers, {f"{p}/{m}": row for (p, m), row in catalog.models.items()}


async def test_a_good_file_brings_providers_models_and_keys(control):
    messages = await control.bootstrap.apply(FILE)

    providers, models = rows(control)
    assert [] == messages
    assert ("https://h", "credentials", "credentials", True) == (
        providers["p"].base_url,
        providers["p"].source,
        providers["p"].cred_store,
        providers["p"].enabled,
    )
    assert (3, "credentials", True) == (
        models["p/m"].weight,
        models["p/m"].source,
        models["p/m"].enabled,
    )
    assert SECRET == control.secret("p")
    assert {"credentials"} == {entry.actor for entry in control.catalog_store.audit}
    assert not any(SECRET in entry.detail for entry in control.catalog_store.audit)


async def test_no_file_is_no_change(control):
    assert [] == await control.bootstrap.apply(b"")
    assert 0 == control.catalog.current.version
    assert b"" == control.note.content


async def test_a_second_start_changes_nothing_and_holds_the_key_again(control):
    await control.bootstrap.apply(FILE)
    version = control.catalog.current.version

    again = await control.restarted()
    await again.bootstrap.apply(FILE)

    assert version == again.catalog.current.version
    assert SECRET == again.secret("p")


async def test_a_changed_entry_changes_a_row_that_nobody_touched(control):
    await control.bootstrap.apply(FILE)

    again = await control.restarted()
    await again.bootstrap.apply(credentials(providers=[P], models=[{**M, "weight": 7}]))

    assert 7 == again.models.get("m").weight


async def test_an_operators_edit_survives_the_next_start_and_the_key_is_held(control):
    await control.bootstrap.apply(FILE)
    await control.models.update("m", {"weight": 9}, by=BY)
    await control.providers.update("p", {"enabled": False}, by=BY)

    again = await control.restarted()
    await again.bootstrap.apply(FILE)

    providers, models = rows(again)
    assert (9, "api") == (models["p/m"].weight, models["p/m"].source)
    assert (False, "api") == (providers["p"].enabled, providers["p"].source)
    assert SECRET == again.secret("p")


async def test_the_files_key_does_not_go_to_an_origin_that_an_operator_chose(control):
    await control.bootstrap.apply(FILE)
    await control.providers.update("p", {"base_url": "https://other"}, by=BY)
    forgotten = control.secret("p")

    again = await control.restarted()
    messages = await again.bootstrap.apply(FILE)

    assert forgotten is None
    assert again.secret("p") is None
    assert "missing" == again.providers.credential(again.providers.get("p"))
    assert [True] == ["providers[0]" in told and "another origin" in told for told in messages]
    assert SECRET not in str(messages)


async def test_the_files_key_goes_to_another_path_of_the_same_origin(control):
    await control.bootstrap.apply(FILE)
    await control.providers.update("p", {"base_url": "https://h/compatible"}, by=BY)

    again = await control.restarted()
    messages = await again.bootstrap.apply(FILE)

    assert [] == messages
    assert SECRET == again.secret("p")


async def test_the_files_key_goes_along_where_the_file_itself_moves_its_row(control):
    await control.bootstrap.apply(FILE)
    moved = credentials(providers=[{**P, "base_url": "https://other"}])

    again = await control.restarted()
    await again.bootstrap.apply(moved)

    assert SECRET == again.secret("p")


async def test_an_operators_delete_survives_every_later_start(control):
    await control.bootstrap.apply(FILE)
    await control.models.delete("m", by=BY)

    again = await (await control.restarted()).restarted()
    messages = await again.bootstrap.apply(FILE)
    third = await again.restarted()
    await third.bootstrap.apply(FILE)

    assert "deleted by an operator" in messages[0]
    assert {} == rows(third)[1]
    assert ["p"] == list(rows(third)[0])


async def test_a_deleted_provider_stays_away_with_its_models_and_key(control):
    await control.bootstrap.apply(FILE)
    await control.providers.delete("p", by=BY)

    again = await control.restarted()
    await again.bootstrap.apply(FILE)

    assert ({}, {}) == rows(again)
    assert again.secret("p") is None


async def test_a_new_entry_is_taken_after_a_delete_of_another(control):
    await control.bootstrap.apply(FILE)
    await control.models.delete("m", by=BY)

    again = await control.restarted()
    await again.bootstrap.apply(credentials(providers=[P], models=[M, {**M, "id": "n"}]))

    assert ["p/n"] == list(rows(again)[1])


async def test_a_note_of_another_database_is_void(control):
    await control.bootstrap.apply(FILE)

    fresh = await Control(note=control.note).started()
    await fresh.bootstrap.apply(FILE)

    assert ["p/m"] == list(rows(fresh)[1])


@pytest.mark.parametrize("secret", ["sk-of-the-operator", ""])
async def test_a_key_that_an_operator_set_or_cleared_is_not_overwritten(control, secret):
    await control.bootstrap.apply(FILE)
    await control.providers.update("p", {}, by=BY, secret=secret)

    again = await control.restarted()
    messages = await again.bootstrap.apply(FILE)

    assert again.secret("p") is None
    assert "an operator has set or cleared it" in messages[0]
    assert SECRET not in messages[0]


async def test_a_provider_of_the_api_is_left_alone(control):
    await control.providers.put(ProviderDraft(id="p", base_url="http://mine"), by=BY)
    await control.models.put(Model(id="m", provider_id="p", weight=1), by=BY)

    await control.bootstrap.apply(FILE)

    assert "http://mine" == control.providers.get("p").base_url
    assert 1 == control.models.get("m").weight


async def test_a_bad_entry_does_not_cost_the_others(control):
    content = credentials(
        providers=[{"id": "x"}, {"id": 5}, {"id": "y", "base_url": "ftp://h"}, P],
        models=[
            {**M, "provider_id": "nobody"},
            {**M, "weight": 99},
            {**M, "weight": "heavy"},
            {**M, "input_per_1k": 1e300},
            M,
        ],
    )

    messages = await control.bootstrap.apply(content)

    assert (["p"], ["p/m"]) == tuple(list(found) for found in rows(control))
    starts = {message.split(" ")[0] for message in messages}
    assert {f"providers[{i}]" for i in range(3)} | {f"models[{i}]" for i in range(4)} == starts


async def test_fields_of_the_original_that_do_nothing_are_reported(control):
    model = {**M, "tool_name_map": {"a": "b"}, "gemma4_output": True}

    messages = await control.bootstrap.apply(credentials(providers=[P], models=[model]))

    assert 2 == len(messages)
    assert all("ignored" in message for message in messages)
    assert ["p/m"] == list(rows(control)[1])


@pytest.mark.parametrize(
    "content",
    [
        b'{"providers": [{"api_key": "sk-from-the-file",}]}',
        b'{"providers": [{"api_key": "sk-from-the-file"',
        b'{"providers": "sk-from-the-file"}',
        b'["sk-from-the-file"]',
        b'{"providers": ["\xff sk-from-the-file"]}',
        b"[" * 5000,
    ],
)
async def test_a_broken_file_is_refused_with_its_position_and_never_its_content(control, content):
    messages = await control.bootstrap.apply(content)

    assert 1 == len(messages)
    assert SECRET not in messages[0]
    assert 0 == control.catalog.current.version


async def test_autoload_adds_models_and_a_deleted_one_stays_away(control):
    content = credentials(providers=[{**P, "autoload_models": True}], models=[M])
    control.upstreams.offers["p"] = ["m", "a", "b"]
    await control.bootstrap.apply(content)
    assert [] == control.upstreams.asked

    messages = await control.bootstrap.autoload()
    await control.models.delete("a", by=BY)
    await control.models.update("b", {"weight": 1}, by=BY)
    again = await control.restarted()
    again.upstreams.offers["p"] = ["m", "a", "b", "c"]
    await again.bootstrap.apply(content)
    await again.bootstrap.autoload()

    models = rows(again)[1]
    assert ["provider 'p': 2 models added"] == messages
    assert {"p/m", "p/b", "p/c"} == set(models)
    assert (3, 1, 5) == tuple(models[f"p/{name}"].weight for name in "mbc")


async def test_a_provider_that_does_not_answer_costs_the_others_nothing(control):
    other = {**P, "id": "q", "autoload_models": True}
    control.upstreams.faults["p"] = UpstreamError(Kind.UNREACHABLE)
    control.upstreams.offers["q"] = ["a"]
    await control.bootstrap.apply(credentials(providers=[{**P, "autoload_models": True}, other]))

    messages = await control.bootstrap.autoload()

    assert "cannot be reached" in messages[0]
    assert ["q/a"] == list(rows(control)[1])


async def test_a_disabled_provider_is_not_asked_for_its_models(control):
    entry = {**P, "autoload_models": True, "enabled": False}
    await control.bootstrap.apply(credentials(providers=[entry]))

    await control.bootstrap.autoload()

    assert [] == control.upstreams.asked


async def test_a_note_that_cannot_be_written_is_reported_and_stops_nothing(control):
    def fail(_note):
        raise Unavailable("cannot write it")

    control.note.write = fail

    messages = await control.bootstrap.apply(FILE)

    assert "may return" in messages[0]
    assert ["p"] == list(rows(control)[0])


async def test_the_note_holds_names_and_no_keys(control):
    await control.bootstrap.apply(FILE)

    note = json.loads(control.note.content)

    assert {"version": 2, "providers": ["p"], "models": ["p/m"]} == note


@pytest.mark.parametrize("note", [b"{", b'{"version": "x"}', b'{"providers": ["\xff"]}'])
async def test_a_note_that_cannot_be_read_is_as_none(control, note):
    control.note.content = note

    await control.bootstrap.apply(FILE)

    assert ["p/m"] == list(rows(control)[1])


async def test_an_entry_without_a_key_brings_a_provider_without_one(control):
    content = credentials(providers=[{"id": "p", "base_url": "http://h"}])

    await control.bootstrap.apply(content)
    again = await control.restarted()
    await again.bootstrap.apply(content)

    assert ("none", "none") == (
        again.providers.get("p").cred_store,
        again.providers.credential(again.providers.get("p")),
    )


async def test_without_its_note_the_file_is_not_used_for_fear_of_undoing_deletes(control):
    def fail():
        raise Unavailable("cannot read it")

    control.note.read = fail

    messages = await control.bootstrap.apply(FILE)

    assert "deletes would be undone" in messages[0]
    assert 0 == control.catalog.current.version


async def test_an_unknown_field_is_told_and_the_rest_of_its_entry_is_taken(control):
    file = credentials(
        providers=[{"id": "p", "base_url": "https://h", "apikey": SECRET}],
        models=[{"id": "m", "provider_id": "p", "wieght": 3}],
    )

    messages = await control.bootstrap.apply(file)

    providers, models = rows(control)
    assert ({"p"}, {"p/m"}) == (providers.keys(), models.keys())
    fields = "id, type, base_url, endpoints, api_key, enabled, autoload_models"
    assert [f"providers[0]: unknown field 'apikey' is ignored; there is {fields}"] == messages[:1]
    assert ["models[0]: unknown field 'wieght' is ignored"] == [
        message.partition(";")[0] for message in messages[1:]
    ]


async def test_an_unknown_list_is_told(control):
    messages = await control.bootstrap.apply(b'{"provider": [], "models": []}')

    assert ["unknown field 'provider' is ignored; there is providers, models"] == messages


async def test_a_key_in_the_place_of_a_field_is_not_quoted(control):
    key = "sk-" + "x" * 40

    messages = await control.bootstrap.apply(credentials(providers=[{**P, key: ""}], models=[]))

    assert 1 == len(messages)
    assert key not in messages[0]


async def test_of_entries_with_one_id_the_last_counts_and_the_others_are_told(control):
    other = {**P, "base_url": "https://other"}
    file = credentials(providers=[P, other], models=[M, {**M, "weight": 9}])

    messages = await control.bootstrap.apply(file)
    version = control.catalog.current.version
    again = await control.restarted()
    await again.bootstrap.apply(file)

    assert [
        "providers[0] is left out: providers[1] is 'p' too, and the last one counts",
        "models[0] is left out: models[1] is 'p/m' too, and the last one counts",
    ] == messages
    assert "https://other" == again.providers.get("p").base_url
    assert 9 == again.models.get("m").weight
    assert version == again.catalog.current.version


async def test_entries_without_an_id_are_faulty_each_and_no_duplicates(control):
    messages = await control.bootstrap.apply(credentials(providers=[{}, {}], models=[]))

    assert ["providers[0] is left out", "providers[1] is left out"] == [
        message.partition(":")[0] for message in messages
    ]


@pytest.mark.parametrize(
    "content", [b"{", b'{"providers": [{"id": 7}]}', b'{"providers": [{"odd": 7}]}']
)
async def test_messages_begin_with_the_file_they_are_about(control, content):
    messages = await control.bootstrap.apply(content, path="/home/me/credentials")

    assert messages
    assert all(message.startswith("/home/me/credentials: ") for message in messages)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
async def test_a_byte_order_mark_is_named(control, encoding):
    messages = await control.bootstrap.apply(FILE.decode().encode(encoding))

    why = "it begins with a byte order mark (BOM): save it as UTF-8 without one"
    assert [f"the credentials file is not used: {why}"] == messages
