"""What `c` does: another server, or another token for this one."""

from typing import Protocol, TypeVar

import msgspec
from textual.screen import Screen

from tokenhub.client.calls.session import whoami
from tokenhub.client.contexts import Context, Contexts
from tokenhub.client.errors import BadProfile, ClientError
from tokenhub.client.profile import Profile
from tokenhub.client.transport import AsyncClient
from tokenhub_tui.dialogs.contexts import TOKEN, ChooseContext
from tokenhub_tui.dialogs.token import AskToken, Token
from tokenhub_tui.kept import Kept

SOURCE = "the console"
T = TypeVar("T")


class Server(msgspec.Struct, frozen=True, kw_only=True):
    """A server to show: how it is reached, what it is called, and what of it may be changed."""

    profile: Profile
    name: str
    context: str = ""
    accent: str = ""
    read_only: bool = False


class Console(Protocol):
    """What of the app is needed here."""

    server: Server
    kept: Kept

    async def push_screen_wait(self, screen: Screen[T], /) -> T | None: ...

    def say(self, text: str, *, tone: str = "good") -> None: ...

    def connect(self, server: Server) -> None: ...


def known(console: Console) -> Contexts:
    """The contexts; none, and a word about it, where they cannot be read."""
    try:
        return console.kept.contexts()
    except BadProfile as error:
        console.say(str(error), tone="bad")
        return Contexts()


async def choose(console: Console) -> None:
    """Let another server be chosen, and show it."""
    contexts = known(console)
    dialog = ChooseContext(contexts, console.server.context, console.kept.profile)
    chosen = await console.push_screen_wait(dialog)
    if chosen == TOKEN:
        await sign_in(console)
    elif chosen and chosen != console.server.context:
        use(console, chosen)


def use(console: Console, name: str) -> None:
    """Show the server of a context."""
    try:
        context, profile = console.kept.contexts().named(name), console.kept.profile(name)
    except BadProfile as error:
        console.say(str(error), tone="bad")
        return
    console.connect(of_context(profile, name, context))


def of_context(profile: Profile, name: str, context: Context) -> Server:
    """The server of a context."""
    return Server(
        profile=profile,
        name=name,
        context=name,
        accent=context.accent,
        read_only=context.read_only,
    )


async def sign_in(console: Console, why: str = "") -> None:
    """Ask for a token that the server takes, and go on with it."""
    server = console.server
    profile = server.profile
    name = server.context or known(console).name_of(profile.url)

    async def tries(token: str) -> str:
        try:
            async with AsyncClient(with_token(profile, token)) as client:
                await client(whoami())
        except (ClientError, UnicodeError) as error:
            return str(error)
        return ""

    place = name if console.kept.kept else ""
    given: Token | None = await console.push_screen_wait(AskToken(profile.url, why, place, tries))
    if given is None:
        return
    profile = with_token(profile, given.text)
    if given.keep and (kept := _kept(console, name, Context(url=profile.url, token=given.text))):
        console.connect(of_context(profile, name, kept))
    else:
        console.connect(msgspec.structs.replace(server, profile=profile))


def with_token(profile: Profile, token: str) -> Profile:
    """The same server, with another token."""
    return msgspec.structs.replace(profile, token=token, token_source=SOURCE)


def _kept(console: Console, name: str, context: Context) -> Context | None:
    """The context as it is kept now; None, and a word about it, where it cannot be."""
    try:
        known = console.kept.contexts().with_context(name, context)
        console.kept.keep(known)
    except BadProfile as error:
        console.say(f"It is used, and not kept: {error}", tone="bad")
        return None
    return known.contexts[name]
