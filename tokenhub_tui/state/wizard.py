"""A new provider on its way: what is said of it so far, what it offers, and how else to say it."""

import re
import shlex
from collections.abc import Collection, Iterable, Sequence

import msgspec

from tokenhub.client.text import tokens
from tokenhub.wire.catalog import Found, ModelCreate, ProviderCreate
from tokenhub.wire.health import Tested
from tokenhub_tui.state.cells import Cell, Column, Row
from tokenhub_tui.state.fleet import price
from tokenhub_tui.state.fleet_forms import BASE_URLS, TYPES
from tokenhub_tui.state.form import CHOICE, LIST, SECRET, Field

TYPE, ENDPOINT, KEY, TEST, MODELS, DONE = range(6)
TITLES = ("Type", "Endpoint", "Key", "Test", "Models", "Done")
# As the server gives to those that it registers by itself.
WEIGHT = 5
# What YAML reads as nothing but a text, unquoted.
_BARE = re.compile(
    r"^(?!(?:true|false|yes|no|on|off|null|y|n)$)[A-Za-z][A-Za-z0-9_./-]*$", re.IGNORECASE
)

OFFERS = (
    Column(id="mark", title="", width=3),
    Column(id="id", title="model", width=24, most=48),
    Column(id="context", title="context", width=8, right=True, rank=1),
    Column(id="in", title="$ in/1k", width=9, right=True),
    Column(id="out", title="$ out/1k", width=9, right=True),
    Column(id="note", title="", width=10, most=24, rank=2),
)


class Draft(msgspec.Struct, kw_only=True):
    """What was said so far; never the key, which is kept nowhere but at the server.

    `saved` is whether the server has the provider, and `added` are the models that it has.
    """

    step: int = TYPE
    type: str = "openai"
    id: str = ""
    base_url: str = ""
    endpoints: tuple[str, ...] = ()
    saved: bool = False
    keyed: bool = False
    note: str = ""
    tested: Tested | None = None
    found: list[Found] | None = None
    added: list[str] = []

    @property
    def begun(self) -> bool:
        """Whether there is anything to go on with."""
        return self.step > TYPE and not self.done

    @property
    def done(self) -> bool:
        """Whether it went through to the end."""
        return self.step == DONE


def progress(step: int) -> str:
    """`●●○○○ 2 of 5 · Endpoint`."""
    last = len(TITLES) - 1
    if step == DONE:
        return "●" * last + "  Done"
    return f"{'●' * (step + 1)}{'○' * (last - step - 1)}  {step + 1} of {last} · {TITLES[step]}"


def fields(draft: Draft) -> tuple[tuple[Field, ...], ...]:
    """What the first three steps ask for."""
    return (
        (
            Field(id="type", label="Type", kind=CHOICE, choices=TYPES, value=draft.type,
                  fixed=draft.saved, help="← → choose. Most vendors are reached as OpenAI."),
        ),
        (
            Field(id="id", label="Id", value=draft.id, required=True, fixed=draft.saved,
                  help="How you call it; part of the names of its models."),
            Field(id="base_url", label="Base URL", value=draft.base_url,
                  help="Where it is, without /v1."),
            Field(id="endpoints", label="Endpoints", kind=LIST, value=draft.endpoints,
                  empty="none beside the base URL",
                  help="Several servers that take turns, with commas between."),
        ),
        (
            Field(id="api_key", label="Key", kind=SECRET,
                  empty="as it is" if draft.keyed else "none",
                  help="Its key, F2 shows it. It is sent to the server, and never shown again."),
        ),
    )  # fmt: skip


def proposed(draft: Draft, taken: Collection[str]) -> tuple[str, str]:
    """An id and a base URL to begin with, for what was said so far."""
    usual = set(BASE_URLS.values())
    url = BASE_URLS[draft.type] if not draft.base_url or draft.base_url in usual else draft.base_url
    if draft.id and draft.id not in BASE_URLS:
        return draft.id, url
    names = (draft.type, *(f"{draft.type}-{n}" for n in range(2, len(taken) + 3)))
    return next(name for name in names if name not in taken), url


def provider(draft: Draft, key: str) -> ProviderCreate:
    """What is sent; an empty key says nothing."""
    return ProviderCreate(
        id=draft.id,
        type=draft.type,
        base_url=draft.base_url,
        endpoints=list(draft.endpoints),
        api_key=key or msgspec.UNSET,
    )


def model(provider_id: str, model_id: str) -> ModelCreate:
    """A model as it is registered of those that a provider offers."""
    return ModelCreate(id=model_id, provider_id=provider_id, weight=WEIGHT)


# --- What it offers ---


def offers(found: Iterable[Found], chosen: Collection[str], narrow: str = "") -> list[Row]:
    """What a provider offers, those that `narrow` is part of; ticked where they are chosen."""
    meant = [one for one in found if narrow.casefold() in one.id.casefold()]
    return [
        Row(
            id=one.id,
            tone="dim" if one.registered else "",
            cells=(
                Cell("[x]", "dim" if one.registered else "good")
                if one.registered or one.id in chosen
                else "[ ]",
                one.id,
                tokens(one.max_context_tokens),
                price(one.input_per_1k),
                price(one.output_per_1k),
                "registered" if one.registered else one.owned_by,
            ),
        )
        for one in meant
    ]


def chosen_of(found: Sequence[Found], chosen: Collection[str]) -> str:
    """How many are ticked."""
    if not found:
        return "It offers none; n on Models adds one by its id."
    there = sum(one.registered for one in found)
    told = f"{len(chosen)} to register of {len(found) - there}"
    return f"{told} · {there} registered before" if there else told


# --- The same elsewhere ---


def commands(draft: Draft) -> str:
    """The lines of tokenhubctl that do the same."""
    words = ["tokenhubctl", "provider", "add", "--id", draft.id, "--type", draft.type]
    words += ["--base-url", draft.base_url] if draft.base_url else []
    for one in draft.endpoints:
        words += ["--endpoint", one]
    words += ["--api-key-stdin"] if draft.keyed else []
    lines = [shlex.join(words)]
    if draft.added:
        registered = ["provider", "discover", draft.id, "--register", ",".join(draft.added)]
        lines.append(shlex.join(["tokenhubctl", *registered]))
    return "\n".join(lines)


def document(draft: Draft) -> str:
    """The YAML that `tokenhubctl apply` takes; the key is in a variable of whoever applies it."""
    lines = ["providers:", f"- id: {_yaml(draft.id)}", f"  type: {draft.type}"]
    if draft.base_url:
        lines.append(f"  base_url: {_yaml(draft.base_url)}")
    if draft.endpoints:
        lines += ["  endpoints:", *(f"  - {_yaml(one)}" for one in draft.endpoints)]
    if draft.keyed:
        lines.append(f"  api_key: {{env: {variable(draft.id)}}}")
    if draft.added:
        lines.append("models:")
    for one in draft.added:
        where = _yaml(draft.id)
        lines.append(f"- {{id: {_yaml(one)}, provider_id: {where}, weight: {WEIGHT}}}")
    return "\n".join(lines)


def variable(provider_id: str) -> str:
    """The name of the variable that holds the key of a provider: `OPENAI_API_KEY`."""
    return re.sub(r"\W", "_", f"{provider_id}_api_key").upper()


def _yaml(text: str) -> str:
    return text if _BARE.match(text) else msgspec.json.encode(text).decode()
