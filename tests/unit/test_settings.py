"""settings: the table, its defaults, and what bad values get."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenhub.core.destinations import Destinations
from tokenhub.settings import (
    MASK,
    SETTINGS,
    Address,
    Settings,
    SettingsRefused,
    changed,
    lines,
    load,
    reloaded,
    warnings,
)

HOME = Path("/home/op")
# The original's variables (original-behaviour 8.1) and the seeds'.
ORIGINAL = {
    *("LISTEN_ADDR", "LOG_LEVEL", "DB_DSN", "ADMIN_TOKEN", "CREDENTIALS_FILE", "CORS_ORIGINS"),
    *("VAULT_ENABLED", "VAULT_PASSWORD", "EXPLORATION_TEMP", "HEALTH_PROBE_DISABLED"),
    *("DEFAULT_MODE", "DEFAULT_MAX_BUDGET_USD", "DEFAULT_MAX_LATENCY_MS"),
    *("PROVIDER_TIMEOUT_SECS", "SHUTDOWN_DRAIN_SECS", "HEDGE_AFTER_MS", "MAX_HEDGED_PROVIDERS"),
    *("RATE_LIMIT_RPS", "RATE_LIMIT_BURST", "ADMIN_RATE_LIMIT_RPS", "ADMIN_RATE_LIMIT_BURST"),
    *("OTEL_ENABLED", "OTEL_ENDPOINT", "OTEL_SERVICE_NAME"),
    *("TEMPORAL_ENABLED", "TEMPORAL_HOST", "TEMPORAL_NAMESPACE", "TEMPORAL_TASK_QUEUE"),
    *("PRICING_REFRESH_ENABLED", "PRICING_REFRESH_INTERVAL_SECS"),
}
# And those that it did not have.
OURS = {
    "ALLOWED_HOSTS",
    "METRICS_PUBLIC",
    "MODELS_PUBLIC",
    "TRUSTED_PROXIES",
    "ALLOWED_PRIVATE_HOSTS",
    "MAX_REQUESTS_IN_FLIGHT",
    "OVERLOAD_LAG_MS",
    "STRICT_PARAMS",
    "HEARTBEAT_SECS",
    "HEALTH_PROBE_INTERVAL_SECS",
    "HEALTH_PROBE_TIMEOUT_SECS",
    "HEDGE_MAX_EXTRA_PERCENT",
    "VAULT_KEY_FILE",
    "VAULT_IDLE_LOCK_SECS",
    "VAULT_MAX_UNLOCK_SECS",
    "IDEMPOTENCY_BODY",
    "ACCESS_LOG",
    "OTEL_SAMPLE_RATIO",
    "OTEL_PROPAGATE_TO",
    "ALLOW_CORE_DUMPS",
    *("DECISION_RETENTION_DAYS", "LOG_RETENTION_DAYS"),
    *("BACKUP_DIR", "BACKUP_INTERVAL_SECS", "BACKUP_KEEP"),
    *("FEEDBACK_DAYS", "FEEDBACK_COMMENTS", "FEEDBACK_SIGNS"),
    *("JUDGE_MODEL", "JUDGE_SHARE", "JUDGE_DAILY_BUDGET_USD"),
}


def loaded(*, data_writable=False, **variables):
    env = {f"TOKENHUB_{name}": value for name, value in variables.items()}
    return load(env, home=HOME, data_writable=data_writable)


@pytest.mark.parametrize(
    ("expected", "text"),
    [
        (("hub.example", "10.0.0.5", "::1", "my_hub"), " Hub.example., 10.0.0.5,[::1],my_hub"),
        ((), " , "),
    ],
)
def test_hosts_are_names_and_addresses(expected, text):
    assert expected == loaded(ALLOWED_HOSTS=text).allowed_hosts


@pytest.mark.parametrize("text", ["http://h", "h:80", "*", "h/x", "h h", "*.example"])
def test_what_is_no_host_is_refused(text):
    assert "ALLOWED_HOSTS" in problems(ALLOWED_HOSTS=text)[0]


@pytest.mark.parametrize("text", ["app.example", "https://app.example/x", "*.example", "null"])
def test_what_is_no_origin_is_refused(text):
    assert "CORS_ORIGINS" in problems(CORS_ORIGINS=text)[0]


def problems(**variables):
    with pytest.raises(SettingsRefused) as refused:
        loaded(**variables)
    return refused.value.problems


def test_an_empty_environment_gives_safe_defaults():
    settings = loaded()

    assert Address("127.0.0.1", 8080) == settings.listen_addr
    assert HOME / ".tokenhub/tokenhub.sqlite" == settings.db_dsn
    assert HOME / ".tokenhub/credentials" == settings.credentials_file
    assert "normal" == settings.default_mode
    assert 50_000_000 == settings.default_max_budget_nusd
    assert 120.0 == settings.default_max_latency_s
    assert 30.0 == settings.provider_timeout_s
    assert 30.0 == settings.shutdown_drain_s
    assert ("*",) == settings.cors_origins
    assert (60, 120) == (settings.rate_limit_rps, settings.rate_limit_burst)
    assert (30, 60) == (settings.admin_rate_limit_rps, settings.admin_rate_limit_burst)
    assert () == settings.trusted_proxies
    assert Destinations() == settings.allowed_private_hosts
    assert (2000, 0.01) == (settings.max_requests_in_flight, settings.overload_lag_s)
    assert settings.strict_params is False
    assert 15.0 == settings.heartbeat_s
    assert settings.health_probe_disabled is False
    assert (30.0, 5.0) == (settings.health_probe_interval_s, settings.health_probe_timeout_s)


def test_the_table_and_the_struct_have_the_same_fields_in_the_same_order():
    fields = [setting.field for setting in SETTINGS]

    assert list(Settings.__struct_fields__) == fields


def test_every_variable_of_the_original_is_known_and_few_more():
    names = {setting.key for setting in SETTINGS}

    assert ORIGINAL | OURS == names


def test_data_is_in_the_container_folder_where_that_is_writable():
    settings = loaded(data_writable=True)

    assert Path("/data/tokenhub.sqlite") == settings.db_dsn
    assert Path("/data") == settings.data_dir


@pytest.mark.parametrize(
    ("dsn", "path"),
    [
        ("/srv/hub.sqlite", "/srv/hub.sqlite"),
        ("file:/srv/hub.sqlite", "/srv/hub.sqlite"),
        ("file:///srv/hub.sqlite?cache=shared", "/srv/hub.sqlite"),
        ("file://localhost/srv/my%20hub.sqlite", "/srv/my hub.sqlite"),
        ("file:hub.sqlite", "hub.sqlite"),
        ("~/hub.sqlite", "/home/op/hub.sqlite"),
    ],
)
def test_a_database_is_a_path_or_a_file_uri(dsn, path):
    settings = loaded(DB_DSN=dsn)

    assert Path(path) == settings.db_dsn


@pytest.mark.parametrize(
    "dsn", [":memory:", "file::memory:", "file:x?mode=memory", "file://host/x", "file:?a=b"]
)
def test_a_database_that_would_be_lost_or_is_elsewhere_is_refused(dsn):
    found = problems(DB_DSN=dsn)

    assert 1 == len(found)
    assert found[0].startswith("TOKENHUB_DB_DSN: ")


@pytest.mark.parametrize(
    ("text", "address", "url"),
    [
        (":8080", Address("", 8080), "http://localhost:8080"),
        ("0.0.0.0:80", Address("0.0.0.0", 80), "http://localhost:80"),
        ("[::]:80", Address("::", 80), "http://localhost:80"),
        ("[::1]:9000", Address("::1", 9000), "http://[::1]:9000"),
        ("hub.internal:0", Address("hub.internal", 0), "http://hub.internal:0"),
    ],
)
def test_an_address_is_read_as_it_is_usually_written(text, address, url):
    settings = loaded(LISTEN_ADDR=text)

    assert address == settings.listen_addr
    assert url == settings.listen_addr.local_url


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LISTEN_ADDR", "8080"),
        ("LISTEN_ADDR", "::1:8080"),
        ("LISTEN_ADDR", "localhost:65536"),
        ("LISTEN_ADDR", "localhost:-1"),
        ("LOG_LEVEL", "loud"),
        ("ADMIN_TOKEN", "fifteen-letters"),
        ("ADMIN_TOKEN", "sixteen letters and spaces"),
        ("ADMIN_TOKEN", "sixteen-lëtters-not-ascii"),
        ("DEFAULT_MODE", "turbo"),
        ("DEFAULT_MAX_BUDGET_USD", "-0.01"),
        ("DEFAULT_MAX_BUDGET_USD", "100.01"),
        ("DEFAULT_MAX_BUDGET_USD", "nan"),
        ("DEFAULT_MAX_LATENCY_MS", "0"),
        ("DEFAULT_MAX_LATENCY_MS", "300001"),
        ("PROVIDER_TIMEOUT_SECS", "inf"),
        ("PROVIDER_TIMEOUT_SECS", "soon"),
        ("SHUTDOWN_DRAIN_SECS", "0"),
        ("VAULT_ENABLED", "maybe"),
        ("RATE_LIMIT_RPS", "1.5"),
        ("RATE_LIMIT_BURST", "0"),
        ("EXPLORATION_TEMP", "-1"),
        ("TRUSTED_PROXIES", "proxy.internal"),
        ("TRUSTED_PROXIES", "10.0.0.5/8"),
        ("TRUSTED_PROXIES", "0.0.0.0/0"),
        ("STRICT_PARAMS", "strictly"),
        ("HEARTBEAT_SECS", "-1"),
    ],
)
def test_a_value_that_cannot_be_used_is_named_with_what_is_allowed(name, value):
    found = problems(**{name: value})

    assert 1 == len(found)
    assert found[0].startswith(f"TOKENHUB_{name}: ")
    assert "; allowed: " in found[0]


def test_all_problems_are_told_at_once():
    found = problems(LISTEN_ADDR="x", LOG_LEVEL="loud", TEMPORAL_ENABLED="maybe")

    assert 3 == len(found)


def test_an_empty_variable_counts_as_not_set():
    assert loaded() == loaded(LISTEN_ADDR="", DB_DSN="  ", ADMIN_TOKEN="")


def test_a_budget_of_zero_is_no_limit():
    settings = loaded(DEFAULT_MAX_BUDGET_USD="0")

    assert settings.default_max_budget_nusd is None


def test_a_rate_of_zero_is_no_limit_and_a_heartbeat_of_zero_none():
    settings = loaded(RATE_LIMIT_RPS="0", ADMIN_RATE_LIMIT_RPS="0", HEARTBEAT_SECS="0")

    assert (0, 0, 0.0) == (
        settings.rate_limit_rps,
        settings.admin_rate_limit_rps,
        settings.heartbeat_s,
    )


def test_proxies_are_addresses_and_networks():
    settings = loaded(TRUSTED_PROXIES="127.0.0.1, 10.0.0.0/8,2001:db8::/32")

    assert ["127.0.0.1/32", "10.0.0.0/8", "2001:db8::/32"] == [
        str(network) for network in settings.trusted_proxies
    ]


def test_secrets_are_in_no_representation_and_in_no_problem():
    settings = loaded(ADMIN_TOKEN="a-very-secret-token", VAULT_PASSWORD="hunter2-hunter2")
    found = problems(ADMIN_TOKEN="too-short")

    assert "secret-token" not in repr(settings)
    assert "hunter2" not in repr(settings)
    assert f"admin_token={MASK}" in repr(settings)
    assert "too-short" not in found[0]


def test_an_unknown_variable_is_reported_with_the_nearest_name():
    found = warnings({"TOKENHUB_LISTEN_ADR": "x", "TOKENHUB_WORKERS": "4", "PATH": "/bin"})

    assert (
        "TOKENHUB_LISTEN_ADR is not a setting of TokenHub; did you mean TOKENHUB_LISTEN_ADDR?"
        == found[0]
    )
    assert found[1].startswith("TOKENHUB_WORKERS is not a setting of TokenHub")
    assert 2 == len(found)


def test_a_setting_without_effect_says_so_and_the_clients_variables_are_let_be():
    found = warnings(
        {"TOKENHUB_TEMPORAL_ENABLED": "true", "TOKENHUB_URL": "x", "TOKENHUB_API_KEY": "k"}
    )

    assert ("TOKENHUB_TEMPORAL_ENABLED is accepted, but has no effect yet",) == found


@pytest.mark.parametrize(
    ("given", "after_s", "hedges"),
    [
        ({}, None, False),
        ({"HEDGE_AFTER_MS": "0"}, None, False),
        ({"HEDGE_AFTER_MS": "Auto"}, 0.0, True),
        ({"HEDGE_AFTER_MS": "250"}, 0.25, True),
        ({"HEDGE_AFTER_MS": "auto", "MAX_HEDGED_PROVIDERS": "1"}, 0.0, False),
    ],
)
def test_hedging_is_off_until_it_is_given_a_delay_or_auto(given, after_s, hedges):
    settings = loaded(**given)

    assert (after_s, hedges, 15) == (
        settings.hedge_after_s,
        settings.hedges,
        settings.hedge_max_extra_percent,
    )


@pytest.mark.parametrize("text", ["-1", "300001", "soon"])
def test_a_hedge_delay_that_makes_no_sense_is_refused(text):
    assert problems(HEDGE_AFTER_MS=text)[0].startswith("TOKENHUB_HEDGE_AFTER_MS: ")


def test_every_default_can_be_read_as_if_it_were_given():
    env = {setting.name: setting.default for setting in SETTINGS}

    assert loaded() == load(env, home=HOME, data_writable=False)


@given(st.text(max_size=30), st.sampled_from(SETTINGS))
def test_any_text_is_either_read_or_refused(text, setting):
    try:
        load({setting.name: text}, home=HOME, data_writable=False)
    except SettingsRefused as refused:
        named = [problem.startswith(f"{setting.name}: ") for problem in refused.problems]
    else:
        named = [True]

    assert [True] == named


def test_an_environment_file_has_a_variable_a_line():
    text = """# what this server is to do
