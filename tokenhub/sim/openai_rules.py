"""What OpenAI refuses in a chat completion request beyond its types, in the vendor's words."""

import re

from tokenhub.sim import media, openai_models, schemas
from tokenhub.sim.call import Refused
from tokenhub.sim.openai_ask import (
    Audio,
    File,
    Image,
    LenientMessage,
    LenientRequest,
    NamedChoice,
    ObjectFormat,
    Part,
    Refusal,
    SchemaFormat,
    Text,
)

MAX_STOPS = 4
MAX_ID = 40
NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}\Z")
TAGS: dict[type, str] = {
    Text: "text",
    Image: "image_url",
    Audio: "input_audio",
    File: "file",
    Refusal: "refusal",
}
WITH_PARTS: dict[str, tuple[type, ...]] = {
    "user": (Text, Image, Audio, File),
    "assistant": (Text, Refusal),
}


def check(request: LenientRequest) -> None:
    """Raises Refused for what no model of the vendor would take, or this one would not."""
    openai_models.check(request)
    _options(request)
    _numbers(request)
    if request.tools is not None or request.tool_choice is not None:
        _tools(request)
    elif request.parallel_tool_calls is not None:
        raise _only_with_tools("parallel_tool_calls")
    if request.response_format is not None:
        _format(request)
    waiting: list[str] = []
    caller = 0
    for place, message in enumerate(request.messages):
        if message.role == "tool":
            _result(message, place, waiting)
            continue
        if waiting:
            raise _unanswered(waiting, caller)
        if message.tool_calls is not None:
            waiting, caller = _calls(message, place), place
        if not isinstance(message.content, str):
            _content(message, place)
    if waiting:
        raise _unanswered(waiting, caller)


def _options(request: LenientRequest) -> None:
    if (request.n or 1) > 1:
        raise Refused("The simulation gives one choice; ask with n = 1.", param="n")
    if request.stream_options and not request.stream:
        raise Refused(
            "The 'stream_options' parameter is only allowed when 'stream' is enabled.",
            param="stream_options",
        )
    if request.max_tokens is not None and request.max_completion_tokens is not None:
        raise Refused(
            "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported.",
            param="max_tokens",
            code="invalid_parameter_combination",
        )
    if request.stop and len(request.stops()) > MAX_STOPS:
        raise Refused(
            f"Invalid 'stop': array too long. Expected an array with maximum length {MAX_STOPS}, "
            f"but got an array with length {len(request.stops())} instead.",
            param="stop",
            code="array_above_max_length",
        )


def _numbers(request: LenientRequest) -> None:
    if request.temperature is not None:
        _within("temperature", request.temperature, 0, 2)
    if request.top_p is not None:
        _within("top_p", request.top_p, 0, 1)
    if request.frequency_penalty is not None:
        _within("frequency_penalty", request.frequency_penalty, -2, 2)
    if request.presence_penalty is not None:
        _within("presence_penalty", request.presence_penalty, -2, 2)


def _within(name: str, value: float, low: int, high: int) -> None:
    if low <= value <= high:
        return
    side, sign, limit = (
        ("below minimum", ">=", low) if value < low else ("above maximum", "<=", high)
    )
    raise Refused(
        f"Invalid '{name}': decimal {side} value. "
        f"Expected a value {sign} {limit}, but got {value} instead.",
        param=name,
        code=f"decimal_{side.replace(' minimum', '_min').replace(' maximum', '_max')}_value",
    )


def _tools(request: LenientRequest) -> None:
    tools = request.tools
    if tools is None:
        raise _only_with_tools("tool_choice")
    if not tools:
        raise _empty("tools")
    for place, tool in enumerate(tools):
        _name(f"tools[{place}].function.name", tool.function.name)
        why = schemas.strict(tool.function.parameters or {}) if tool.function.strict else ""
        if why:
            raise Refused(
                f"Invalid schema for function '{tool.function.name}': {why}",
                param=f"tools[{place}].function.parameters",
                code="invalid_function_parameters",
            )
    choice = request.tool_choice
    if isinstance(choice, NamedChoice) and choice.function.name not in {
        tool.function.name for tool in tools
    }:
        raise Refused(
            f"Tool choice '{choice.function.name}' not found in 'tools' parameter.",
            param="tool_choice",
        )


def _format(request: LenientRequest) -> None:
    wish = request.response_format
    if isinstance(wish, ObjectFormat) and not any(
        "json" in message.text().lower() for message in request.messages
    ):
        raise Refused(
            "'messages' must contain the word 'json' in some form, to use 'response_format' of "
            "type 'json_object'.",
            param="messages",
        )
    if isinstance(wish, SchemaFormat):
        schema = wish.json_schema
        _name("response_format.json_schema.name", schema.name)
        if why := schemas.strict(schema.schema) if schema.strict else "":
            raise Refused(
                f"Invalid schema for response_format '{schema.name}': {why}",
                param="response_format",
            )


