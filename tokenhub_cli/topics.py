"""What is true of every command: the topics of `tokenhubctl help`."""

from typing import NamedTuple

from tokenhub_cli.exits import Code


class Topic(NamedTuple):
    name: str
    summary: str
    text: str


MEANINGS = {
    Code.DONE: "done; an empty list is a success",
    Code.REFUSED: "the server refused or failed, or the result could not be written",
    Code.USAGE: 'flags, JSON, settings, or "no" at a question; nothing was sent',
    Code.UNREACHABLE: "no answer: connection, TLS, timeout",
    Code.UNAUTHORIZED: "no admin token, a wrong one, or one whose role is not enough",
    Code.NOT_FOUND: "not found",
    Code.CONFLICT: "something else is there, or it has changed since it was read",
    Code.VAULT_LOCKED: "the vault is locked, and the command needs it",
    Code.NOT_SO: "what was to be verified does not hold, or did not come about in time",
    Code.INTERRUPTED: "interrupted",
    Code.BROKEN_PIPE: "the reader of stdout has gone",
}

_ENVIRONMENT = """\
TOKENHUB_URL             the server, where --url does not name it
TOKENHUB_ADMIN_TOKEN     the admin token, where --token-file does not name it
TOKENHUB_CONTEXT         the context, where -c does not name it
TOKENHUB_OUTPUT          the form of results, where -o does not say it
TOKENHUB_VAULT_PASSWORD  the vault's password, where no option gives it
TOKENHUB_API_KEY         the API key of commands that send a request as an application
VISUAL, EDITOR           what "config edit" opens
NO_COLOR                 no colours, if it is not empty; --color counts before it
CLICOLOR_FORCE           colours in a pipe too, if it is not 0
TERM                     no colours where it is "dumb"
XDG_CONFIG_HOME          where tokenhub/config.toml with the contexts is, else ~/.config
XDG_CACHE_HOME           where completion keeps ids for a minute, else ~/.cache

An empty variable counts as one that is not set. For the server and the token the first
that is there counts: flag, environment, the context in use, ~/.tokenhub/env (lines of
KEY=VALUE), then http://localhost:8080 and the .admin-token beside the server's data.
A context that -c names counts before the environment. The token of a context goes to
no server but its own. "tokenhubctl config explain" tells what is in force, and why."""

_FORMATTING = """\
-o table    for eyes; a change prints one line
-o wide     a table with all columns, however narrow the terminal is
-o json     the answer of the API; indented at a terminal, one line in a pipe
-o yaml     the same as YAML
-o jsonl    one JSON object for each row
-o csv      RFC 4180: bare values under the API's field names
-o name     model/gpt-4o
-o value    the id alone; of a new key or token, that alone
-o none     nothing

--fields id,weight   only these fields, in this order; --fields alone lists them
--filter TEXT        only rows that it means: tokenhubctl help filters
--no-headers         no header line in tables and csv
--time relative      how tables write times: local, relative, iso or unix
--color never        tables have colours at a terminal
--watch=5s           of any list: again and again, every 2s where nothing is said

A watched list is drawn in place at a terminal, q leaves. In a pipe, and in other forms
than tables, the whole list comes each time, with a blank line between (--- in YAML).

Results go to stdout and all else to stderr. Numbers stay numbers, times in JSON and csv
are UTC. Where a list goes on, stderr says how to read on; -q keeps it silent. Control
characters of a name or a message are not in tables, and are escapes in JSON."""

_FILTERS = """\
tokenhubctl logs --filter 'model:gpt status:error ms>2000 !mode:cheap since:2h'
tokenhubctl model list --filter 'enabled:yes weight>=5'

All terms must hold. The values of one term are alternatives: provider:a,b.

field:text     has the text in it, whatever the case of its letters
field=text     is exactly that; != is not
field>5        is greater; also >= < <= and =
field:1..5     lies in the range, its ends included; 5.. and ..5 are open
!term          is not so
text           has the text in any of its texts
"two words"    quotes hold spaces, commas and signs

The log knows status:error, ok and 4xx, since: and until: (2h, 7d, 2026-01-31), and
milliseconds as 2s. Lists take the names that "--fields" alone lists. A filter that
cannot be read is refused with a mark below its fault."""

_SECRETS = """\
No secret needs to be an argument, which would stay in the shell's history and show in ps.

admin token        TOKENHUB_ADMIN_TOKEN, --token-file FILE, or a context:
                   "tokenhubctl login" asks for it, tries it and keeps it (mode 0600)
providers' keys    --api-key-stdin: from a pipe, or asked for at a terminal
vault password     asked for, --password-file FILE, --password-stdin, or
                   TOKENHUB_VAULT_PASSWORD
vault secrets      "vault secrets set NAME" reads stdin; @FILE reads a file
your own JSON      - reads stdin, and @FILE a file, wherever JSON is taken

An argument works too, as in the original; at a terminal a line says what is wrong with
it. An empty secret is refused: the variable that should have held it is unset. Secrets
are masked in all that is printed, but for admin-token, vault secrets get, and the one
time that a new key or token is shown."""


def topics() -> tuple[Topic, ...]:
    """All of them, in the order in which help lists them."""
    codes = "\n".join(f"{code.value:<4} {MEANINGS[code]}" for code in Code)
    return (
        Topic("environment", "Variables that commands read.", _ENVIRONMENT),
        Topic("formatting", "How results are written.", _FORMATTING),
        Topic("exit-codes", "What a command ends with.", codes),
        Topic("filters", "Which rows are meant.", _FILTERS),
        Topic("secrets", "Where tokens, keys and passwords come from.", _SECRETS),
    )
