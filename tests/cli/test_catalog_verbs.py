"""`tokenhubctl provider discover|delete|add` and `model test`, `apikey usage`: beyond the rows."""

import json

import pytest

from tests.cli.live import Live


@pytest.fixture
def live(live: Live) -> Live:
    live.provider("one", "gpt")
    return live


def models(live: Live) -> set[str]:
    return set(live.run("model", "list", "-o", "value").stdout.split())


def test_what_a_provider_offers_is_registered(live: Live) -> None:
    live.run("model", "edit", "gpt", "--weight", "7")

    result = live.run("provider", "discover", "one", "--register", "all")

    assert (0, "model/org/small saved\nmodel/large saved\n") == (result.exit_code, result.stdout)
    assert "note: registered before: gpt\n" == result.stderr
    assert {"gpt", "org/small", "large"} == models(live)
    assert 5 == json.loads(live.run("model", "get", "large", "-o", "json").stdout)["weight"]
    assert 7 == json.loads(live.run("model", "get", "gpt", "-o", "json").stdout)["weight"]


def test_some_of_what_it_offers_is_registered(live: Live) -> None:
    result = live.run("provider", "discover", "one", "--register", "org/small", "-o", "json")

    assert ["org/small"] == [row["id"] for row in json.loads(result.stdout)]
    assert {"gpt", "org/small"} == models(live)


def test_nothing_is_registered_of_what_it_does_not_offer(live: Live) -> None:
    result = live.run("provider", "discover", "one", "--register", "large,odd")

    assert (2, "") == (result.exit_code, result.stdout)
    assert "one offers no 'odd'" in result.stderr
    assert {"gpt"} == models(live)


def test_a_provider_with_models_is_kept_where_that_is_asked(live: Live) -> None:
    kept = live.run("provider", "delete", "one", "--no-cascade")

    assert (6, "") == (kept.exit_code, kept.stdout)
    assert "has 1 models" in kept.stderr
    assert 0 == live.run("provider", "delete", "one", "--cascade").exit_code
    assert set() == models(live)


def test_a_provider_without_models_is_deleted_either_way(live: Live) -> None:
    live.run("model", "delete", "gpt")

    assert 0 == live.run("provider", "delete", "one", "--no-cascade").exit_code


def test_a_new_provider_shows_what_it_offers(live: Live) -> None:
    line = ("provider", "add", "--id", "two", "--type", "vllm", "--base-url", live.sim.url)

    result = live.run(*line, "--discover", "-o", "value")

    assert (0, {"gpt", "org/small", "large"}) == (result.exit_code, set(result.stdout.split()))
    assert "note: provider/two saved\n" in result.stderr


def test_the_key_of_a_provider_comes_from_a_variable(live: Live) -> None:
    line = ("provider", "edit", "one", "--api-key-env", "KEY_OF_ONE")

    result = live.run(*line, "-o", "json", KEY_OF_ONE="sk-not-a-real-one")

    assert "present" == json.loads(result.stdout)["provider"]["credential"]
    assert "sk-not" not in result.stdout + result.stderr


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--api-key-env", "NO_SUCH_KEY"], "--api-key-env NO_SUCH_KEY is empty"),
        (["--api-key-env", "A", "--api-key", "x"], "give one of --api-key,"),
        (["--api-key-env", "A", "--api-key-stdin"], "give one of --api-key,"),
    ],
)
def test_a_key_that_is_not_there_is_a_usage_error(live: Live, flags: list[str], said: str) -> None:
    result = live.run("provider", "edit", "one", *flags)

    assert 2 == result.exit_code
    assert said in result.stderr


def test_a_model_is_asked_whether_it_answers(live: Live) -> None:
    key = live.do(live.hub.key())

    told = live.run("model", "test", "gpt", TOKENHUB_API_KEY=key)
    shown = live.run(
        "model", "test", "gpt", "--provider", "one", "-o", "json", TOKENHUB_API_KEY=key
    )

    assert 0 == told.exit_code
    assert told.stdout.startswith("model/gpt of one answered in ")
    assert {"model_id": "gpt", "provider_id": "one", "ok": True}.items() <= json.loads(
        shown.stdout
    ).items()


def test_a_model_that_does_not_answer_is_not_so(live: Live) -> None:
    key = live.do(live.hub.key())
    live.run("model", "disable", "gpt")

    result = live.run("model", "test", "gpt", TOKENHUB_API_KEY=key)

    assert 8 == result.exit_code
    assert result.stdout.startswith("model/gpt did not answer: no_provider_available\n")


def test_what_is_not_the_models_fault_has_its_own_code(live: Live) -> None:
    key = live.do(live.hub.key())

    assert 5 == live.run("model", "test", "unknown", TOKENHUB_API_KEY=key).exit_code
    assert 4 == live.run("model", "test", "gpt").exit_code


def test_what_a_key_has_cost_is_summed(live: Live) -> None:
    made = json.loads(
        live.run("apikey", "create", "--name", "k", "--monthly-budget", "2", "-o", "json").stdout
    )
    live.ask(key=made["key"])
    live.ask()

    result = live.run("apikey", "usage", made["id"])

    assert 0 == result.exit_code
    assert ["gpt", "1"] == result.stdout.splitlines()[1].split()[:2]
    assert "of this month's budget of $2.0000 is spent\n" in result.stderr
    by_day = live.run("apikey", "usage", made["id"], "--by", "day,model", "-o", "json").stdout
    assert ["gpt"] == [row["model_id"] for row in json.loads(by_day)["ledger"]]
    assert 1 == json.loads(by_day)["sum"]["attempts"]


def test_the_usage_of_a_key_that_is_not_there_is_not_found(live: Live) -> None:
    result = live.run("apikey", "usage", "nobody")

    assert (5, "") == (result.exit_code, result.stdout)
    assert '"tokenhubctl apikey list"' in result.stderr
