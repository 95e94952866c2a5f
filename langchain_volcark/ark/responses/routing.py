"""Which of Ark's two APIs a call goes to.

The history never decides, and neither does a field that means the same in both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from langchain_volcark.ark.responses.tools import hosted_types

if TYPE_CHECKING:
    from collections.abc import Mapping

    from langchain_volcark.wires.wire import ModelCall

SWITCH = "use_responses_api"
"""The field that says which API a call goes to."""
CHAINS = "use_previous_response_id"
"""The field that lets a call go on from a stored response."""
RESPONSES_ONLY = (
    "previous_response_id",
    "caching",
    "store",
    "expire_in",
    "expire_at",
    "context_management",
    "include",
    "text",
    "instructions",
    "max_tool_calls",
    "session",
)
"""Fields that only the Responses API knows."""
_CHAT_DEFAULTS: dict[str, tuple[Any, ...]] = {
    "n": (1,),
    "logprobs": (False,),
    "top_logprobs": (0,),
    "logit_bias": ({},),
    "frequency_penalty": (0,),
    "presence_penalty": (0,),
    "repetition_penalty": (1,),
    "stream_options": (),
    "user": (),
}
CHAT_ONLY = tuple(_CHAT_DEFAULTS)
"""Fields that only the chat API knows."""
_RESPONSES_MODELS = ("doubao-seed-translation",)


def uses_responses(call: ModelCall) -> bool:
    """Whether a call goes to the Responses API.

    Args:
        call: The call; its `use_responses_api` decides where it is given, else what it asks for.

    Raises:
        ValueError: It asks for what only the other API knows; the text names both fields.
    """
    given = call.parameters
    wants = _wants_responses(given)
    excludes = _wants_chat(given, call.raw)
    chosen = given.get(SWITCH)
    if chosen is None:
        if wants and excludes:
            raise ValueError(
                f"{wants} and {excludes} exclude each other: the first is of the Responses API, the second of the "
                "chat API. Leave one out."
            )
        return bool(wants) or call.model.startswith(_RESPONSES_MODELS)
    if chosen and excludes:
        raise ValueError(f"{excludes} and {SWITCH}=True exclude each other: only the chat API knows {excludes}.")
    if not chosen and (refused := _wants_responses(given, call.raw)):
        raise ValueError(
            f"{refused} and {SWITCH}=False exclude each other: only the Responses API knows {refused}."
        )
    return bool(chosen)


def api_name(given: Mapping[str, Any], model: str) -> str:
    """The API that parameters lead to, for traces; contradictions are not examined.

    Args:
        given: The parameters of a model and a call.
        model: The model's id.
    """
    chosen = given.get(SWITCH)
    if chosen is None:
        chosen = _wants_responses(given) or model.startswith(_RESPONSES_MODELS)
    return "responses" if chosen else "chat_completions"


def needs_responses(given: Mapping[str, Any], raw: Mapping[str, Any]) -> str | None:
    """What of the parameters only the Responses API knows; None where there is nothing of it.

    Args:
        given: The parameters of a model or a call.
        raw: What of them goes out as it is.
    """
    return SWITCH if given.get(SWITCH) else _wants_responses(given, raw)


def refuse_responses(given: Mapping[str, Any], raw: Mapping[str, Any]) -> None:
    """Refuse what only the Responses API knows, for a service that has none.

    Args:
        given: The parameters of a model or a call.
        raw: What of them goes out as it is.

    Raises:
        ValueError: Names the field.
    """
    field = needs_responses({**given, "tools": None}, raw)
    if field is not None:
        raise ValueError(f"{field}: bots have no Responses API. Use ChatArk.")


def _wants_responses(given: Mapping[str, Any], raw: Mapping[str, Any] | tuple[str, ...] = ()) -> str | None:
    """What of a call only the Responses API knows; None where there is nothing of it."""
    for name in RESPONSES_ONLY:
        if given.get(name) is not None and name not in raw:
            return name
    if given.get(CHAINS):
        return CHAINS
    hosted = () if "tools" in raw else hosted_types(given.get("tools"))
    return f"the tool {hosted[0]}" if hosted else None


def _wants_chat(given: Mapping[str, Any], raw: Mapping[str, Any]) -> str | None:
    """What of a call only the chat API knows, its defaults excepted."""
    for name, defaults in _CHAT_DEFAULTS.items():
        value = given.get(name)
        if value is not None and name not in raw and value not in defaults:
            return name
    return None
