"""Rows of keys, tokens, the vault, and money."""

from tests.cli.rows.row import NO_ANSWER, NOBODY, Row, missing, unanswered
from tokenhub.wire.access import AdminToken, AdminTokenDone, AdminTokenIssued, AdminTokenPage
from tokenhub.wire.catalog import Done
from tokenhub.wire.keys import ApiKey, ApiKeyDone, ApiKeyIssued, ApiKeyPage
from tokenhub.wire.ledger import LedgerPage, LedgerVerified, Usage
from tokenhub.wire.vault import (
    KeyRotated,
    RecoveryIssued,
    Secret,
    SecretDone,
    SecretNames,
    VaultDone,
    VaultLocked,
    VaultStatus,
)
from tokenhub_cli.exits import Code

_NO_KEY = missing("api key not found", listed="apikey list")
_KEY = "apikey create --name made --scope chat --fields id -o csv --no-headers"
_NO_TOKEN = missing("no admin token has the id or name 'nope'", listed="token list")
_NO_SECRET = missing("secret not found", listed="vault secrets list")
_SPENT = r"^MODEL +ATTEMPTS +SETTLED +VOIDED +UNKNOWN +UNPRICED +IN +OUT +COST +OF IT UNKNOWN$"

KEYS = {
    "apikey list": Row(
        shows=(
            r"^ID +NAME +PREFIX +SCOPES +ENABLED ",
            r"^k_1 +k +tokenhub_....\.\.\..... +chat,plan,embeddings +yes ",
        ),
        of=ApiKeyPage,
        holds={"total": 1, "keys[id=k_1].name": "k", "keys[id=k_1].enabled": True},
        fails="--limit 5000",
        code=Code.REFUSED,
        says=("limit must be a whole number from 1 to 1000", "apikey list --help"),
    ),
    "apikey get": Row(
        takes="k_1",
        shows=(r"^k_1 +k +tokenhub_....\.\.\..... +chat,plan,embeddings +yes ",),
        of=ApiKey,
        holds={"id": "k_1", "scopes": ["chat", "plan", "embeddings"], "monthly_budget_usd": 0.0},
        **_NO_KEY,
    ),
    "apikey create": Row(
        takes="--name my-app --scope chat",
        shows=(r"^ID +NAME +SCOPES +KEY$", r"^key_\w+ +my-app +chat +tokenhub_\w{39}$"),
        of=ApiKeyIssued,
        holds={"ok": True, "name": "my-app", "scopes": ["chat"], "former_until": None},
        changes=True,
        fails="--name my-app --scope nope",
        code=Code.REFUSED,
        says=("scopes must be of chat, plan, embeddings, *", "apikey create --help"),
    ),
    "apikey edit": Row(
        before=(_KEY,),
        takes="<made> --tpm 100000",
        shows=(r"\Aapikey/<made> updated\n\Z",),
        of=ApiKeyDone,
        holds={"ok": True, "key.id": "<made>", "key.tokens_per_minute": 100_000},
        changes=True,
        **missing("api key not found", listed="apikey list", fails="nope --tpm 1"),
    ),
    "apikey rotate": Row(
        before=(_KEY,),
        takes="<made>",
        shows=(r"^<made> +made +chat +tokenhub_\w{39}$",),
        of=ApiKeyIssued,
        holds={"ok": True, "id": "<made>", "name": "made"},
        changes=True,
        **_NO_KEY,
    ),
    "apikey enable": Row(
        before=(_KEY,),
        takes="<made>",
        shows=(r"\Aapikey/<made> enabled\n\Z",),
        of=ApiKeyDone,
        holds={"key.id": "<made>", "key.enabled": True},
        changes=True,
        **_NO_KEY,
    ),
    "apikey disable": Row(
        before=(_KEY,),
        takes="<made>",
        shows=(r"\Aapikey/<made> disabled\n\Z",),
        of=ApiKeyDone,
        holds={"key.id": "<made>", "key.enabled": False},
        changes=True,
        **_NO_KEY,
    ),
    "apikey paid": Row(
        before=(_KEY,),
        takes="<made>",
        shows=(r"\Aapikey/<made> paid\n\Z",),
        of=ApiKeyDone,
        holds={"key.id": "<made>", "key.name": "made"},
        changes=True,
        **_NO_KEY,
    ),
    "apikey usage": Row(
        takes="k_1",
        shows=(_SPENT, r"^gpt +1 +1 +0 +0 +0 +9 +4 +\$0\.000017 +\$0$"),
        of=LedgerPage,
        holds={"total": 1, "ledger[model_id=gpt].input_tokens": 9, "sum.cost_usd": 0.000017},
        **_NO_KEY,
    ),
    "apikey delete": Row(
        before=(_KEY,),
        takes="<made>",
        shows=(r"\Aapikey/<made> deleted\n\Z",),
        of=Done,
        holds={"ok": True},
        changes=True,
        **_NO_KEY,
    ),
}

