"""Every field that an event of the log may have, and what it means.

What comes by another name shows as `[withheld]`. None of them holds what a caller or a provider
has said. `docs/reference/log-fields.md` is written from this table; a test looks for fields that
are logged and missing here.
"""

# Of every event.
ALWAYS = {
    "time": "When, in UTC, with milliseconds.",
    "level": "debug, info, warn or error.",
    "event": "What happened, as a name that does not change.",
    "logger": "Which part of the server says so.",
}
# Where there is one.
SOMETIMES = {
    "traceback": "Where an error came from: no variables, and messages only of errors that are "
    "about types, the system or TokenHub's own.",
    "stack": "Where an event was logged, if that was asked for.",
}
FIELDS = {
    "action": "What was tried, as the audit trail calls it.",
    "actor": "The operator, by the name of their token.",
    "address": "Where somebody came from; of IPv6 the network.",
    "advice": "What an operator should do.",
    "after": "The value that a setting has now, or that waits for the next start.",
    "attempts": "Calls to providers.",
    "backup": "The copy that was made before.",
    "before": "The value that a setting had.",
    "calls": "Calls whose money was still held.",
    "catalogs": "Catalogs of before that were forgotten.",
    "charged_usd": "USD that were charged.",
    "check": "How much of the database is looked at.",
    "count": "How many.",
    "cut": "Requests that were cut off.",
    "decisions": "Decision records that were forgotten.",
    "detail": "A sentence about it.",
    "ends_in_s": "Seconds until it ends.",
    "epoch": "How often the vault has changed.",
    "host": "The host of an address.",
    "job": "The job that runs beside the requests.",
    "key_id": "An API key, by its id.",
    "key_name": "An API key, by its name.",
    "last_error": "The class of the last failure.",
    "last_hash": "The hash at the end of the audit trail.",
    "last_id": "The number at the end of the audit trail.",
    "late_ms": "Milliseconds that the server runs late.",
    "method": "The HTTP method.",
    "mode": "The mode, of routing or of a plan.",
    "model": "The model that has answered, or was asked last.",
    "ms": "Milliseconds from the arrival to the last byte.",
    "orchestrations": "Plans that were forgotten.",
    "outcome": "How it ended, as the audit trail has it.",
    "path": "A file; of a request, its route.",
    "provider": "The provider that has answered, or was asked last.",
    "provider_id": "A provider, by its id.",
    "reason": "Why.",
    "refused": "Requests that were refused.",
    "request_id": "The request, as its answer's X-Request-ID names it.",
    "requests": "How many requests.",
    "route": "The template of the route; empty where there is none.",
    "secret": "A secret of the vault, by its name.",
    "setting": "A setting, by its variable.",
    "sink": "What failed to take note of a request.",
    "state": "The state that somebody or something is in.",
    "status": "The HTTP status; 499 where the caller left before the end.",
    "steps": "Migrations of the database.",
    "target": "What it is about: a provider, a model at one, or a key.",
    "under_way": "Requests that are being answered.",
}
