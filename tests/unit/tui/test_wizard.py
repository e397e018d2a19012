"""A new provider on its way, without a terminal."""

from tokenhub.wire.catalog import Found
from tokenhub_tui.state.cells import natural
from tokenhub_tui.state.wizard import (
    DONE,
    Draft,
    chosen_of,
    commands,
    document,
    offers,
    progress,
    proposed,
)

FOUND = (
    Found(id="gpt", registered=True, input_per_1k=0.001),
    Found(id="org/Small", registered=False, owned_by="org"),
    Found(id="large", registered=False),
)


def test_progress_is_told_in_dots_and_words() -> None:
    assert "●●○○○  2 of 5 · Endpoint" == progress(1)
    assert "●●●●●  Done" == progress(DONE)


def test_an_id_is_proposed_that_is_free_and_the_address_follows_the_type() -> None:
    draft = Draft(type="anthropic", id="openai", base_url="https://api.openai.com")

    assert ("anthropic-2", "https://api.anthropic.com") == proposed(draft, {"anthropic"})
    mine = Draft(id="mine", base_url="http://mine")
    assert ("mine", "http://mine") == proposed(mine, set())


def test_offers_are_narrowed_and_marked() -> None:
    rows = offers(FOUND, {"large"})

    assert ["[x]", "[ ]", "[x]"] == [natural(row.cells[0]) for row in rows]
    assert ["org/Small"] == [row.id for row in offers(FOUND, set(), "small")]
    assert "1 to register of 2 · 1 registered before" == chosen_of(FOUND, {"large"})
    assert "It offers none; n on Models adds one by its id." == chosen_of((), ())


def test_the_same_is_told_as_commands_and_as_a_document_without_the_key() -> None:
    draft = Draft(
        id="my own",
        type="vllm",
        base_url="http://gpu:8000",
        endpoints=("http://a",),
        keyed=True,
        added=["org/small", "on"],
    )

    assert (
        "tokenhubctl provider add --id 'my own' --type vllm --base-url http://gpu:8000 "
        "--endpoint http://a --api-key-stdin\n"
        "tokenhubctl provider discover 'my own' --register org/small,on"
    ) == commands(draft)
    assert (
        'providers:\n- id: "my own"\n  type: vllm\n  base_url: "http://gpu:8000"\n'
        '  endpoints:\n  - "http://a"\n  api_key: {env: MY_OWN_API_KEY}\nmodels:\n'
        '- {id: org/small, provider_id: "my own", weight: 5}\n'
        '- {id: "on", provider_id: "my own", weight: 5}'
    ) == document(draft)
