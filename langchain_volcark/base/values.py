"""Types of settings, and their validation in constructors, assignments and calls.

A constructor, an assignment and a keyword argument of a call validate a value by the same type, and the error has
the same text: the field, what it must be, and the value unless it is a secret.
"""

from __future__ import annotations

import functools
import inspect
import math
import numbers
import os
import re
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, cast

from pydantic import (
    BaseModel,
    BeforeValidator,
    PlainValidator,
    SecretStr,
    TypeAdapter,
    ValidationError,
    WrapValidator,
)
from pydantic_core import InitErrorDetails, PydanticCustomError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydantic import ValidatorFunctionWrapHandler
    from pydantic.fields import FieldInfo
    from pydantic_core import ErrorDetails

_SHOWN = 80
_MUST_BE = "must_be"  # the error type of `must_be`
_PRIVATE = frozenset(
    {"model_kwargs", "extra_body", "search_kwargs", "extra_headers", "extra_query", "user_info", "bot_metadata"}
)  # their values may hold a key or a person's location, so errors do not show them
_BRANCH = re.compile(r"[a-z-]+\[.*\]|str|int|float|bool|callable")  # how pydantic names the branches of a union


# --- types ------------------------------------------------------------------------------------------------


def must_be(what: str) -> PydanticCustomError:
    """A validator's error: what the value must be, for the sentence `<field> must be <what>, not <value>`."""
    return PydanticCustomError(_MUST_BE, "{what}", {"what": what})


def read_number(value: Any) -> float:
    """Validate a finite number; an integer stays an integer, because JSON distinguishes `1` and `1.0`.

    Raises:
        PydanticCustomError: It is a bool, a string, another type, or not finite.
    """
    if isinstance(value, bool) or not isinstance(value, (numbers.Real, Decimal)):
        raise must_be("a number")
    if isinstance(value, numbers.Integral):
        return int(value)
    try:
        number = float(value)
    except (OverflowError, ValueError):
        number = math.inf
    if not math.isfinite(number):
        raise must_be("a finite number")
    return number


def _read_whole(value: Any) -> int:
    try:
        number = read_number(value)
    except PydanticCustomError:
        raise must_be("a whole number") from None
    if number != int(number):
        raise must_be("a whole number")
    return int(number)


def _read_switch(value: Any) -> bool:
    if not isinstance(value, bool):
        raise must_be("True or False")
    return value


def _validated_by(read: Callable[[Any], Any]) -> WrapValidator:
    """Validate with a reader, then by the field's type and bounds; keep the value that the reader returned."""

    def check(value: Any, handler: ValidatorFunctionWrapHandler) -> Any:
        if value is None:
            return handler(value)
        kept = read(value)
        handler(kept)  # its result is not used: it turns 1 into 1.0
        return kept

    return WrapValidator(check)


Number = Annotated[float, _validated_by(read_number)]
"""A finite number, sent as given; not a bool or a string."""
OptionalNumber = Annotated[float | None, _validated_by(read_number)]
"""A `Number` or None."""
Whole = Annotated[int, _validated_by(_read_whole)]
"""A whole number; not a bool or a string."""
OptionalWhole = Annotated[int | None, _validated_by(_read_whole)]
"""A `Whole` or None."""
Switch = Annotated[bool, _validated_by(_read_switch)]
"""True or False; not 0, 1 or a string."""
OptionalSwitch = Annotated[bool | None, _validated_by(_read_switch)]
"""A `Switch` or None."""


def _bound(value: float) -> str:
    """A bound in full digits, as long as it is whole."""
    return str(int(value)) if float(value).is_integer() else f"{value:g}"


def within(low: float, high: float, *, words: str | None = None, open_below: bool = False) -> BeforeValidator:
    """A validator for the bounds of a number that is not itself a field.

    Args:
        low: The least value.
        high: The greatest.
        words: The bounds in words; `between low and high` by default.
        open_below: Whether `low` itself is refused.
    """
    bounds = words or f"between {_bound(low)} and {_bound(high)}"

    def check(value: Any) -> float:
        try:
            number = read_number(value)
        except PydanticCustomError as error:
            raise must_be(f"{error.message()} {bounds}") from None
        if low < number <= high or (number == low and not open_below):
            return number
        raise must_be(bounds)

    return BeforeValidator(check)