TOKENHUB_LOG_LEVEL=warn
  export TOKENHUB_DEFAULT_MODE = "cheap"

TOKENHUB_CREDENTIALS_FILE='/etc/token hub/#1'
TOKENHUB_HEDGE_AFTER_MS=
"""

    assert {
        "TOKENHUB_LOG_LEVEL": "warn",
        "TOKENHUB_DEFAULT_MODE": "cheap",
        "TOKENHUB_CREDENTIALS_FILE": "/etc/token hub/#1",
        "TOKENHUB_HEDGE_AFTER_MS": "",
    } == lines(text, file="server.env")


def test_every_bad_line_is_told_at_once_and_no_value_with_it():
    text = "hunter2\nPATH=hunter2\nTOKENHUB_A=1\nTOKENHUB_A=hunter2\nTOKEN HUB=hunter2\n"

    with pytest.raises(SettingsRefused) as refused:
        lines(text, file="server.env")

    told = refused.value.problems
    assert ["line 1", "line 2", "line 4", "line 5"] == [one.split(": ")[0][-6:] for one in told]
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize("line", ["hunter2==", "sk_hunter2=1", "hunter2=", "export hunter2=x"])
def test_a_line_of_a_secret_is_not_told_where_it_reads_as_a_name(line):
    with pytest.raises(SettingsRefused) as refused:
        lines(f"TOKENHUB_VAULT_PASSWORD=x\n{line}\n", file="f")

    assert "f, line 2: this sets no variable of TokenHub (TOKENHUB_...)" == str(refused.value)


@pytest.mark.parametrize("character", ["\0", "\x07", "\x1b", "\x7f"])
def test_a_file_can_set_nothing_that_an_environment_could_not(character):
    with pytest.raises(SettingsRefused, match="TOKENHUB_BACKUP_DIR holds a control character"):
        lines(f"TOKENHUB_BACKUP_DIR=/a{character}b\n", file="f")


def test_a_password_in_an_address_is_not_told():
    address = loaded(OTEL_ENDPOINT="http://u:hunter2@h:1")
    (change,) = changed(loaded(), address)

    with pytest.raises(SettingsRefused) as refused:
        loaded(CORS_ORIGINS="https://u:hunter2@h")

    assert "http://u:[hidden]@h:1" == change.after
    assert "hunter2" not in repr(address) + str(refused.value)


@given(st.text(max_size=200))
def test_any_file_is_read_or_refused(text):
    try:
        found = lines(text, file="f")
    except SettingsRefused:
        return
    assert all(name.startswith("TOKENHUB_") for name in found)


def test_what_a_reload_changes_is_told_without_its_secrets():
    old, new = loaded(VAULT_PASSWORD="correct horse"), loaded(LISTEN_ADDR=":9090", LOG_LEVEL="warn")

    told = {(one.name, one.before, one.after, one.restart) for one in changed(old, new)}

    assert ("TOKENHUB_LISTEN_ADDR", "127.0.0.1:8080", ":9090", True) in told
    assert ("TOKENHUB_LOG_LEVEL", "info", "warn", False) in told
    assert "correct horse" not in str(told)
    assert 3 == len(told)
    assert () == changed(old, old)


GIVEN = {
    "ALLOWED_PRIVATE_HOSTS": "gpu1,127.0.0.1/32,10.0.0.0/8",
    "ALLOWED_HOSTS": "hub.example.com,tokenhub",
    "TRUSTED_PROXIES": "10.0.0.0/8,192.168.1.1/32",
    "CORS_ORIGINS": "https://a.example,https://b.example",
    "DEFAULT_MAX_BUDGET_USD": "0.075",
    "DEFAULT_MAX_LATENCY_MS": "90500",
    "OVERLOAD_LAG_MS": "12.5",
    "HEDGE_AFTER_MS": "auto",
    "VAULT_IDLE_LOCK_SECS": "0",
    "EXPLORATION_TEMP": "0.25",
    "METRICS_PUBLIC": "false",
    "BACKUP_DIR": "/mnt/backups",
    "BACKUP_KEEP": "3",
}


def test_what_a_reload_changes_is_told_as_an_operator_writes_it():
    plain, given = loaded(), loaded(**GIVEN)

    told = {one.name.removeprefix("TOKENHUB_"): one.after for one in changed(plain, given)}
    back = {one.name.removeprefix("TOKENHUB_"): one.after for one in changed(given, plain)}

    assert told == GIVEN
    assert loaded(**back) == plain
    assert "" == back["ALLOWED_PRIVATE_HOSTS"] == back["BACKUP_DIR"]
    assert "0" == back["HEDGE_AFTER_MS"]


def test_a_reload_leaves_alone_what_waits_for_a_start():
    old, new = loaded(), loaded(LISTEN_ADDR=":9090", DB_DSN="/else/t.sqlite", LOG_LEVEL="warn")

    now = reloaded(old, new)

    assert (old.listen_addr, old.db_dsn, "warn") == (now.listen_addr, now.db_dsn, now.log_level)
