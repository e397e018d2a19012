"""Why an answer ended, in OpenAI's words, and its usage."""

from tokenhub.core.outcome import Usage
from tokenhub.core.talk import Finish
from tokenhub.wire import openai as wire

_READ = {
    "stop": Finish.STOP,
    "length": Finish.LENGTH,
    "tool_calls": Finish.TOOLS,
    "function_call": Finish.TOOLS,
    "content_filter": Finish.FILTERED,
    # Mistral's word for a full context, and text-generation-inference's two for a natural end.
    "model_length": Finish.CONTEXT,
    "eos_token": Finish.STOP,
    "stop_sequence": Finish.STOP_SEQUENCE,
}
_WRITTEN = {
    Finish.STOP: "stop",
    Finish.STOP_SEQUENCE: "stop",
    Finish.LENGTH: "length",
    Finish.CONTEXT: "length",
    Finish.TOOLS: "tool_calls",
    Finish.REFUSAL: "content_filter",
    Finish.FILTERED: "content_filter",
    # A pause asks for the same again, which OpenAI does not know: what there is, is whole.
    Finish.PAUSE: "stop",
}


def read(reason: object, *, stop: str, called: bool, refused: bool) -> Finish | None:
    """The reason. `stop` is the sequence that ended the answer, where the server tells it.

    Where a tool was forced, OpenAI ends its call with `stop`, and so do many servers always.
    """
    finish = _READ.get(reason) if isinstance(reason, str) else None
    if finish not in {None, Finish.STOP}:
        return finish
    if called:
        return Finish.TOOLS
    if refused and finish is not None:
        return Finish.REFUSAL
    return Finish.STOP_SEQUENCE if stop and finish is not None else finish


def write(finish: Finish | None, *, called: bool, refused: bool, legacy: bool = False) -> str:
    """The word. A refusal in the model's own words (`refused`) ends with `stop` at OpenAI.

    `legacy` is for callers of before 2023-11, who know calls of functions only.
    """
    if finish is None:
        finish = Finish.TOOLS if called else Finish.STOP
    if finish is Finish.REFUSAL and refused:
        return "stop"
    return "function_call" if legacy and finish is Finish.TOOLS else _WRITTEN[finish]


def usage(told: Usage | None) -> wire.ToldUsage | None:
    """The usage, as far as it is known."""
    if told is None:
        return None
    whole, generated = told.input_tokens, told.output_tokens
    prompt = wire.PromptDetails(
        cached_tokens=told.cached_tokens, cache_write_tokens=told.cache_write_tokens
    )
    completion = wire.CompletionDetails(reasoning_tokens=told.reasoning_tokens)
    return wire.ToldUsage(
        prompt_tokens=whole,
        completion_tokens=generated,
        total_tokens=None if whole is None or generated is None else whole + generated,
        prompt_tokens_details=None if prompt == wire.PromptDetails() else prompt,
        completion_tokens_details=None if completion == wire.CompletionDetails() else completion,
    )
