"""What a caller asks, whatever dialect they speak, and what comes back."""

import msgspec

from tokenhub.core.errors import BadRequest
from tokenhub.core.learning import Worth
from tokenhub.core.outcome import Usage
from tokenhub.core.plans.steps import Order
from tokenhub.core.scoring import Weights
from tokenhub.core.tasks import task_of

# The original's estimate for a request that names no limit (original-behaviour 2.2).
DEFAULT_OUTPUT_TOKENS = 512
# No context comes near it. It keeps every cost at every price that the control plane accepts (USD
# 1,000 per 1,000 tokens), summed over all attempts, within the 64 bits of the ledger.
MAX_TOKENS = 2**29 - 1


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """The policy fields that a request, its headers or its key bring; None says nothing.

    `weights` stand in place of a mode's own. `judged` is said by a header alone: whether a model
    may be shown the request to judge its answer.
    """

    mode: str | None = None
    max_budget_nusd: int | None = None
    max_latency_s: float | None = None
    min_weight: int | None = None
    weights: Weights | None = None
    judged: bool | None = None
    worth: Worth | None = None


NO_WISH = Wish()


class Errand(msgspec.Struct, frozen=True, kw_only=True):
    """What a plan says of one of its steps, over all that its caller says.

    With `named`, the model of the ask is meant as it is called, and is no alias.
    """

    wish: Wish = NO_WISH
    named: bool = False


class Shape(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be made of the answer's text, in this order (original-behaviour 2.12).

    `strip_think` takes reasoning out, `max_tokens` cuts (four bytes a token), and `type` is one
    of "", `json`, `markdown`, `text`.
    """

    type: str = ""
    strip_think: bool = False
    max_tokens: int | None = None


class Rework(msgspec.Struct, frozen=True, kw_only=True):
    """A second try at an answer that did not fit its schema: what was said, and what is wrong."""

    said: str
    complaint: str


class Ask(msgspec.Struct, frozen=True, kw_only=True):
    """A request to a model, decoded once.

    `payload` is the JSON body in `speech`, as it came: a provider of the same speech gets these
    bytes with only the changed fields replaced, so unknown parameters ride along. `dialect` is
    the name of the caller's route in logs; `speech` is the vendor's format of it, `openai` or
    `anthropic`. `task` is `chat`, `count` (the prompt's tokens only) or `embeddings`.

    `model` is the caller's hint, empty where the choice is ours. `substitute` says what may answer
    instead: `any`, `same-model` (another provider of it) or `never`. `fallbacks` are
    the models that may, in this order, where the caller named them. `wish` is the body's policy
    and `header` that of the headers; `directed` is the same request as the `@@tokenhub`
    directives in its turns change it: their
    `wish` narrows, and `notes` tell of what was clamped. Whether it counts is the key's matter;
    where it does, `directives.obeyed` has made it the `orders`.

    `most_tokens` is what the prompt may come to where that is above `input_tokens`, of which files
    and fields that we do not know are no part, else 0: money is held for it.

    `shape` and `schema` (JSON Schema text, checked) say what is made of the answer. `rework` is
    set only for the second try at a schema. `features` are the vendor headers that ride along,
    such as `anthropic-beta`. `order` is how to carry it out in several steps, None on the routes
    that have no word for that. `errand` is of a step of such an order,
    None for any other request. `trace` is the trace that the provider is told of
    (W3C `traceparent`), empty for none.
    """

    payload: bytes
    dialect: str = "openai"
    speech: str = "openai"
    task: str = "chat"
    model: str = ""
    stream: bool = False
    wants_usage: bool = False
    input_tokens: int = 0
    most_tokens: int = 0
    max_tokens: int | None = None
    answers: int = 1
    wish: Wish = NO_WISH
    substitute: str = "any"
    fallbacks: tuple[str, ...] = ()
    directed: "Directed | None" = None
    orders: "Directed | None" = None
    shape: Shape | None = None
    schema: str = ""
    rework: Rework | None = None
    features: tuple[tuple[str, str], ...] = ()
    order: Order | None = None
    header: Wish = NO_WISH
    errand: Errand | None = None
    trace: bytes = b""

    @property
    def kind(self) -> str:
        """What kind of work it asks for, one of core.tasks; read from the text each time."""
        return task_of(self.payload, input_tokens=self.input_tokens)


class Directed(msgspec.Struct, frozen=True, kw_only=True):
    """What the directives of a request ask for.

    `payload` is the body without them, `input_tokens` its estimate. `error` tells what is wrong
    with one of them; nothing else counts then.
    """

    payload: bytes
    input_tokens: int
    wish: Wish = Wish()
    schema: str = ""
    notes: tuple[str, ...] = ()
    error: BadRequest | None = None


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """A whole answer in the caller's dialect, and what was read from it.

    Where nothing had to be changed, `body` is the provider's own bytes. `text` is what was said,
    read only for an ask with a schema. `dropped` names the caller's parameters that have no
    counterpart at the provider. Where the caller asked for a stream, `body` holds its events,
    and `terminal` the one that ends it. `output_tokens` is our own count of what was generated,
    None where `body` is all of it: a shaped one is shorter.
    """

    body: bytes
    usage: Usage | None
    text: str = ""
    dropped: tuple[str, ...] = ()
    terminal: bytes = b""
    output_tokens: int | None = None