TOKENS = {
    "admin-token rotate": Row(
        takes="tha_of_the_operators_own_choice_0123456789",
        shows=(r"\Atha_of_the_operators_own_choice_0123456789\n\Z",),
        of=AdminTokenIssued,
        holds={"ok": True, "id": "admin", "token": "tha_of_the_operators_own_choice_0123456789"},
        alone=True,
        fails="short",
        code=Code.REFUSED,
        says=("token", "admin-token rotate --help"),
    ),
    "token list": unanswered(
        shows=(
            r"^NAME +ROLE +PREFIX +CREATED ",
            r"^admin +owner +tha_0123\.\.\.cdef ",
            r"^alice +viewer ",
        ),
        of=AdminTokenPage,
        holds={"total": 2, "tokens[name=alice].role": "viewer"},
    ),
    "token get": Row(
        takes="alice",
        shows=(r"^alice +viewer +tha_....\.\.\..... +\d{4}-",),
        of=AdminToken,
        holds={"name": "alice", "role": "viewer", "expires_at": None},
        **_NO_TOKEN,
    ),
    "token create": Row(
        takes="--name grafana --role viewer",
        after=("token revoke grafana",),
        shows=(r"^NAME +ROLE +EXPIRES +OLD ONE UNTIL +TOKEN$", r"^grafana +viewer .* tha_\w{64}$"),
        of=AdminTokenIssued,
        holds={"ok": True, "name": "grafana", "role": "viewer"},
        changes=True,
        fails="--name alice",
        code=Code.CONFLICT,
        says=("another admin token is called 'alice'", '"tokenhubctl token'),
    ),
    "token edit": Row(
        takes="alice --role operator",
        shows=(r"\Atoken/alice updated\n\Z",),
        of=AdminTokenDone,
        holds={"ok": True, "token.name": "alice", "token.role": "operator"},
        changes=True,
        **missing(
            "no admin token has the id or name 'nope'",
            listed="token list",
            fails="nope --role viewer",
        ),
    ),
    "token rotate": Row(
        takes="alice --overlap 10m",
        shows=(r"^NAME +ROLE +EXPIRES +OLD ONE UNTIL +TOKEN$", r"^alice +\w+ +- +\d{4}-.* tha_"),
        of=AdminTokenIssued,
        holds={"ok": True, "name": "alice"},
        changes=True,
        **_NO_TOKEN,
    ),
    "token revoke": Row(
        before=("token create --name gone",),
        takes="gone",
        shows=(r"\Atoken/gone deleted\n\Z",),
        of=Done,
        holds={"ok": True},
        changes=True,
        **_NO_TOKEN,
    ),
}

