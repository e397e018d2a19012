"""Rows of providers, models, aliases, prices, and what the router makes of them."""

from typing import Any

from tests.cli.rows.row import Row, missing, unanswered
from tokenhub.wire.aliases import Alias, AliasPage
from tokenhub.wire.catalog import (
    Discovery,
    Done,
    EnginePage,
    Model,
    ModelDone,
    ModelPage,
    Provider,
    ProviderDone,
    ProviderPage,
)
from tokenhub.wire.explain import Explained
from tokenhub.wire.health import Tested
from tokenhub.wire.prices import PriceSynced
from tokenhub.wire.replay import ReplayResult
from tokenhub.wire.routing import RoutingConfig
from tokenhub.wire.simulate import SimulationResult
from tokenhub_cli.exits import Code

_ADDED = "provider add --id {0} --type vllm --base-url http://127.0.0.1:9"
_NO_PROVIDER = missing("provider 'nope' not found", listed="provider list")
_NO_MODEL = missing("model 'nope' not found", listed="model list")
_EXPLAINED = {
    "shows": (
        r"^req_01a1fdc7, \d{4}-",
        r"^one/gpt was chosen out of 4: it is what was asked for\. It answered\.$",
        r"^max_budget_usd +USD 0\.05 +the routing defaults$",
        r"^1 +one/gpt +it is what was asked for",
        r"^1\. one/gpt answered after .* ms: 9 tokens in, 4 ",
    ),
    "of": Explained,
    "holds": {
        "request.request_id": "req_01a1fdc7",
        "request.model_id": "gpt",
        "decision.hint": "gpt",
        "decision.candidates[route=one/gpt].weight": 1,
    },
    **missing("request 'nope' not found", listed="logs list"),
}
_REPLAYED: dict[str, Any] = {
    "takes": "--mode cheap --since 24h",
    "shows": (
        r"^1 requests from \d{4}-.* to \d{4}-",
        r"^POLICY +QUALITY +FAILURES +LATENCY +COST A REQUEST +REFUSED$",
        r"^as it was +- +0\.0% +\d+ms +\$0\.000017 +-$",
        r"^cheap +\? +\? +\? +\? +0$",
        r"^  one/gpt +100% -> 100%$",
    ),
    "of": ReplayResult,
    "holds": {
        "requests": 1,
        "left_out": 0,
        "was.cost_usd": 0.000017,
        "policies[0].policy.mode": "cheap",
        "policies[0].shares[route=one/gpt].would": 1.0,
    },
    "fails": "--mode nope",
    "code": Code.REFUSED,
    "says": ("mode must be one of cheap, normal, high_confidence", "--help"),
}

PROVIDERS = {
    "provider list": unanswered(
        shows=(
            r"^ID +TYPE +BASE URL +ENDPOINTS +KEY +ENABLED +SOURCE +VERSION$",
            r"^one +openai +<sim> +1 +none +yes +api +\d+$",
            r"^openai +openai +<sim> ",
        ),
        of=ProviderPage,
        holds={"total": 2, "items[id=one].base_url": "<sim>", "items[id=one].enabled": True},
    ),
    "provider get": Row(
        takes="one",
        shows=(r"^ID +TYPE ", r"^one +openai +<sim> +1 +none +yes +api +\d+$"),
        of=Provider,
        holds={"id": "one", "endpoints": ["<sim>"], "credential": "none"},
        **_NO_PROVIDER,
    ),
    "provider add": Row(
        takes="--id added --type vllm --base-url http://127.0.0.1:9",
        shows=(r"\Aprovider/added saved\n\Z",),
        of=ProviderDone,
        holds={"ok": True, "provider.id": "added", "provider.type": "vllm", "models_added": []},
        changes=True,
        fails="--id added --type nope",
        code=Code.REFUSED,
        says=("type must be openai or anthropic or vllm, not 'nope'", "provider add --help"),
    ),
    "provider edit": Row(
        before=(_ADDED.format("edited"),),
        takes="edited --base-url http://127.0.0.1:10",
        shows=(r"\Aprovider/edited updated\n\Z",),
        of=ProviderDone,
        holds={"provider.id": "edited", "provider.base_url": "http://127.0.0.1:10"},
        changes=True,
        **missing(
            "provider 'nope' not found", listed="provider list", fails="nope --base-url <sim>"
        ),
    ),
    "provider enable": Row(
        before=(_ADDED.format("enabled") + " --disabled",),
        takes="enabled",
        shows=(r"\Aprovider/enabled enabled\n\Z",),
        of=ProviderDone,
        holds={"provider.id": "enabled", "provider.enabled": True},
        changes=True,
        **_NO_PROVIDER,
    ),
    "provider disable": Row(
        before=(_ADDED.format("disabled"),),
        takes="disabled",
        shows=(r"\Aprovider/disabled disabled\n\Z",),
        of=ProviderDone,
        holds={"provider.id": "disabled", "provider.enabled": False},
        changes=True,
        **_NO_PROVIDER,
    ),
    "provider delete": Row(
        before=(_ADDED.format("deleted"),),
        takes="deleted",
        shows=(r"\Aprovider/deleted deleted\n\Z",),
        of=Done,
        holds={"ok": True},
        changes=True,
        **_NO_PROVIDER,
    ),
    "provider discover": Row(
        takes="one",
        shows=(
            r"^MODEL +OWNER +CONTEXT +IN \$/1K +OUT \$/1K +REGISTERED$",
            r"^org/small +tokenhub-simulation +- +\$0\.0010 +\$0\.0020 +yes$",
        ),
        of=Discovery,
        holds={"provider_id": "one", "total": 3, "models[id=large].registered": True},
        **_NO_PROVIDER,
    ),
    "provider test": Row(
        takes="one",
        shows=(r"\Aprovider/one answered in \d+ms and offers 3 models\n\Z",),
        of=Tested,
        holds={"provider_id": "one", "ok": True, "models": 3, "error": ""},
        **_NO_PROVIDER,
    ),
}

