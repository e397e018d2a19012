"""`tokenhubctl model price ...`."""

import pytest
from msgspec import to_builtins
from msgspec.structs import replace

from tests.cli.conftest import Run
from tests.cli.fake_admin import FakeAdmin
from tokenhub.wire.catalog import Model, Tier
from tokenhub.wire.prices import PriceSynced, PriceVerdict

HOURS = "the price of the dearest hours"
OWN = "a server of your own; give a price, 0 if it is free"
SYNC = "/admin/v1/models/prices/sync"
GPT = Model(
    id="gpt",
    provider_id="p",
    weight=1,
    max_context_tokens=1000,
    input_per_1k=0.0025,
    output_per_1k=0.01,
    cached_input_per_1k=0.00125,
    tiers=[Tier(above_tokens=500, input_per_1k=0.005)],
    enabled=True,
    pricing_source="catalogue",
    source="api",
    version=1,
)
LOCAL = Model(
    id="local",
    provider_id="own",
    weight=1,
    max_context_tokens=0,
    input_per_1k=None,
    output_per_1k=None,
    enabled=True,
    pricing_source="unknown",
    source="api",
    version=1,
)
DONE = PriceSynced(
    catalogue="genai-prices 1",
    dry_run=True,
    changed=1,
    same=0,
    kept=0,
    unknown=1,
    models=[
        PriceVerdict(
            id="gpt",
            provider_id="p",
            result="changed",
            reason="",
            before=replace(GPT, input_per_1k=0.002),
            model=GPT,
            dearest_hours=True,
        ),
        PriceVerdict(
            id="local",
            provider_id="own",
            result="unknown",
            reason="own_server",
            before=None,
            model=LOCAL,
        ),
    ],
)


def test_sync_shows_what_became_of_each_model(run: Run, admin: FakeAdmin) -> None:
    admin.answers["POST", SYNC] = 200, to_builtins(DONE)

    told = run("model", "price", "sync", "--dry-run", "--provider", "p")

    assert {"dry_run": True, "provider_id": "p"} == admin.last.body
    assert [
        "MODEL  PROVIDER  RESULT   IN $/1K  OUT $/1K  CONTEXT  WHY",
        f"gpt    p         changed  $0.0025     $0.01     1000  in was $0.002; {HOURS}",
        f"local  own       unknown  unknown   unknown        -  {OWN}",
        "1 would change, 0 the same, 0 kept, 1 unknown; catalogue: genai-prices 1",
    ] == told.stdout.splitlines()
    giving = "tokenhubctl model edit local --provider own --input-per-1k USD --output-per-1k USD"
    assert f"note: give a price with {giving}\n" == told.stderr


@pytest.mark.parametrize(
    ("before", "told"),
    [
        ({"input_per_1k": None, "output_per_1k": None}, "it had no price"),
        ({"input_per_1k": 0.0, "output_per_1k": None}, "in was free, out was unknown"),
        ({"max_context_tokens": 0}, "the context was unknown"),
        ({"cached_input_per_1k": None}, "only prices of parts or of long prompts"),
    ],
)
def test_sync_tells_what_a_change_replaces(
    run: Run, admin: FakeAdmin, before: dict[str, float | None], told: str
) -> None:
    one = replace(DONE.models[0], before=replace(GPT, **before), dearest_hours=False)
    admin.answers["POST", SYNC] = 200, to_builtins(replace(DONE, models=[one]))

    assert run("model", "price", "sync").stdout.splitlines()[1].endswith(f"  {told}")


def test_show_tells_what_stands_in_for_a_price_that_is_not_stated(
    run: Run, admin: FakeAdmin
) -> None:
    admin.answers["GET", "/admin/v1/models/gpt"] = 200, to_builtins(GPT)

    shown = run("model", "price", "show", "gpt").stdout

    assert [
        "Model:   p/gpt",
        "Source:  catalogue",
        "",
        "USD per 1,000 tokens",
        "  input           $0.0025",
        "  cached input    $0.00125",
        "  cache write     as input",
        "  cache write 1h  as cache write",
        "  output          $0.01",
        "  reasoning       as output",
        "",
        "With more than 500 tokens in the prompt",
        "  input           $0.005",
        "  cached input    as input",
        "  cache write     as input",
        "  cache write 1h  as cache write",
        "  output          unknown",
        "  reasoning       as output",
    ] == shown.splitlines()


def test_prices_of_every_class_can_be_given(run: Run, admin: FakeAdmin) -> None:
    admin.add_model("m")

    run("model", "edit", "m", "--cached-input-per-1k", "0.1", "--reasoning-per-1k", "0.2")

    assert {"cached_input_per_1k": 0.1, "reasoning_per_1k": 0.2} == admin.last.body


def test_a_model_goes_back_to_the_catalogue(run: Run, admin: FakeAdmin) -> None:
    admin.add_model("m")

    run("model", "edit", "m", "--pricing-source", "catalogue")

    assert {"pricing_source": "catalogue"} == admin.last.body


def test_a_model_without_a_price_is_sent_without_one(run: Run, admin: FakeAdmin) -> None:
    run("model", "add", "--id", "m", "--provider", "p")

    assert {"input_per_1k", "output_per_1k", "pricing_source"}.isdisjoint(admin.last.body)


def test_sync_tells_where_only_a_context_size_was_filled_in(run: Run, admin: FakeAdmin) -> None:
    one = replace(DONE.models[0], reason="manual", dearest_hours=False)
    admin.answers["POST", SYNC] = 200, to_builtins(replace(DONE, dry_run=False, models=[one]))

    shown = run("model", "price", "sync").stdout.splitlines()

    assert shown[1].endswith("  the context size alone")
    assert shown[2].startswith("1 changed, ")


def test_sync_tells_a_price_that_is_given_from_one_that_is_to_stay_unknown(
    run: Run, admin: FakeAdmin
) -> None:
    unknown = replace(GPT, input_per_1k=None, output_per_1k=None, pricing_source="manual")
    kept = replace(DONE.models[0], result="kept", reason="manual", before=None, dearest_hours=False)
    rows = [kept, replace(kept, model=unknown)]
    admin.answers["POST", SYNC] = 200, to_builtins(replace(DONE, models=rows))

    shown = run("model", "price", "sync").stdout.splitlines()

    assert shown[1].endswith("  an operator gave it")
    assert shown[2].endswith("  an operator says that it is unknown")
