"""Converts TypedDicts to pydantic models: nested and recursive ones, `Required` and `Annotated` fields."""

from __future__ import annotations

import inspect
import re
import types
import typing
from typing import Annotated, Any, ForwardRef, Union, get_args, get_origin

import typing_extensions
from pydantic import BaseModel, ConfigDict, Field, create_model
from pydantic.errors import PydanticUserError
from pydantic.fields import FieldInfo
from typing_extensions import is_typeddict

_QUALIFIERS = {
    getattr(module, name)
    for module in (typing, typing_extensions)
    for name in ("Required", "NotRequired", "ReadOnly")
    if hasattr(module, name)
}
_NOT_REQUIRED = {getattr(module, "NotRequired", None) for module in (typing, typing_extensions)}
_REQUIRED = {getattr(module, "Required", None) for module in (typing, typing_extensions)}
_ARGUMENT = re.compile(r"^(?P<name>\*{0,2}\w+)(?:\s*\([^)]*\))?:\s*(?P<text>.*)$")
_SECTION = re.compile(r"^[A-Z][\w ]*:$")


def model_of_typed_dict(typed_dict: Any) -> type[BaseModel]:
    """Create a pydantic model with a TypedDict's name, description and fields, for its JSON schema.

    Args:
        typed_dict: The class. Fields may be `Annotated[type, default, "description"]`, langchain-core's form
            (`...` for no default), or `Annotated[type, Field(…)]`; the docstring's "Args" describe fields too.

    Returns:
        The model; nested TypedDicts become models too.

    Raises:
        ValueError: A field's type cannot be resolved, or has no JSON schema.
    """
    models = _Models()
    name = models.name_of(typed_dict)
    try:
        return models.build()[name]
    except (NameError, TypeError, AttributeError, PydanticUserError) as error:
        raise ValueError(
            f"The TypedDict {typed_dict.__name__} cannot become a JSON schema: {error}. Define the types of its "
            "fields at module level, or use a pydantic class."
        ) from error


class _Models:
    """The models of TypedDicts that refer to each other, under unique names."""

    def __init__(self) -> None:
        self._names: dict[Any, str] = {}

    def name_of(self, typed_dict: Any) -> str:
        """The name under which annotations refer to its model."""
        if typed_dict not in self._names:
            plain = re.sub(r"\W", "_", typed_dict.__name__)
            self._names[typed_dict] = f"{plain}_{len(self._names) + 1}"
        return self._names[typed_dict]

    def build(self) -> dict[str, type[BaseModel]]:
        made: dict[str, type[BaseModel]] = {}
        while waiting := [one for one in self._names if self._names[one] not in made]:
            for typed_dict in waiting:
                made[self._names[typed_dict]] = self._model(typed_dict)
        for model in made.values():
            model.model_rebuild(_types_namespace=made)
        return made

    def _model(self, typed_dict: Any) -> type[BaseModel]:
        hints = typing_extensions.get_type_hints(typed_dict, include_extras=True)
        docstring = inspect.cleandoc(vars(typed_dict).get("__doc__") or "")
        description, described = _read_docstring(docstring, set(hints))
        fields: dict[str, Any] = {}
        for name, hint in hints.items():
            is_required, kind, metadata = _unwrap(hint, required=name in typed_dict.__required_keys__)
            extras, field = _read_metadata(metadata)
            if name in described:
                field["description"] = described[name]
            if not is_required and "default" not in field:
                # A missing key is not null, so the schema must not show the default None.
                field |= {"default": None, "json_schema_extra": _drop_default}
            inner = self._replaced(kind)
            fields[f"field_{len(fields)}"] = (
                Annotated[(inner, *extras)] if extras else inner,
                Field(alias=name, title=name, **field),
            )
        config = ConfigDict(title=typed_dict.__name__, arbitrary_types_allowed=True)
        model: type[BaseModel] = create_model(
            self._names[typed_dict], __config__=config, __doc__=description or None, **fields
        )
        return model

    def _replaced(self, kind: Any) -> Any:
        """A type with each TypedDict inside replaced by a reference to its model."""
        if is_typeddict(kind):
            return ForwardRef(self.name_of(kind))
        origin, arguments = get_origin(kind), get_args(kind)
        if origin is Annotated:
            return Annotated[(self._replaced(arguments[0]), *arguments[1:])]
        if not arguments or origin in (typing.Literal, typing_extensions.Literal):
            return kind
        replaced = tuple(one if isinstance(one, list) else self._replaced(one) for one in arguments)
        if replaced == arguments:
            return kind
        if origin in (Union, types.UnionType):
            return Union[replaced]  # noqa: UP007
        return origin[replaced]


def _drop_default(schema: dict[str, Any]) -> None:
    schema.pop("default", None)


def _unwrap(hint: Any, *, required: bool) -> tuple[bool, Any, tuple[Any, ...]]:
    """Whether a field is required, its type without qualifiers, and its `Annotated` metadata."""
    metadata: tuple[Any, ...] = ()
    while (origin := get_origin(hint)) is Annotated or origin in _QUALIFIERS:
        if origin is Annotated:
            metadata = (*hint.__metadata__, *metadata)
            hint = hint.__origin__
            continue
        required = (required or origin in _REQUIRED) and origin not in _NOT_REQUIRED
        hint = get_args(hint)[0]
    return required, hint, metadata


def _read_metadata(metadata: tuple[Any, ...]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Split `Annotated` metadata into pydantic's and langchain-core's (default, description)."""
    if not metadata or isinstance(metadata[0], FieldInfo) or hasattr(metadata[0], "__get_pydantic_json_schema__"):
        return metadata, {}
    if type(metadata[0]).__module__.startswith(("annotated_types", "pydantic")):
        return metadata, {}
    field: dict[str, Any] = {} if metadata[0] is ... else {"default": metadata[0]}
    if len(metadata) > 1 and metadata[1]:
        if not isinstance(metadata[1], str):
            raise ValueError(
                f"Annotated[type, default, description] needs a text as description, not {metadata[1]!r}."
            )
        field["description"] = metadata[1]
    return (), field


def _read_docstring(text: str, names: set[str]) -> tuple[str, dict[str, str]]:
    """The description of a Google docstring, and the descriptions of these names in its "Args"."""
    before, has_arguments, block = text.partition("\nArgs:\n") if "\nArgs:\n" in text else (text, "", "")
    if not has_arguments:
        return text.strip(), {}
    described: dict[str, str] = {}
    current = None
    for line in block.splitlines():
        found = _ARGUMENT.match(line.strip())
        if _SECTION.match(line):
            break
        if found and found["name"] in names:
            current = found["name"]
            described[current] = found["text"]
        elif current and line.strip():
            described[current] = f"{described[current]} {line.strip()}"
    return before.strip(), described