VAULT = {
    "vault status": unanswered(
        shows=(r"^State: +unlocked$", r"^Opened by: +password$", r"^Secrets: +1$"),
        of=VaultStatus,
        holds={"state": "unlocked", "slots": ["password"], "secrets": 1},
    ),
    "vault init": Row(
        takes="--password-file password.txt",
        shows=(r"\Avault set up and unlocked\n\Z",),
        of=VaultDone,
        holds={"ok": True},
        alone=True,
        fails="--password-file password.txt",
        code=Code.CONFLICT,
        says=("the vault is set up already", '"tokenhubctl vault unlock"'),
    ),
    "vault unlock": Row(
        before=("vault lock",),
        takes="--password-file password.txt",
        shows=(r"\Avault unlocked\n\Z",),
        of=VaultDone,
        holds={"ok": True},
        changes=True,
        fails="--password-file new.txt",
        code=Code.UNAUTHORIZED,
        says=("the password is wrong", "the right password, or the recovery key"),
    ),
    "vault lock": Row(
        before=("vault unlock --password-file password.txt",),
        after=("vault unlock --password-file password.txt",),
        shows=(r"\Avault locked\n\Z",),
        of=VaultLocked,
        holds={"ok": True},
        changes=True,
        fails=NOBODY,
        code=Code.UNREACHABLE,
        says=NO_ANSWER,
    ),
    "vault rotate": Row(
        takes="--old-password-file password.txt --new-password-file password.txt",
        shows=(r"\Avault password changed\n\Z",),
        of=VaultDone,
        holds={"ok": True},
        changes=True,
        fails="--old-password-file nope.txt --new-password-file new.txt",
        code=Code.USAGE,
        says=("cannot read nope.txt: No such file or directory",),
    ),
    "vault rotate-key": Row(
        shows=(r"\Avault data key rotated: \d+ secrets? sealed anew\n\Z",),
        of=KeyRotated,
        holds={"ok": True},
        changes=True,
        fails=NOBODY,
        code=Code.UNREACHABLE,
        says=NO_ANSWER,
    ),
    "vault recovery": Row(
        takes="--password-file password.txt",
        shows=(r"^RECOVERY KEY$", r"^recovery-(\w{4}-){7}\w{4}$"),
        of=RecoveryIssued,
        holds={"ok": True},
        changes=True,
        fails="--password-file new.txt",
        code=Code.UNAUTHORIZED,
        says=("the password is wrong", "the right password, or the recovery key"),
    ),
    "vault secrets list": unanswered(
        shows=(r"\ANAME\nci-token\n\Z",),
        of=SecretNames,
        holds={"secrets": ["ci-token"]},
    ),
    "vault secrets get": Row(
        takes="ci-token",
        shows=(r"\Aa secret",),
        of=Secret,
        holds={"key": "ci-token", "value": "a secret"},
        **_NO_SECRET,
    ),
    "vault secrets set": Row(
        takes="added",
        stdin="a value",
        shows=(r"\Asecret/added kept\n\Z",),
        of=SecretDone,
        holds={"ok": True, "key": "added"},
        changes=True,
        fails="added @nope.txt",
        code=Code.USAGE,
        says=("cannot read nope.txt: No such file or directory",),
    ),
    "vault secrets delete": Row(
        before=("vault secrets set gone @new.txt",),
        takes="gone",
        shows=(r"\Asecret/gone deleted\n\Z",),
        of=SecretDone,
        holds={"ok": True, "key": "gone"},
        changes=True,
        **_NO_SECRET,
    ),
}

MONEY = {
    "usage": Row(
        shows=(
            r"^Month: +\d{4}-\d\d, until ",
            r"^Spent: +\$0\.000017$",
            r"^DAY +ATTEMPTS +IN +OUT +COST$",
            r"^gpt +1 +9 +4 +\$0\.000017$",
        ),
        of=Usage,
        holds={"object": "usage", "spent_usd": 0.000017, "models[name=gpt].attempts": 1},
        fails="--key-file password.txt",
        code=Code.UNAUTHORIZED,
        says=("invalid api key: it is unknown, disabled or expired", '"tokenhubctl apikey create"'),
    ),
    "ledger list": Row(
        takes="--by model",
        shows=(_SPENT, r"^gpt +1 +1 +0 +0 +0 +9 +4 +\$0\.000017 +\$0$"),
        of=LedgerPage,
        holds={"total": 1, "ledger[model_id=gpt].attempts": 1, "sum.cost_usd": 0.000017},
        fails="--by nope",
        code=Code.REFUSED,
        says=("--by must be one or more of day, key, provider, model", "ledger list --help"),
    ),
    "ledger verify": unanswered(
        shows=(
            r"\Athe books are right: 1 requests, 1 attempts, \$0\.000017$",
            r"^held for calls under way: \$0$",
        ),
        of=LedgerVerified,
        holds={"ok": True, "problems": [], "attempts": 1, "attempts_usd": 0.000017},
    ),
}

ROWS = {**KEYS, **TOKENS, **VAULT, **MONEY}
