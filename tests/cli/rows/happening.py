"""Rows of what happens and happened: health, logs, audit, events, charts, feedback, plans."""

from tests.cli.rows.row import NO_ANSWER, NOBODY, Row, missing, unanswered
from tokenhub.wire.audit import AuditPage, AuditVerified
from tokenhub.wire.catalog import Done
from tokenhub.wire.events import Event
from tokenhub.wire.feedback import FeedbackGiven, FeedbackPage
from tokenhub.wire.health import Health, Reset
from tokenhub.wire.logs import LogFacets, LogHistogram
from tokenhub.wire.observe import LogPage, RequestDetail
from tokenhub.wire.orchestrations import OrchestrationDetail, OrchestrationPage, WorkflowPage
from tokenhub.wire.rewards import Arms, RewardPage, WasReset
from tokenhub.wire.stats import Aggregate
from tokenhub.wire.tsdb import Chart, Metrics, Pruned, Retention
from tokenhub.wire.views import View, ViewPage
from tokenhub_cli.exits import Code


class Told(Event, kw_only=True, omit_defaults=True):
    """An event as it is told: with the id under which the stream has it."""

    id: str


_NO_REQUEST = missing("request 'nope' not found", listed="logs list")
_PLAN = (
    "api POST /v1/plan -d "
    """'{"messages":[{"role":"user","content":"Hi"}],"orchestration":{"mode":"vote"}}'"""
)
_JUDGED = "feedback add req_01a1fdc7 --up"
# Rewards are written behind the answer, in the order of all that is written: what is there after
# two more changes were is there for good.
_WRITTEN = (_JUDGED, "view set done ms>1", "view set done ms>2")
_LEARNED = (
    "chat -m gpt Morning -o none",
    "logs list --limit 1 -o value",
    "feedback add <made> --up",
)
_NO_TEMPORAL = "no server has workflows before it has Temporal"
_NO_FIELD = "there is no field 'nope'; known: model, provider, key"
_ERROR_OF_BY = "'nope' is not one of 'model', 'provider', 'key', 'mode'"

HEALTH = {
    "health list": Row(
        shows=(
            r"^PROVIDER +STATE +CALLS +FAILED +IN A ROW +LATENCY ",
            r"^one +healthy +1 +0% +0 +\d+ms +- +- +-$",
            r"^openai +healthy +0 ",
        ),
        of=Health,
        holds={
            "providers[provider_id=one].state": "healthy",
            "providers[provider_id=one].total_requests": 1,
            "providers[provider_id=one].routes[route=one/gpt].total_errors": 0,
        },
        **missing("there is no provider 'nope'", listed="health list"),
    ),
    "health reset": Row(
        takes="one",
        shows=(r"\Ahealth/one reset\nhealth/one/gpt reset\n",),
        of=Reset,
        holds={"reset[0]": "one", "reset[1]": "one/gpt"},
        changes=True,
        **missing("there is no provider and no route 'nope'", listed="health list"),
    ),
    "stats": Row(
        takes="--by model --window 24h",
        shows=(r"^MODEL +WINDOW +REQUESTS +PER S ", r"^gpt +24h +1 .* 13 +\$0\.000017$"),
        of=list[Aggregate],
        holds={
            "[model_id=gpt].window": "24h",
            "[model_id=gpt].request_count": 1,
            "[model_id=gpt].total_tokens": 13,
        },
        fails="--by nope",
        code=Code.USAGE,
        says=(_ERROR_OF_BY,),
    ),
    "top": Row(
        takes="--window 24h",
        shows=(r"^MODEL +WINDOW +REQUESTS +PER S ", r"^gpt +24h +1 .* 13 +\$0\.000017$"),
        of=list[Aggregate],
        holds={"[model_id=gpt].request_count": 1, "[model_id=gpt].window": "24h"},
        fails="--by nope",
        code=Code.USAGE,
        says=(_ERROR_OF_BY,),
    ),
}