def read_stop(value: Any, *, at_most: int | None = None) -> list[str] | str:
    """Validate stop sequences.

    Args:
        value: A string, or a list or tuple of strings.
        at_most: The maximum number of stop sequences.

    Raises:
        ValueError: There are more.
        PydanticCustomError: It is neither a string nor a list of strings.
    """
    if isinstance(value, str):
        return value
    if not isinstance(value, (list, tuple)) or not all(isinstance(text, str) for text in value):
        raise must_be("a text or a list of texts")
    if at_most is not None and len(value) > at_most:
        raise ValueError(f"stop takes at most {at_most} texts, not {len(value)}.")
    return list(value)


Stop = Annotated[list[str] | str, PlainValidator(read_stop, json_schema_input_type=list[str] | str)]
"""One stop sequence or a list of them."""


def _read_format(value: Any) -> Any:
    if not isinstance(value, (dict, type)):
        raise must_be("a dictionary or a class")
    return value


ResponseFormat = Annotated[Any, PlainValidator(_read_format)]
"""The `response_format` argument of a call: in the API's form, or a class with a JSON schema."""


def as_list(values: Any, what: str) -> list[Any]:
    """Convert any ordered collection of inputs to a list: a list, a generator, the keys of a dict, an array.

    Args:
        values: The value given by the caller.
        what: What it should hold, for the error (`texts`).

    Raises:
        ValueError: It is a single value, has no order (a set), or is not a collection.
    """
    if isinstance(values, (str, bytes, bytearray)):
        raise ValueError(f"Expected a list of {what}, not a single value: put it into a list.")  # noqa: TRY004
    if isinstance(values, Mapping):
        raise ValueError(f"Expected a list of {what}, not a dict: pass its keys() or values().")  # noqa: TRY004
    if isinstance(values, (set, frozenset)):
        raise ValueError(  # noqa: TRY004
            f"Expected a list of {what}; a set has no order, so results could not be matched to inputs."
        )
    if not isinstance(values, Iterable) or getattr(values, "ndim", 1) == 0:
        raise ValueError(f"Expected a list of {what}, not {shown(values)}.")
    return list(values)


# --- environment ------------------------------------------------------------------------------------------


def from_variables(*names: str) -> Callable[[], str | None]:
    """A field's default factory: the first of these environment variables that is set and not blank."""

    def read() -> str | None:
        return next((value for name in names if (value := os.environ.get(name, "")).strip()), None)

    return read


def secret_from_variables(*names: str) -> Callable[[], SecretStr | None]:
    """Same as `from_variables`, for a secret."""
    read = from_variables(*names)

    def read_secret() -> SecretStr | None:
        value = read()
        return None if value is None else SecretStr(value)

    return read_secret


# --- checks -----------------------------------------------------------------------------------------------


def check_field(model: type[BaseModel], name: str, value: Any) -> Any:
    """Validate a value for a field like the constructor.

    Args:
        model: The class that has the field.
        name: The field.
        value: The value.

    Returns:
        The value as the constructor would store it.

    Raises:
        ValueError: The text has the field, what it must be, and the value unless it is a secret.
    """
    return _read(_field_adapter(model, name), name, value, model.model_fields[name])


def check_value(kind: Any, name: str, value: Any) -> Any:
    """Same as `check_field`, for an argument that is not a field but has a type."""
    return _read(_adapter(kind), name, value, None)


def _read(adapter: TypeAdapter[Any], name: str, value: Any, field: FieldInfo | None) -> Any:
    try:
        return adapter.validate_python(value)
    except ValidationError as error:
        details = [{**one, "loc": (name, *one["loc"])} for one in error.errors(include_url=False)]
        found = _explain(cast("list[ErrorDetails]", details), {} if field is None else {name: field})
        raise ValueError(_line(found)) from None


@functools.lru_cache(maxsize=512)
def _field_adapter(model: type[BaseModel], name: str) -> TypeAdapter[Any]:
    field = model.model_fields[name]
    parts: Any = (field.annotation, *field.metadata)
    return TypeAdapter(Annotated[parts] if field.metadata else field.annotation)  # type: ignore[arg-type]


@functools.lru_cache(maxsize=64)
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


@functools.cache
def own_fields(model: type[BaseModel]) -> frozenset[str]:
    """The fields that this package's classes declare, without those of langchain-core's bases."""
    package = __name__.partition(".")[0]
    ours = [base for base in model.__mro__ if base.__module__.partition(".")[0] == package]
    return frozenset(name for base in ours for name in inspect.get_annotations(base) if name in model.model_fields)


def readable(error: ValidationError, model: type[BaseModel]) -> ValidationError:
    """A pydantic error with our texts: what each field must be and what was given, except for secrets."""
    details: list[InitErrorDetails] = [
        {"type": PydanticCustomError(one["type"], text), "loc": one["loc"][:1], "input": one["input"]}
        for one, text in _explain(error.errors(include_url=False), model.model_fields)
    ]
    return ValidationError.from_exception_data(error.title, details, hide_input=True)


