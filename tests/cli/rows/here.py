"""Rows of what is on this machine, or of the server as a whole."""

from typing import Any

import msgspec

from tests.cli.rows.row import NO_ANSWER, NOBODY, Row, unanswered
from tokenhub import __version__
from tokenhub.wire.backups import BackupMade, BackupPage
from tokenhub.wire.catalog import Info
from tokenhub.wire.config import Applied, Document
from tokenhub.wire.log_level import LogLevel
from tokenhub.wire.reload import Reloaded
from tokenhub_cli.commands.config import Checked
from tokenhub_cli.commands.status import Status
from tokenhub_cli.commands.wait import Condition
from tokenhub_cli.exits import Code
from tokenhub_cli.kept import Row as Kept
from tokenhub_cli.own import Setting

_CONFIG = "<home>/.config/tokenhub/config.toml"
_NO_CONTEXT: dict[str, Any] = {
    "fails": "nope",
    "code": Code.USAGE,
    "says": ("there is no context 'nope'; there is ", "local"),
}
_SCRIPT = "a script for a shell to read, and no value"
_NO_OPTION: dict[str, Any] = {
    "fails": "--nope",
    "code": Code.USAGE,
    "says": ("No such option: --nope", " -h' for help"),
}
_MODEL = '{"models":[{"id":"gpt","provider_id":"one","weight":3}]}'
_BAD_FILE = {
    "fails": "-f nope.yaml",
    "code": Code.USAGE,
    "says": ("nope.yaml cannot be read: No such file or directory",),
}

CONTEXTS = {
    "login": Row(
        takes="<url> -c there --token-file token.txt",
        after=("context use local",),
        shows=(r"\Acontext/there used from now on: <url> as admin \(owner\)\n\Z",),
        of=Kept,
        holds={"name": "there", "url": "<url>", "current": True},
        changes=True,
        fails="http://127.0.0.1:9 -c there --token-file token.txt",
        code=Code.UNREACHABLE,
        says=NO_ANSWER,
    ),
    "logout": Row(
        before=("context add over --url <url> --token-file token.txt",),
        after=("context remove over -y",),
        takes="over",
        shows=(r"\Acontext/over has no token any more\n\Z",),
        of=Kept,
        holds={"name": "over", "url": "<url>", "token": ""},
        changes=True,
        **_NO_CONTEXT,
    ),
    "context list": Row(
        shows=(r"^NAME +CURRENT +URL +TOKEN$", r"^local +\* +<url> +.*/token\.txt$"),
        of=list[Kept],
        holds={"[name=local].url": "<url>", "[name=local].current": True},
        **_NO_OPTION,
    ),
    "context show": Row(
        takes="local",
        shows=(r"^local +\* +<url> +.*/token\.txt$",),
        of=Kept,
        holds={"name": "local", "url": "<url>", "current": True},
        **_NO_CONTEXT,
    ),
    "context add": Row(
        takes="prod --url https://tokenhub.example --token-file token.txt",
        shows=(r"\Acontext/prod added\n\Z",),
        of=Kept,
        holds={"name": "prod", "url": "https://tokenhub.example"},
        after=("context remove prod -y",),
        changes=True,
        fails="prod",
        code=Code.USAGE,
        says=("name the server with --url",),
    ),
    "context use": Row(
        takes="local",
        shows=(r"\Acontext/local used from now on\n\Z",),
        of=Kept,
        holds={"name": "local", "current": True},
        changes=True,
        **_NO_CONTEXT,
    ),
    "context remove": Row(
        before=("context add gone --url http://127.0.0.1:9",),
        takes="gone -y",
        shows=(r"\Acontext/gone deleted\n\Z",),
        holds={"ok": True},
        changes=True,
        **_NO_CONTEXT,
    ),
}

