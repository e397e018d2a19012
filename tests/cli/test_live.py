"""Commands against the real server, in this process."""

import json

import pytest

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


@pytest.mark.parametrize("path", ["/admin", "/admin/", "/admin/v1", "/v1", "/admin/models"])
@pytest.mark.parametrize("line", [("model", "list"), ("status",)])
def test_the_url_of_a_page_is_no_url_of_a_server(
    live: Live, line: tuple[str, ...], path: str
) -> None:
    failed = live.run(*line, "--url", live.hub.url + path)
    signed_in = live.run("login", live.hub.url + path, "--token-stdin", stdin="t")

    assert {5} == {failed.exit_code, signed_in.exit_code}
    assert f"--url {live.hub.url}\n" in failed.stderr
    assert f"--url {live.hub.url}\n" in signed_in.stderr