LOGS = {
    "logs list": Row(
        shows=(
            r"^TIME +MODEL +PROVIDER +MODE +LATENCY +TOKENS +COST +STATUS +ERROR +TRIES +REQUEST$",
            r"^\d{4}-.* gpt +one +normal +\d+ms +13 +\$0\.000017 +200 +- +1 +req_01a1fdc7$",
        ),
        of=LogPage,
        holds={"total": 1, "logs[0].request_id": "req_01a1fdc7", "logs[0].status_code": 200},
        fails="--filter nope:1",
        code=Code.USAGE,
        says=(_NO_FIELD, "put a text that holds such a sign in double quotes"),
    ),
    "logs get": Row(
        takes="req_01a1fdc7",
        shows=(
            r"^Request: +req_01a1fdc7$",
            r"^Answered: +one/gpt, status 200, routed-hint-exact$",
            r"^Tokens: +9 in, 4 out$",
            r"^1 +one/gpt +settled +200 ",
        ),
        of=RequestDetail,
        holds={
            "request_id": "req_01a1fdc7",
            "api_key_name": "k",
            "attempts[0].state": "settled",
            "decision.candidates[route=one/gpt].weight": 1,
        },
        **_NO_REQUEST,
    ),
    "logs facets": Row(
        shows=(
            r"^FIELD +VALUE +NAME +REQUESTS$",
            r"^model +gpt +- +1$",
            r"^key +k_1 +k +1$",
        ),
        of=LogFacets,
        holds={"total": 1, "facets.key.values[value=k_1].name": "k"},
        fails="--filter nope:1",
        code=Code.REFUSED,
        says=(_NO_FIELD, "logs facets --help"),
    ),
    "logs histogram": Row(
        takes="--step 24h",
        shows=(r"^FROM +REQUESTS +4XX +5XX", r"^\d{4}-.* 1 +0 +0  #+$"),
        of=LogHistogram,
        holds={"total": 1, "step_s": 86_400.0, "buckets[total=1].ok": 1},
        fails="--step nope",
        code=Code.REFUSED,
        says=("step must be a duration such as 720h, 1h30m or 30d", "logs histogram --help"),
    ),
    "audit list": Row(
        takes="--action view.*",
        shows=(
            r"^ID +TIME +ACTOR +ADDRESS +ACTION +RESOURCE +OUTCOME ",
            r"^\d+ +\d{4}-.* admin +127\.0\.0\.1 +view\.upsert +view:slow +ok ",
        ),
        of=AuditPage,
        holds={"total": 1, "logs[0].action": "view.upsert", "logs[0].after.filter": "ms>2000"},
        fails="--since nope",
        code=Code.REFUSED,
        says=("since must be", "audit list --help"),
    ),
    "audit verify": unanswered(
        shows=(r"\AAll \d+ entries are as they were written\.$", r" --id \d+ --hash [0-9a-f]{64}$"),
        of=AuditVerified,
        holds={"ok": True, "broken": None},
    ),
    "events": Row(
        takes="--no-follow --count 1 --type route_success",
        shows=(r'\A\{"type":"route_success",.*"request_id":"req_01a1fdc7"',),
        of=Told,
        holds={"type": "route_success", "request_id": "req_01a1fdc7", "model_id": "gpt"},
        fails=NOBODY,
        code=Code.UNREACHABLE,
        says=NO_ANSWER,
    ),
    "view list": unanswered(
        shows=(r"^NAME +FILTER +COLUMNS +VERSION$", r"^slow +ms>2000 +- +\d+$"),
        of=ViewPage,
        holds={"total": 1, "items[name=slow].filter": "ms>2000"},
    ),
    "view get": Row(
        takes="slow",
        shows=(r"^slow +ms>2000 +- +\d+$",),
        of=View,
        holds={"name": "slow", "filter": "ms>2000", "columns": []},
        **missing("there is no view 'nope'", listed="view list"),
    ),
    "view set": Row(
        takes="quick ms<10 --columns request_id",
        shows=(r"\Aview/quick saved\n\Z",),
        of=View,
        holds={"name": "quick", "filter": "ms<10", "columns": ["request_id"]},
        changes=True,
        fails="quick nope:1",
        code=Code.REFUSED,
        says=(_NO_FIELD, "view set --help"),
    ),
    "view delete": Row(
        before=("view set gone ms>1",),
        takes="gone",
        shows=(r"\Aview/gone deleted\n\Z",),
        of=Done,
        holds={"ok": True},
        changes=True,
        **missing("there is no view 'nope'", listed="view list"),
    ),
}