def _calls(message: LenientMessage, place: int) -> list[str]:
    """The ids of the calls, which the next messages must answer."""
    at = f"messages[{place}].tool_calls"
    if message.role != "assistant":
        raise Refused(f"Unknown parameter: '{at}'.", param=at, code="unknown_parameter")
    if not message.tool_calls:
        raise _empty(at)
    for number, call in enumerate(message.tool_calls):
        _name(f"{at}[{number}].function.name", call.function.name)
        if len(call.id) > MAX_ID:
            raise Refused(
                f"Invalid '{at}[{number}].id': string too long. Expected a string with maximum "
                f"length {MAX_ID}, but got a string with length {len(call.id)} instead.",
                param=f"{at}[{number}].id",
                code="string_above_max_length",
            )
    return [call.id for call in message.tool_calls]


def _result(message: LenientMessage, place: int, waiting: list[str]) -> None:
    """Takes the id that the tool's message answers from those that wait."""
    at = f"messages[{place}]"
    if not message.tool_call_id:
        raise Refused(
            f"Missing required parameter: '{at}.tool_call_id'.",
            param=f"{at}.tool_call_id",
            code="missing_required_parameter",
        )
    if not waiting:
        raise Refused(
            "Invalid parameter: messages with role 'tool' must be a response to a preceeding "
            "message with 'tool_calls'.",
            param=f"{at}.role",
        )
    if message.tool_call_id not in waiting:
        raise Refused(
            f"Invalid parameter: 'tool_call_id' of '{message.tool_call_id}' not found in "
            "'tool_calls' of previous message.",
            param=f"{at}.tool_call_id",
        )
    waiting.remove(message.tool_call_id)
    if not isinstance(message.content, str):
        _content(message, place)


def _content(message: LenientMessage, place: int) -> None:
    at = f"messages[{place}].content"
    if message.content is None:
        if message.tool_calls or message.refusal or message.audio or message.function_call:
            return
        raise Refused("Invalid value for 'content': expected a string, got null.", param=at)
    if not message.content:
        raise _empty(at)
    allowed = WITH_PARTS.get(message.role, (Text,))
    for number, part in enumerate(message.parts()):
        if not isinstance(part, allowed):
            raise Refused(
                f"Invalid value: '{part.__struct_config__.tag}'. Supported values are: "
                f"{', '.join(repr(TAGS[kind]) for kind in allowed)}.",
                param=f"{at}[{number}]",
                code="invalid_value",
            )
        _media(part, f"{at}[{number}]")


def _media(part: Part, at: str) -> None:
    if isinstance(part, Image):
        _image(part.image_url.url, f"{at}.image_url")
    if isinstance(part, File):
        _file(part, f"{at}.file")


def _image(url: str, at: str) -> None:
    if url.startswith(("https://", "http://")):
        return
    inline = media.data_url(url)
    if inline is None:
        raise Refused(
            "Invalid image URL: expected an HTTP(S) URL or base64 data with its media type.",
            param=f"{at}.url",
            code="invalid_image_url",
        )
    content = media.decoded(inline[1])
    if content is None:
        raise Refused("Invalid base64 image_url.", param=at, code="invalid_base64")
    if inline[0] not in media.IMAGES or media.kind(content) not in {"", *media.IMAGES}:
        raise Refused(
            "You uploaded an unsupported image. Please make sure your image has of one the "
            "following formats: ['png', 'jpeg', 'gif', 'webp'].",
            param=at,
            code="invalid_image_format",
        )


def _file(part: File, at: str) -> None:
    if part.file.file_id and not part.file.file_data:
        return
    inline = media.data_url(part.file.file_data)
    if inline is None or media.decoded(inline[1]) is None:
        raise Refused(
            f"Invalid '{at}.file_data': expected base64 data with its media type.",
            param=f"{at}.file_data",
            code="invalid_value",
        )
    if not part.file.filename:
        raise Refused(
            f"Missing required parameter: '{at}.filename'.",
            param=f"{at}.filename",
            code="missing_required_parameter",
        )


def _name(at: str, name: str) -> None:
    if not NAME.match(name):
        raise Refused(
            f"Invalid '{at}': string does not match pattern. Expected a string that matches the "
            "pattern '^[a-zA-Z0-9_-]+$'.",
            param=at,
            code="invalid_value",
        )


def _empty(at: str) -> Refused:
    return Refused(
        f"Invalid '{at}': empty array. Expected an array with minimum length 1, but got an empty "
        "array instead.",
        param=at,
        code="empty_array",
    )


def _only_with_tools(name: str) -> Refused:
    text = f"Invalid value for '{name}': '{name}' is only allowed when 'tools' are specified."
    return Refused(text, param=name)


def _unanswered(waiting: list[str], caller: int) -> Refused:
    return Refused(
        "An assistant message with 'tool_calls' must be followed by tool messages responding to "
        "each 'tool_call_id'. The following tool_call_ids did not have response messages: "
        f"{', '.join(waiting)}",
        param=f"messages[{caller}].tool_calls",
    )