def describe(error: ValidationError, model: type[BaseModel]) -> str:
    """One line of text for a pydantic error: what each field must be and what was given, except for secrets."""
    return _line(_explain(error.errors(include_url=False), model.model_fields))


def _line(found: Sequence[tuple[ErrorDetails, str]]) -> str:
    return "; ".join(text.rstrip(".") for _, text in found) + "."


def shown(value: Any) -> str:
    """A value for an error's text, shortened; for objects only the type."""
    if value is None or isinstance(value, (bool, int, float, str, list, tuple, dict)):
        try:
            text = repr(value)
        except (ValueError, RecursionError):  # an integer of thousands of digits
            return f"so large a {type(value).__name__}"
        return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"
    return f"a {type(value).__module__}.{type(value).__qualname__}".replace("builtins.", "")


def _explain(errors: Sequence[ErrorDetails], fields: Mapping[str, FieldInfo]) -> list[tuple[ErrorDetails, str]]:
    """One sentence per invalid field; the errors of a union's branches are combined."""
    groups: dict[Any, list[ErrorDetails]] = {}
    for one in errors:
        groups.setdefault(one["loc"][:1], []).append(one)
    return [_sentence(group, fields) for group in groups.values()]


def _sentence(group: Sequence[ErrorDetails], fields: Mapping[str, FieldInfo]) -> tuple[ErrorDetails, str]:
    name = str(group[0]["loc"][0]) if group[0]["loc"] else ""
    field = fields.get(name)
    # Where a union's branches report different values, the innermost one is the cause.
    inner = max(group, key=lambda one: len(_path(one)))
    if len(_path(inner)) > 1:
        group = [inner]
    expected = list(dict.fromkeys(text for one in group if (text := _expected(one, field)) is not None))
    if len(expected) < len({one["type"] for one in group}) or not expected:
        first = group[0]
        text = str(first.get("ctx", {}).get("error") or first["msg"])
        return first, text if name in text or first["type"] in (
            "missing",
            "extra_forbidden",
        ) else f"{name}: {text}"
    path = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in _path(inner)).lstrip(".")
    secret = name in _PRIVATE or name.endswith("_url") or _is_secret(field)
    value = f"a {type(inner['input']).__name__}" if secret else shown(inner["input"])
    return group[0], f"{path} must be {' or '.join(expected)}, not {value}"


def _path(error: ErrorDetails) -> tuple[int | str, ...]:
    return tuple(step for step in error["loc"] if isinstance(step, int) or not _BRANCH.fullmatch(step))


def _is_secret(field: FieldInfo | None) -> bool:
    if field is None or field.annotation is int:  # such as max_connections, which is only no part of a dump
        return False
    return not field.repr or bool(field.exclude) or "Secret" in str(field.annotation)


_KINDS = {
    "string_type": "a text",
    "bool_type": "True or False",
    "bool_parsing": "True or False",
    "int_type": "a whole number",
    "float_type": "a number",
    "dict_type": "a dictionary",
    "list_type": "a list",
    "callable_type": "a callable",
    "none_required": "None",
}


def _expected(error: ErrorDetails, field: FieldInfo | None) -> str | None:
    """What the value must be; None where only pydantic's own text describes it."""
    kind, context = error["type"], error.get("ctx", {})
    own = field.metadata if field is not None and len(_path(error)) == 1 else ()
    bounds = {at: getattr(one, at) for one in own for at in _BOUNDS if getattr(one, at, None) is not None}
    if kind == _MUST_BE:
        what = str(context["what"])
        return f"{what} {interval(bounds)}" if bounds and what.endswith("number") else what
    if kind == "literal_error":
        return str(context["expected"])
    if kind == "is_instance_of":
        return f"an instance of {context['class']}"
    if kind in ("greater_than", "greater_than_equal", "less_than", "less_than_equal"):
        return interval({**context, **bounds})
    return _KINDS.get(kind)


_BOUNDS = {"gt": "more than", "ge": "at least", "lt": "less than", "le": "at most"}


def interval(bounds: Mapping[str, Any]) -> str:
    """An interval in words.

    Args:
        bounds: Any of `gt`, `ge`, `lt`, `le`.
    """
    if bounds.keys() == {"ge", "le"}:
        return f"between {_bound(bounds['ge'])} and {_bound(bounds['le'])}"
    return " and ".join(f"{words} {_bound(bounds[at])}" for at, words in _BOUNDS.items() if at in bounds)
