"""Every metric of `/metrics`, once: its name, kind, labels and meaning.

`docs/reference/metrics.md` is written from this table, and `metrics.py` shows nothing else. The
names and labels of original-behaviour 6.7 are the original's.
"""

import msgspec

COUNTER, GAUGE, HISTOGRAM = "counter", "gauge", "histogram"
OTHER = "other"


class Family(msgspec.Struct, frozen=True):
    """A metric. `name` is what a query asks for; of a histogram, without `_bucket`."""

    name: str
    kind: str
    labels: tuple[str, ...]
    text: str


_ROUTED = ("mode", "model", "provider")
_CALLED = ("model", "provider")

FAMILIES = (
    Family(
        "tokenhub_requests_total",
        COUNTER,
        (*_ROUTED, "status"),
        "Requests that were admitted, by how they ended: ok or error.",
    ),
    Family(
        "tokenhub_request_errors_total",
        COUNTER,
        (*_ROUTED, "http_status"),
        "Admitted requests that failed, by the status their callers were told; 499 for those who "
        "left before.",
    ),
    Family(
        "tokenhub_request_latency_ms",
        HISTOGRAM,
        _ROUTED,
        "Milliseconds from the arrival of a successful request to its last byte.",
    ),
    Family(
        "tokenhub_first_token_seconds",
        HISTOGRAM,
        _CALLED,
        "Seconds from the arrival of a request to the first events of its streamed answer.",
    ),
    Family(
        "tokenhub_overhead_seconds",
        HISTOGRAM,
        (),
        "Seconds of a request in which it did not wait for a provider, the commit not counted.",
    ),
    Family(
        "tokenhub_queue_wait_seconds",
        HISTOGRAM,
        (),
        "Seconds that a request on /v1 waited, its head read, until somebody began to work on it. "
        "One that was sent behind another on its connection waits for that one's answer, too.",
    ),
    Family(
        "tokenhub_commit_wait_seconds",
        HISTOGRAM,
        (),
        "Seconds that finished requests waited to be on the disk.",
    ),
    Family(
        "tokenhub_requests_under_way",
        GAUGE,
        (),
        "Requests on /v1 that are being answered now.",
    ),
    Family(
        "tokenhub_requests_refused_total",
        COUNTER,
        (),
        "Requests on /v1 that were refused in overload (503).",
    ),
    Family(
        "tokenhub_rate_limited_total",
        COUNTER,
        (),
        "Requests on /v1 that were told to wait (429), for their address or for their key.",
    ),
    Family(
        "tokenhub_key_rate_limited_total",
        COUNTER,
        (),
        "Those of tokenhub_rate_limited_total that were told so for their key.",
    ),
    Family(
        "tokenhub_admin_rate_limited_total",
        COUNTER,
        (),
        "Requests beside /v1 that were told to wait (429), for their address.",
    ),
    Family(
        "tokenhub_cost_usd_total",
        COUNTER,
        _CALLED,
        "USD charged, over all attempts.",
    ),
    Family(
        "tokenhub_tokens_total",
        COUNTER,
        (*_CALLED, "direction"),
        "Tokens of all attempts: input or output.",
    ),
    Family(
        "tokenhub_attempts_total",
        COUNTER,
        (*_CALLED, "state", "kind"),
        "Calls to providers, as they stand in the ledger: settled, voided or unknown; kind is why "
        "one failed, empty where it did not.",
    ),
    Family(
        "tokenhub_retries_total",
        COUNTER,
        (),
        "Calls after the first of their request, hedges not counted.",
    ),
    Family(
        "tokenhub_hedges_total",
        COUNTER,
        ("result",),
        "Second calls beside slow ones: won where the second answered first, lost otherwise.",
    ),
    Family(
        "tokenhub_provider_skips_total",
        COUNTER,
        ("provider", "reason"),
        "Requests for which a provider, or a model of it, was passed over, by the reason; each "
        "counts once.",
    ),
    Family(
        "tokenhub_provider_health_state",
        GAUGE,
        ("provider",),
        "2 healthy, 1 degraded, 0 not asked: down, throttled, or its key refused.",
    ),
    Family(
        "tokenhub_route_health_state",
        GAUGE,
        _CALLED,
        "The same of a model at a provider, itself alone.",
    ),
    Family(
        "tokenhub_store_up",
        GAUGE,
        ("file",),
        "1 while a file of the database takes writes: ledger, which requests wait for, and detail.",
    ),
    Family(
        "tokenhub_store_faults_total",
        COUNTER,
        ("file",),
        "Times that a file stopped taking writes.",
    ),
    Family(
        "tokenhub_store_dropped_total",
        COUNTER,
        ("op",),
        "What could not be kept: decision for decision records, series for requests that charts "
        "lack, sign for signs of good and bad answers, reward for the list of judgements, "
        "access_line for lines of the log, span for traces; and judgement for answers that a "
        "judge was to see and had no room for. Requests and money are never dropped.",
    ),
    Family(
        "tokenhub_decisions_lost_total",
        COUNTER,
        (),
        "Decision records that were dropped or could not be written.",
    ),
    Family(
        "tokenhub_vault_locked",
        GAUGE,
        (),
        "1 while the vault is locked.",
    ),
    Family(
        "tokenhub_build_info",
        GAUGE,
        ("version",),
        "Always 1; the version is the label.",
    ),
)
BY_NAME = {family.name: family for family in FAMILIES}

# Of the client library, about this process; Linux only.
PROCESS = (
    Family("process_cpu_seconds_total", COUNTER, (), "Seconds of CPU, user and system."),
    Family("process_resident_memory_bytes", GAUGE, (), "Memory in use."),
    Family("process_virtual_memory_bytes", GAUGE, (), "Memory that is mapped."),
    Family("process_start_time_seconds", GAUGE, (), "When it was started, in Unix seconds."),
    Family("process_open_fds", GAUGE, (), "Open files and connections."),
    Family("process_max_fds", GAUGE, (), "The most that it may have open."),
    Family("python_gc_objects_collected_total", COUNTER, ("generation",), "Objects collected."),
    Family(
        "python_gc_objects_uncollectable_total",
        COUNTER,
        ("generation",),
        "Objects that could not be collected.",
    ),
    Family("python_gc_collections_total", COUNTER, ("generation",), "Collections."),
)