MODELS = {
    "model list": unanswered(
        shows=(
            r"^MODEL +PROVIDER +WEIGHT +CONTEXT +IN \$/1K +OUT \$/1K +PRICE FROM +ENABLED +VERSION",
            r"^gpt +one +1 +- +\$0\.0010 +\$0\.0020 +manual +yes +\d+$",
            r"^gpt-4o +openai ",
        ),
        of=ModelPage,
        holds={"total": 4, "offset": 0, "items[id=org/small].provider_id": "one"},
    ),
    "model get": Row(
        takes="org/small",
        shows=(r"^org/small +one +1 +- +\$0\.0010 +\$0\.0020 +manual +yes +\d+$",),
        of=Model,
        holds={"id": "org/small", "provider_id": "one", "input_per_1k": 0.001, "enabled": True},
        **_NO_MODEL,
    ),
    "model add": Row(
        takes="--id added --provider spare --weight 8",
        shows=(r"\Amodel/added saved\n\Z",),
        of=ModelDone,
        holds={"ok": True, "model.id": "added", "model.weight": 8, "model.input_per_1k": None},
        changes=True,
        fails="--id added --provider nope",
        code=Code.REFUSED,
        says=("there is no provider 'nope'; add it first", "model add --help"),
    ),
    "model edit": Row(
        before=("model add --id edited --provider spare",),
        takes="edited --weight 3",
        shows=(r"\Amodel/edited updated\n\Z",),
        of=ModelDone,
        holds={"model.id": "edited", "model.weight": 3},
        changes=True,
        **missing("model 'nope' not found", listed="model list", fails="nope --weight 3"),
    ),
    "model enable": Row(
        before=(
            "model add --id first --provider spare --disabled",
            "model add --id second --provider spare --disabled",
        ),
        takes="first second",
        shows=(r"\Amodel/first enabled\nmodel/second enabled\n\Z",),
        of=list[ModelDone],
        holds={"[0].model.id": "first", "[1].model.id": "second", "[1].model.enabled": True},
        changes=True,
        **_NO_MODEL,
    ),
    "model disable": Row(
        before=("model add --id disabled --provider spare",),
        takes="disabled",
        shows=(r"\Amodel/disabled disabled\n\Z",),
        of=ModelDone,
        holds={"ok": True, "model.id": "disabled", "model.enabled": False},
        changes=True,
        **_NO_MODEL,
    ),
    "model delete": Row(
        before=("model add --id deleted --provider spare",),
        takes="deleted",
        shows=(r"\Amodel/deleted deleted\n\Z",),
        of=Done,
        holds={"ok": True},
        changes=True,
        **_NO_MODEL,
    ),
    "model test": Row(
        takes="org/small",
        shows=(r"\Amodel/org/small of one answered in \d+ms: Simulated answer: ",),
        holds={"model_id": "org/small", "provider_id": "one", "ok": True, "error": ""},
        changes=True,
        **missing("model 'nope' does not exist", listed="model list"),
    ),
    "model price sync": Row(
        shows=(
            r"^MODEL +PROVIDER +RESULT +IN \$/1K +OUT \$/1K +CONTEXT +WHY$",
            r"^gpt +one +kept +\$0\.001 +\$0\.002 +- +an operator gave it$",
            r"^0 changed, 0 the same, 4 kept, 0 unknown; catalogue: ",
        ),
        of=PriceSynced,
        holds={"kept": 4, "changed": 0, "models[id=gpt].result": "kept"},
        **missing("provider 'nope' not found", listed="provider list", fails="--provider nope"),
    ),
    "model price show": Row(
        takes="gpt",
        shows=(
            r"^Model: +one/gpt$",
            r"^Source: +manual$",
            r"^  input +\$0\.001$",
            r"^  output +\$0\.002$",
        ),
        of=Model,
        holds={"id": "gpt", "output_per_1k": 0.002},
        **_NO_MODEL,
    ),
    "engine models": unanswered(
        shows=(r"^MODEL .* CALLABLE$", r"^gpt +one +1 .* yes +\d+ +yes$"),
        of=EnginePage,
        holds={"total": 4, "models[id=gpt].provider_id": "one", "adapters[0]": "one"},
    ),
}