JUDGED = {
    "feedback add": Row(
        takes="req_01a1fdc7 --up",
        shows=(r"\Afeedback/req_01a1fdc7 (noted|replaced): gpt scored 1\n\Z",),
        of=FeedbackGiven,
        holds={"request_id": "req_01a1fdc7", "model": "gpt", "score": 1.0},
        changes=True,
        **missing("request 'nope' not found", listed="logs list", fails="nope --up"),
    ),
    "feedback list": Row(
        before=(_JUDGED,),
        shows=(
            r"^TIME +REQUEST +PROVIDER +MODEL +SOURCE +TASK +SCORE +LABEL +COMMENT$",
            r"^\d{4}-.* req_01a1fdc7 +one +gpt +operator +chat +1\.0 +- +-$",
        ),
        of=FeedbackPage,
        holds={
            "feedback[request_id=req_01a1fdc7].score": 1.0,
            "feedback[request_id=req_01a1fdc7].api_key_id": "k_1",
        },
        changes=True,
        fails="--limit 5000",
        code=Code.REFUSED,
        says=("limit must be a whole number from 1 to 1000", "feedback list --help"),
    ),
    "rewards list": Row(
        before=_WRITTEN,
        takes="--request-id req_01a1fdc7",
        shows=(
            r"^ID +TIME +PROVIDER +MODEL +TASK +REWARD +WEIGHT +SOURCE +REQUEST$",
            r"^ *\d+ +\d{4}-.* one +gpt +chat +1\.000 +1\.000 +operator +req_01a1fdc7$",
        ),
        of=RewardPage,
        holds={
            "rewards[source=operator].request_id": "req_01a1fdc7",
            "rewards[source=operator].reward": 1.0,
        },
        changes=True,
        fails="--limit 5000",
        code=Code.REFUSED,
        says=("limit must be a whole number from 1 to 1000", "rewards list --help"),
    ),
    "rewards arms": Row(
        before=_LEARNED,
        shows=(r"^ROUTE +TASK +QUALITY +LOW +HIGH +JUDGED ", r"^one/gpt +chat +0\.\d{3} "),
        of=Arms,
        holds={"arms[route=one/gpt].model_id": "gpt"},
        changes=True,
        fails=NOBODY,
        code=Code.UNREACHABLE,
        says=NO_ANSWER,
    ),
    "rewards reset": Row(
        before=_LEARNED,
        takes="one/gpt",
        shows=(r"\Aone/gpt forgotten\n\Z",),
        of=WasReset,
        holds={},
        changes=True,
        **missing("nothing was learned of 'nope' yet", listed="rewards arms"),
    ),
}

CHARTS = {
    "tsdb metrics": unanswered(
        shows=(r"^METRIC +UNIT +AGG ", r"^latency +ms +mean,p50,p95,p99 +time from the admission"),
        of=Metrics,
        holds={"metrics[0]": "requests", "details[name=cost].unit": "USD"},
    ),
    "tsdb query": Row(
        takes="requests group_by=model",
        shows=(r"^SERIES +LOW +HIGH +LAST +CHART$", r"^gpt +1 +1 +1 "),
        of=Chart,
        holds={"metric": "requests", "agg": "sum", "series[model_id=gpt].points[0].v": 1.0},
        fails="nope",
        code=Code.REFUSED,
        says=("metric must be one of requests, errors, latency", "tsdb query --help"),
    ),
    "tsdb prune": unanswered(shows=(r"\A0 rows deleted\n\Z",), of=Pruned, holds={"deleted": 0}),
    "tsdb retention": Row(
        takes="30",
        shows=(r"\Apoints are kept for 30 days\n\Z",),
        of=Retention,
        holds={"ok": True, "retention_days": 30},
        changes=True,
        fails="0",
        code=Code.USAGE,
        says=("0 is not in the range x>=1",),
    ),
}

PLANS = {
    "orchestration list": Row(
        before=(_PLAN,),
        takes="--limit 1",
        shows=(
            r"^TIME +MODE +STATUS +STEPS +ITERATIONS ",
            r"^\d{4}-.* vote +succeeded +4 +0 +k_1 .* req_\w+$",
        ),
        of=OrchestrationPage,
        holds={"orchestrations[0].mode": "vote", "orchestrations[0].api_key_id": "k_1"},
        changes=True,
        fails="--status nope",
        code=Code.REFUSED,
        says=("status must be one of running, succeeded, partial", "orchestration list --help"),
    ),
    "orchestration get": Row(
        before=(_PLAN, "orchestration list --limit 1 -o value"),
        takes="<made>",
        shows=(r"<made>", r"\bvote\b", r"\bsucceeded\b"),
        of=OrchestrationDetail,
        holds={"id": "<made>", "mode": "vote", "step_count": 4},
        changes=True,
        **missing("orchestration 'nope' not found", listed="orchestration list"),
    ),
    "workflow list": Row(
        shows=(r"\ASTARTED +TYPE +STATUS +ID +RUN\n\Z",),
        of=WorkflowPage,
        holds={"workflows": [], "temporal_enabled": False},
        fails="--status nope",
        code=Code.REFUSED,
        says=("invalid status filter; use one of CANCELED, COMPLETED", "workflow list --help"),
    ),
    "workflow get": Row(
        never=_NO_TEMPORAL,
        fails="nope",
        code=Code.NOT_FOUND,
        says=(
            "Temporal is off, so that there are no workflows",
            '"tokenhubctl orchestration list"',
        ),
    ),
    "workflow history": Row(
        never=_NO_TEMPORAL,
        fails="nope",
        code=Code.NOT_FOUND,
        says=(
            "Temporal is off, so that there are no workflows",
            '"tokenhubctl orchestration list"',
        ),
    ),
}

ROWS = {**HEALTH, **LOGS, **JUDGED, **CHARTS, **PLANS}
