"""`tokenhubctl chat`."""

from typing import TYPE_CHECKING, Annotated

import msgspec
import typer
from msgspec.structs import replace

from tokenhub.client.calls import public
from tokenhub.client.calls.observe import get_request
from tokenhub.client.errors import ClientError, Unreadable
from tokenhub.wire.openai import FullCompletion
from tokenhub_cli import options
from tokenhub_cli.asking import Answering, counted, request, text_of, told
from tokenhub_cli.fields import content_of
from tokenhub_cli.keyed import KeyFile, KeyStdin, keyed
from tokenhub_cli.options import Form
from tokenhub_cli.session import Session, load_profile, open_session

if TYPE_CHECKING:
    from tokenhub.client.transport import Opened

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command("chat")
def chat(
    ctx: typer.Context,
    prompt: Annotated[
        str, typer.Argument(metavar="PROMPT", help="What to ask; @FILE, or - for stdin.")
    ],
    *,
    model: Annotated[
        str | None,
        typer.Option("--model", "-m", help="Who is to answer; else the router's choice."),
    ] = None,
    system: Annotated[
        str | None, typer.Option("--system", metavar="TEXT", help="What to tell it before.")
    ] = None,
    mode: Annotated[str | None, typer.Option("--mode", help="Such as cheap or thompson.")] = None,
    budget: Annotated[
        float | None, typer.Option("--budget", metavar="USD", help="Most that it may cost.")
    ] = None,
    latency: Annotated[
        int | None, typer.Option("--latency", metavar="MS", help="Longest that it may take.")
    ] = None,
    min_weight: Annotated[
        int | None, typer.Option("--min-weight", help="Least weight of the models, 0 to 10.")
    ] = None,
    max_tokens: Annotated[
        int | None, typer.Option("--max-tokens", help="Longest answer.", min=1)
    ] = None,
    temperature: Annotated[
        float | None, typer.Option("--temperature", help="How free its words are.")
    ] = None,
    stream: Annotated[
        bool, typer.Option("--stream/--no-stream", help="Show it as it comes, or when it is whole.")
    ] = True,
    key_file: KeyFile = None,
    key_stdin: KeyStdin = False,
) -> None:
    """Ask a model, with an API key.

    The answer is all that is printed. The key is that of --key-stdin, --key-file or
    TOKENHUB_API_KEY. Who answered, what it cost and the request's id stand on stderr; the cost
    needs the admin token as well.

    Example: tokenhubctl chat -m gpt "Say hello"

    Example: tokenhubctl chat --mode cheap --max-tokens 100 "Say hello"
    """
    if key_stdin and prompt == "-":
        raise typer.BadParameter("stdin can hold the key or the prompt; give one by a file")
    shared = options.given(ctx)
    stream = stream and shared.form in {Form.TABLE, Form.WIDE, Form.VALUE}
    asked = replace(
        request(_text(prompt), model=model, system=system, stream=stream),
        max_tokens=max_tokens,
        temperature=temperature,
    )
    policy = {
        "X-TokenHub-Mode": mode,
        "X-TokenHub-Max-Budget-Usd": budget,
        "X-TokenHub-Max-Latency-Ms": latency,
        "X-TokenHub-Min-Weight": min_weight,
    }
    headers = [(name, str(value)) for name, value in policy.items() if value is not None]
    with (
        keyed(ctx, file=key_file, stdin=key_stdin) as tokenhub,
        tokenhub.opened(public.complete(asked, headers=headers)) as opened,
    ):
        tokens = _streamed(tokenhub, opened) if stream else _whole(tokenhub, opened)
        _tell(ctx, tokenhub, opened, tokens)


def _text(prompt: str) -> str:
    content = content_of(prompt)
    text = content if isinstance(content, str) else content.decode("utf-8", "replace")
    if not text.strip():
        raise typer.BadParameter("the prompt is empty")
    return text


def _streamed(tokenhub: Session, opened: "Opened") -> tuple[int, int] | None:
    """Write the answer as it comes."""
    answering = Answering(opened.portions)
    last = ""
    try:
        for last in answering.texts():
            tokenhub.output.piece(last)
    finally:
        if not last.endswith("\n"):
            tokenhub.output.piece("\n")
    return answering.tokens


def _whole(tokenhub: Session, opened: "Opened") -> tuple[int, int] | None:
    """Write the answer when all of it is there; JSON is the server's own."""
    body = b"".join(opened.portions)
    try:
        answer = msgspec.json.decode(body, type=FullCompletion)
        whole = msgspec.json.decode(body)
    except msgspec.DecodeError as error:
        raise Unreadable(tokenhub.profile.url, str(error)) from error
    if tokenhub.output.form in {Form.TABLE, Form.WIDE, Form.VALUE}:
        for choice in answer.choices:
            text = text_of(choice.message.content)
            tokenhub.output.piece(text if text.endswith("\n") else text + "\n")
    else:
        tokenhub.output.document(whole)
    return counted(answer.usage)


def _tell(
    ctx: typer.Context, tokenhub: Session, opened: "Opened", tokens: tuple[int, int] | None
) -> None:
    """Who answered and what it cost, which the log tells to who has the admin token."""
    if tokenhub.output.quiet:
        return
    cost, known = None, False
    try:
        profile = load_profile(ctx)
        request_id = opened.headers.get("x-request-id", "")
        if profile.token and request_id:
            with open_session(ctx, profile) as admin:
                cost, known = admin(get_request(request_id)).estimated_cost_usd, True
    except ClientError:
        # The answer is there; what it cost is for who may know.
        known = False
    tokenhub.output.note(told(opened.headers, tokens=tokens, cost_usd=cost, known=known))
