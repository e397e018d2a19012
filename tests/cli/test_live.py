"""Commands against the real server, in this process."""

import json

from tests.cli.live import Live


def test_a_catalog_is_made_and_asked(live: Live) -> None:
    sim = live.sim.url
    assert (
        0
        == live.run("provider", "add", "--id", "one", "--type", "vllm", "--base-url", sim).exit_code
    )
    assert 0 == live.run("model", "add", "--id", "gpt", "--provider", "one").exit_code

    request = live.ask()

    told = json.loads(live.run("logs", "get", request, "-o", "json").stdout)
    assert (request, "gpt", 200) == (told["request_id"], told["model_id"], told["status_code"])
