"""Tools and structured output of the chat models: what is bound, and what of it a request may hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from langchain_core.language_models import BaseChatModel
from typing_extensions import override

from langchain_volcark.wires.structured_output import (
    METHODS,
    Method,
    binding,
    choose_method,
    parser,
    schema_tool,
    with_raw,
)
from langchain_volcark.wires.tools import finish_tools, forces_call, format_tool_choice, format_tools, warn_caller

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from langchain_core.language_models import LanguageModelInput
    from langchain_core.messages import AIMessage
    from langchain_core.runnables import Runnable

    from langchain_volcark.wires.tools import ToolLike

_NO_FORCED_CALLS = (
    "its profile says that it refuses a forced call (tool_choice: False). Name another model, or pass "
    'profile={"tool_choice": True} where yours takes one.'
)


class ToolBinding(BaseChatModel):
    """A chat model that is given tools, or asked for data of a given shape."""

    if TYPE_CHECKING:

        @property
        def model_name(self) -> str:
            """The model's id."""

        @property
        def _default_params(self) -> dict[str, Any]: ...

    # --- tools --------------------------------------------------------------------------------------------

    @override
    def bind_tools(
        self,
        tools: Sequence[ToolLike],
        *,
        tool_choice: str | bool | Mapping[str, Any] | None = None,
        strict: bool | None = None,
        parallel_tool_calls: bool | None = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """Offer tools to the model.

        Args:
            tools: Functions, `BaseTool`s, pydantic classes, TypedDicts, JSON schemas, Anthropic tools, or the
                service's own tools as dicts.
            tool_choice: `"auto"`, `"none"`, `"any"` or `"required"` or True (some tool must be called), a tool's
                name, or a dict in OpenAI's form. A choice that forces a call is left out of a request, with a
                warning, where the model refuses it.
            strict: Whether arguments must match the schema exactly; None leaves it to the service.
            parallel_tool_calls: Whether the model may call several tools at once; None leaves it to the service.
            **kwargs: Any further per-call argument.

        Returns:
            A runnable that calls this model with these tools; the model itself stays as it is.

        Raises:
            ValueError: `tool_choice` names a tool that is not among `tools`, or a tool's arguments are no object.

        Example:
            ```python
            def get_weather(city: str) -> str:
                '''Weather of a city.'''
                return "sunny"


            bound = model.bind_tools([get_weather], tool_choice="any")
            bound.invoke("Weather in Hangzhou?").tool_calls
            ```
        """
        formatted = format_tools(tools, strict=strict)
        choice = format_tool_choice(tool_choice, formatted)
        if formatted:
            kwargs["tools"] = formatted
        if choice is not None:
            kwargs["tool_choice"] = choice
        if parallel_tool_calls is not None:
            kwargs["parallel_tool_calls"] = parallel_tool_calls
        return self.bind(**kwargs)

    def _finish_tools(self, body: dict[str, Any], raw: Mapping[str, Any]) -> None:
        """Write the tools, and leave out a choice that this model refuses; what the user sends `raw` stays."""
        finish_tools(body)
        choice = body.get("tool_choice")
        if not forces_call(choice) or "tool_choice" in raw:
            return
        refusal = self._why_not_forced(body)
        if refusal is not None:
            del body["tool_choice"]
            warn_caller(
                f"tool_choice={choice!r} is left out, so {body.get('model')} may answer without a call: {refusal}"
            )

    def _why_not_forced(self, body: Mapping[str, Any]) -> str | None:
        """Why the model of a request refuses a forced call, and what helps; None where it takes one."""
        profile = self.profile if body.get("model") == self.model_name else None
        if profile and "tool_choice" in profile and profile != self._resolve_model_profile():
            return None if profile["tool_choice"] else _NO_FORCED_CALLS
        return self._known_refusal(body)

    def _known_refusal(self, body: Mapping[str, Any]) -> str | None:  # noqa: ARG002
        """What the vendor's table says of forced calls with this request."""
        return None

    def _can_force_tools(self, call: Mapping[str, Any] | None = None) -> bool:
        """Whether this model takes a forced call, with these values of a call over its own."""
        return self._why_not_forced({"model": self.model_name, **self._default_params, **(call or {})}) is None

    # --- structured output --------------------------------------------------------------------------------

    def _structured_output_methods(self) -> tuple[Method, ...]:
        """What this model can do, best first."""
        return METHODS

    @override
    def with_structured_output(
        self,
        schema: Any = None,
        *,
        method: Method | None = None,
        include_raw: bool = False,
        strict: bool | None = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, Any]:
        """Make the model answer in data of a given shape.

        Args:
            schema: Pydantic class (v2 or v1), TypedDict, JSON schema or OpenAI function; None for plain JSON.
            method: `"function_calling"` (the schema is a tool), `"json_schema"` (the service holds the answer to
                the schema) or `"json_mode"` (any JSON; say in the prompt what is wanted, with the word "JSON").
                None takes the best that the model can do.
            include_raw: Return `{"raw", "parsed", "parsing_error"}` instead of raising on a bad answer.
            strict: Whether the answer must match exactly; None leaves it to the service.
            **kwargs: Any further per-call argument.

        Returns:
            A runnable that gives an instance of a pydantic class, a dict for other schemas.

        Raises:
            ValueError: The model cannot do this method (the text names one that it can), or the root of the schema
                is not an object. The runnable raises `OutputParserException`, never gives None, where the answer
                is not what was asked for: a text, a call of another tool, JSON that is broken or was cut off.

        Example:
            ```python
            from pydantic import BaseModel


            class Joke(BaseModel):
                setup: str
                punchline: str


            model.with_structured_output(Joke).invoke("Tell me a joke about cats.")
            ```
        """
        supported = self._structured_output_methods()
        chosen = choose_method(method, schema, supported, self.model_name)
        arguments = {**binding(schema, chosen, strict), **kwargs}
        advice = ""
        if chosen == "function_calling":
            # Whether the model takes a forced call is decided with each request.
            choice = arguments.pop("tool_choice", "any")
            model = self.bind_tools([schema_tool(schema, strict)], tool_choice=choice, **arguments)
            advice = self._why_not_forced({"model": self.model_name, **self._default_params, **kwargs}) or ""
        else:
            model = self.bind(**arguments)
        reader = parser(schema, chosen, advice)
        return with_raw(model, reader) if include_raw else model | reader