SERVER = {
    "status": unanswered(
        shows=(
            r"^Server: +<url>$",
            r"^Ready: +yes$",
            rf"^Version: +{__version__}$",
            r"^Providers: +2$",
            r"^Models: +4$",
            r"^Vault: +unlocked$",
        ),
        of=Status,
        holds={"server": "<url>", "ready": True, "models": 4, "vault": "unlocked"},
    ),
    "reload": unanswered(
        shows=(r"\Aread again: no setting has changed\n\Z",),
        of=Reloaded,
        holds={"changes": [], "notes": []},
    ),
    "log-level": Row(
        takes="info",
        after=("log-level warn",),
        shows=(r"\Alog-level/info set\n\Z",),
        of=LogLevel,
        holds={"level": "info"},
        changes=True,
        fails="nope",
        code=Code.REFUSED,
        says=("level must be one of debug, info, warn, error", "log-level --help"),
    ),
    "backup create": Row(
        shows=(r"\Abackup/[\w-]+ made in <home>/data/backups/[\w-]+\n\Z",),
        of=BackupMade,
        holds={"ok": True, "backup.reason": "asked for"},
        changes=True,
        fails=NOBODY,
        code=Code.UNREACHABLE,
        says=NO_ANSWER,
    ),
    "backup list": Row(
        before=("backup create -o value",),
        takes="--limit 1",
        shows=(
            r"^NAME +MADE +REASON +SIZE +PATH$",
            r"^<made> +\d{4}-.* <home>/data/backups/<made>$",
        ),
        of=BackupPage,
        holds={"limit": 1, "items[0].path": "<home>/data/backups/<made>"},
        changes=True,
        fails="--limit 5000",
        code=Code.REFUSED,
        says=("limit must be a whole number from 1 to 1000", "backup list --help"),
    ),
    "wait": Row(
        takes="--for ready --for provider/one=healthy",
        shows=(r"\Aready: yes\nprovider/one=healthy: yes\n\Z",),
        of=list[Condition],
        holds={"[condition=ready].met": True, "[condition=provider/one=healthy].state": "healthy"},
        fails="--for nope",
        code=Code.USAGE,
        says=("there is no condition 'nope'; there is ready, vault=unlocked, provider/ID=healthy",),
    ),
    "doctor": Row(
        shows=(
            r"^CHECK +STATUS +SEEN$",
            r"^server +PASSED +<url>, 4 models$",
            r"^token +PASSED +admin, owner$",
            r"^provider/one +PASSED +3 models, ",
        ),
        of=dict[str, msgspec.defstruct("Said", [("status", str), ("told", str), ("hint", str)])],  # type: ignore[misc]  # the struct is made here
        holds={"server.status": "PASSED", "token.told": "admin, owner", "vault.status": "WARNING"},
        # It compares clocks, and that of a server of tests stands still once this has started.
        alone=True,
        fails="--timeout 0",
        code=Code.USAGE,
        says=("'--timeout': 0.0 is not in the range x>=0.1",),
    ),
    "api": Row(
        takes="GET /admin/v1/info",
        shows=(rf'"version":"{__version__}"', r'"providers":2,"models":4'),
        of=Info,
        holds={"version": __version__, "models": 4, "vault_locked": False},
        fails="GET /admin/v1/nope",
        code=Code.NOT_FOUND,
        says=("there is nothing at this path", "api --help"),
    ),
    "export": Row(
        shows=(r"^providers:$", r"^- id: one$", r"^  base_url: <sim>$", r"^- name: fast$"),
        of=Document,
        holds={"models[id=gpt].provider_id": "one", "api_keys[name=k].scopes[0]": "chat"},
        fails="--kind nope",
        code=Code.USAGE,
        says=("there is providers, models, aliases, routing, api_keys, retention",),
    ),
    "diff": Row(
        takes="-f -",
        stdin=_MODEL,
        ends=Code.NOT_SO,
        shows=(r"^ACTION +KIND +NAME +CHANGES$", r"^update +model +one/gpt +.*weight"),
        of=Applied,
        holds={"changes[name=one/gpt].action": "update"},
        **_BAD_FILE,
    ),
    "apply": Row(
        before=("model edit gpt --weight 1",),
        takes="-f -",
        stdin=_MODEL,
        shows=(r"^ACTION +KIND +NAME +CHANGES$", r"^update +model +one/gpt +.*weight"),
        of=Applied,
        holds={"changes[name=one/gpt].kind": "model"},
        changes=True,
        **_BAD_FILE,
    ),
}

