"""`bind_tools` and `with_structured_output` of all chat models, and the check for models without forced calls."""

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
    """A chat model with tools and structured output."""

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
            A runnable that calls this model with these tools; the model itself is not changed.

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
        """Convert the tools, and leave out a choice that this model refuses, unless it is from `raw`."""
        finish_tools(body)
        choice = body.get("tool_choice")
        if not forces_call(choice) or "tool_choice" in raw:
            return
        refusal = self._forced_call_refusal(body)
        if refusal is not None:
            del body["tool_choice"]
            warn_caller(
                f"tool_choice={choice!r} is left out, so {body.get('model')} may answer without a call: {refusal}"
            )

    def _forced_call_refusal(self, body: Mapping[str, Any]) -> str | None:
        """Why the model of a request refuses a forced call, with advice; None where it accepts one."""
        profile = self.profile if body.get("model") == self.model_name else None
        if profile and "tool_choice" in profile and profile != self._resolve_model_profile():
            return None if profile["tool_choice"] else _NO_FORCED_CALLS
        return self._known_refusal(body)

    def _known_refusal(self, body: Mapping[str, Any]) -> str | None:  # noqa: ARG002
        """Why the model refuses a forced call according to the vendor's table; None where it does not."""
        return None

    def _can_force_tools(self, call: Mapping[str, Any] | None = None) -> bool:
        """Whether this model accepts a forced call, with these arguments of a call."""
        return (
            self._forced_call_refusal({"model": self.model_name, **self._default_params, **(call or {})}) is None
        )

    # --- structured output --------------------------------------------------------------------------------

    def _structured_output_methods(self) -> tuple[Method, ...]:
        """The methods that this model supports, best first."""
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
        """Make the model answer with data of a given schema.

        Args:
            schema: Pydantic class (v2 or v1), TypedDict, JSON schema or OpenAI function; None for plain JSON.
            method: `"function_calling"` (the schema is a tool), `"json_schema"` (the service enforces the schema)
                or `"json_mode"` (any JSON; describe it in the prompt, with the word "JSON"). None uses the best
                method that the model supports.
            include_raw: Return `{"raw", "parsed", "parsing_error"}` instead of raising on a bad answer.
            strict: Whether the answer must match exactly; None leaves it to the service.
            **kwargs: Any further per-call argument.

        Returns:
            A runnable that returns an instance of a pydantic class, or a dict for other schemas.

        Raises:
            ValueError: The model does not support this method (the text names one that it supports), or the root
                of the schema is not an object. The runnable raises `OutputParserException`, and never returns
                None, where the answer does not match: a text, a call of another tool, JSON that is invalid or was
                cut off.

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
            # Whether the model accepts a forced call is checked for each request.
            own, others = schema_tool(schema, strict), arguments.pop("tools", None) or []
            choice = arguments.pop("tool_choice", own["function"]["name"] if others else "any")
            model = self.bind_tools([own, *others], tool_choice=choice, **arguments)
            advice = self._forced_call_refusal({"model": self.model_name, **self._default_params, **kwargs}) or ""
        else:
            model = self.bind(**arguments)
        reader = parser(schema, chosen, advice)
        return with_raw(model, reader) if include_raw else model | reader