ALIASES = {
    "alias list": unanswered(
        shows=(r"^ALIAS +VARIANTS +STICKY BY +ENABLED +VERSION$", r"^fast +gpt=1 +request +yes "),
        of=AliasPage,
        holds={"total": 1, "items[name=fast].variants": [{"model_id": "gpt", "weight": 1}]},
    ),
    "alias get": Row(
        takes="fast",
        shows=(r"^fast +gpt=1 +request +yes +\d+$",),
        of=Alias,
        holds={"name": "fast", "sticky_by": "request", "enabled": True},
        **missing("alias 'nope' not found", listed="alias list"),
    ),
    "alias set": Row(
        takes="both --variant gpt=9 --variant org/small=1",
        shows=(r"\Aalias/both saved\n\Z",),
        of=Alias,
        holds={"name": "both", "variants[model_id=gpt].weight": 9},
        changes=True,
        fails="both --variant nope=1",
        code=Code.REFUSED,
        says=("there is no model 'nope'; add it first", "alias set --help"),
    ),
    "alias delete": Row(
        before=("alias set gone --variant gpt=1",),
        takes="gone",
        shows=(r"\Aalias/gone deleted\n\Z",),
        of=Done,
        holds={"ok": True},
        changes=True,
        **missing("alias 'nope' not found", listed="alias list"),
    ),
}

ROUTING = {
    "routing get": unanswered(
        shows=(r"^MODE +BUDGET +LATENCY +VERSION$", r"^normal +\$0\.0500 +120\.0s +\d+$"),
        of=RoutingConfig,
        holds={"default_mode": "normal", "default_max_budget_usd": 0.05},
    ),
    "routing set": Row(
        takes="--mode cheap --budget 0.02",
        shows=(r"\Arouting updated: mode cheap, budget \$0\.0200, latency 120\.0s, version \d+\n",),
        of=RoutingConfig,
        holds={"default_mode": "cheap", "default_max_budget_usd": 0.02},
        changes=True,
        fails="--mode nope",
        code=Code.REFUSED,
        says=("mode must be one of cheap, normal, high_confidence", "routing set --help"),
    ),
    "routing explain": Row(takes="req_01a1fdc7", **_EXPLAINED),
    "explain": Row(takes="req_01a1fdc7 --verify", **_EXPLAINED),
    "routing replay": Row(**_REPLAYED),
    "replay": Row(**_REPLAYED),
    "simulate": Row(
        takes="--mode cheap --tokens 500 --hint gpt",
        shows=(
            r"\Aone/gpt, \$0\.\d+: routed-",
            r"^ROUTE +SCORE +COST +LATENCY +FAILURES +WEIGHT$",
            r"^one/gpt +\d\.\d{4} ",
            r"^Policy: cheap$",
        ),
        of=SimulationResult,
        holds={
            "decision.model_id": "gpt",
            "decision.provider_id": "one",
            "total": 4,
            "eligible[id=gpt].selected": True,
            "results[0].policy.mode": "cheap",
        },
        fails="--mode nope",
        code=Code.REFUSED,
        says=("mode must be one of cheap, normal, high_confidence", "simulate --help"),
    ),
    "chat": Row(
        takes="-m gpt Evening",
        shows=(r"\ASimulated answer: \w+",),
        holds={"object": "chat.completion", "model": "gpt", "usage.completion_tokens": 12},
        changes=True,
        fails="Evening --key-file token.txt",
        code=Code.UNAUTHORIZED,
        says=("invalid api key: it is unknown, disabled or expired", '"tokenhubctl apikey create"'),
    ),
}

ROWS = {**PROVIDERS, **MODELS, **ALIASES, **ROUTING}