OWN = {
    "config explain": Row(
        shows=(
            r"^NAME +VALUE +FROM +SET BY$",
            r"^url +<url> +TOKENHUB_URL +--url, ",
            r"^admin token +tha_\*\*\* +TOKENHUB_ADMIN_TOKEN ",
        ),
        of=list[Setting],
        holds={"[name=url].value": "<url>", "[name=url].source": "TOKENHUB_URL"},
        fails="--context nope",
        code=Code.USAGE,
        says=("there is no context 'nope'; there is local",),
    ),
    "config path": Row(
        shows=(rf"\A{_CONFIG}\n\Z",),
        holds={"file": _CONFIG},
        **_NO_OPTION,
    ),
    "config validate": Row(
        shows=(rf"\A{_CONFIG} is in order: contexts 1\n\Z",),
        of=Checked,
        holds={"file": _CONFIG, "contexts": 1, "current": "local"},
        fails="nope.toml",
        code=Code.USAGE,
        says=("there is no file nope.toml",),
    ),
    "config schema": Row(
        shows=(r'^  "\$ref": "#/\$defs/Contexts",$',),
        holds={"$ref": "#/$defs/Contexts", "$defs.Context.required": ["url"]},
        **_NO_OPTION,
    ),
    "config edit": Row(
        env={"EDITOR": "true"},
        shows=(r"\Anothing was changed\n\Z",),
        of=Checked,
        holds={"file": _CONFIG, "contexts": 1, "current": "local"},
        fails="",
        code=Code.USAGE,
        says=("neither VISUAL nor EDITOR names a program", '"tokenhubctl context add"'),
    ),
    "version": Row(
        shows=(rf"\Atokenhubctl {__version__}\n\Z",),
        holds={"version": __version__},
        **_NO_OPTION,
    ),
    "completion bash": Row(shows=(r"^complete .* tokenhubctl$",), no_json=_SCRIPT, **_NO_OPTION),
    "completion zsh": Row(shows=(r"\A#compdef tokenhubctl$",), no_json=_SCRIPT, **_NO_OPTION),
    "completion fish": Row(
        shows=(r"complete --command tokenhubctl ",), no_json=_SCRIPT, **_NO_OPTION
    ),
    "completion powershell": Row(
        shows=(r"Register-ArgumentCompleter .*tokenhubctl",), no_json=_SCRIPT, **_NO_OPTION
    ),
    "completion install": Row(
        takes="bash",
        shows=(r"\A<home>/\.bash_completions/tokenhubctl\.sh\n\Z",),
        holds={"file": "<home>/.bash_completions/tokenhubctl.sh"},
        changes=True,
        fails="nope",
        code=Code.USAGE,
        says=("'nope' is not one of 'bash', 'zsh', 'fish', 'powershell'",),
    ),
    "man": Row(
        takes="man1",
        shows=(r"\Aman1/tokenhubctl\.1$", r"^man1/tokenhubctl-model\.1$"),
        of=list[str],
        holds={"[0]": "man1/tokenhubctl.1"},
        changes=True,
        fails="token.txt",
        code=Code.REFUSED,
        says=("cannot write token.txt: File exists", "name another folder"),
    ),
    "docs": Row(
        takes="reference",
        shows=(r"\Areference/tokenhubctl\.md$", r"^reference/tokenhubctl-model\.md$"),
        of=list[str],
        holds={"[0]": "reference/tokenhubctl.md"},
        changes=True,
        fails="token.txt",
        code=Code.REFUSED,
        says=("cannot write token.txt: File exists", "name another folder"),
    ),
    "help": Row(
        takes="model add",
        shows=(r"\AUsage: tokenhubctl model add ", r"^  --weight <int> +How good it is, 0 to 10"),
        holds={
            "name": "model add",
            "summary": "Register a model, or replace the one of that id and provider. "
            "Prices are USD.",
        },
        fails="nope",
        code=Code.USAGE,
        says=("there is no command or topic 'nope'; topics are environment, formatting",),
    ),
}

ROWS = {**CONTEXTS, **SERVER, **OWN}
