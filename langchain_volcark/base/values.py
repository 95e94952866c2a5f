"""Types of settings, and the one check that constructors, assignments and calls share.

A constructor, an assignment and a keyword argument of a call read a value by the same type, and a refusal has the
same text: the field, what it must be, and the value where it is no secret.
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
_WANTED = "wanted"  # the error type of `wanted`
_PRIVATE = frozenset(
    {"model_kwargs", "extra_body", "search_kwargs", "extra_headers", "extra_query", "user_info", "bot_metadata"}
)  # they may hold a key, or say where somebody is
_BRANCH = re.compile(r"[a-z-]+\[.*\]|str|int|float|bool|callable")  # how pydantic names the branches of a union


# --- types ------------------------------------------------------------------------------------------------


def wanted(what: str) -> PydanticCustomError:
    """A validator's complaint: what the value must be, for the sentence `<field> must be <what>, not <value>`."""
    return PydanticCustomError(_WANTED, "{what}", {"what": what})


def read_number(value: Any) -> float:
    """Read a finite number; an integer stays one, for JSON tells `1` from `1.0`.

    Raises:
        PydanticCustomError: It is a bool, a text, no number, or not finite.
    """
    if isinstance(value, bool) or not isinstance(value, (numbers.Real, Decimal)):
        raise wanted("a number")
    if isinstance(value, numbers.Integral):
        return int(value)
    try:
        number = float(value)
    except (OverflowError, ValueError):
        number = math.inf
    if not math.isfinite(number):
        raise wanted("a finite number")
    return number


def _read_whole(value: Any) -> int:
    try:
        number = read_number(value)
    except PydanticCustomError:
        raise wanted("a whole number") from None
    if number != int(number):
        raise wanted("a whole number")
    return int(number)


def _read_switch(value: Any) -> bool:
    if not isinstance(value, bool):
        raise wanted("True or False")
    return value


def _kept(read: Callable[[Any], Any]) -> WrapValidator:
    """Check with a reader, then with the field's own type and bounds, and keep what the reader gave."""

    def check(value: Any, handler: ValidatorFunctionWrapHandler) -> Any:
        if value is None:
            return handler(value)
        kept = read(value)
        handler(kept)  # which turns 1 into 1.0
        return kept

    return WrapValidator(check)


Number = Annotated[float, _kept(read_number)]
"""A finite number, sent as it was given; no bool, no text."""
OptionalNumber = Annotated[float | None, _kept(read_number)]
"""The same, or None."""
Whole = Annotated[int, _kept(_read_whole)]
"""A whole number; no bool, no text."""
OptionalWhole = Annotated[int | None, _kept(_read_whole)]
"""The same, or None."""
Switch = Annotated[bool, _kept(_read_switch)]
"""True or False; nothing that merely could be read so."""
OptionalSwitch = Annotated[bool | None, _kept(_read_switch)]
"""The same, or None."""


def within(low: float, high: float, *, words: str | None = None, open_below: bool = False) -> BeforeValidator:
    """Make the bounds of a number that is no field of its own.

    Args:
        low: The least value.
        high: The greatest.
        words: The bounds in words; `between low and high` by default.
        open_below: Whether `low` itself is refused.
    """
    bounds = words or f"between {low:g} and {high:g}"

    def check(value: Any) -> float:
        try:
            number = read_number(value)
        except PydanticCustomError as error:
            raise wanted(f"{error.message()} {bounds}") from None
        if low < number <= high or (number == low and not open_below):
            return number
        raise wanted(bounds)

    return BeforeValidator(check)


def read_stop(value: Any, *, at_most: int | None = None) -> list[str] | str:
    """Read texts to stop at.

    Args:
        value: A text, or a list or tuple of texts.
        at_most: How many there may be.

    Raises:
        ValueError: There are more.
        PydanticCustomError: It is something else.
    """
    if isinstance(value, str):
        return value
    if not isinstance(value, (list, tuple)) or not all(isinstance(text, str) for text in value):
        raise wanted("a text or a list of texts")
    if at_most is not None and len(value) > at_most:
        raise ValueError(f"stop takes at most {at_most} texts, not {len(value)}.")
    return list(value)


Stop = Annotated[list[str] | str, PlainValidator(read_stop, json_schema_input_type=list[str] | str)]
"""A text or texts to stop at."""


def _read_format(value: Any) -> Any:
    if not isinstance(value, (dict, type)):
        raise wanted("a dictionary or a class")
    return value


ResponseFormat = Annotated[Any, PlainValidator(_read_format)]
"""A call's `response_format`: as the API has it, or a class that stands for its schema."""


def as_list(values: Any, what: str) -> list[Any]:
    """Read a collection of inputs of any kind: a list, a generator, the keys of a dict, an array.

    Args:
        values: What the user gave.
        what: What it should hold, for the error (`texts`).

    Raises:
        ValueError: It is one value, has no order (a set), or is no collection.
    """
    if isinstance(values, (str, bytes, bytearray)):
        raise ValueError(f"A list of {what} is wanted, not one: put it into a list.")  # noqa: TRY004
    if isinstance(values, Mapping):
        raise ValueError(f"A list of {what} is wanted, not a dict: pass its keys() or values().")  # noqa: TRY004
    if isinstance(values, (set, frozenset)):
        raise ValueError(  # noqa: TRY004
            f"A list of {what} is wanted; a set has no order, so the results could not be told apart."
        )
    if not isinstance(values, Iterable) or getattr(values, "ndim", 1) == 0:
        raise ValueError(f"A list of {what} is wanted, not {shown(values)}.")
    return list(values)


# --- environment ------------------------------------------------------------------------------------------


def from_variables(*names: str) -> Callable[[], str | None]:
    """Make a field's default: the first of these environment variables that is set and not blank."""

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
    """Read a value for a field as the constructor would.

    Args:
        model: The class that has the field.
        name: The field.
        value: The value.

    Returns:
        The value as the constructor would keep it.

    Raises:
        ValueError: Names the field, what it must be, and the value where it is no secret.
    """
    return _read(_field_adapter(model, name), name, value, model.model_fields[name])


def check_value(kind: Any, name: str, value: Any) -> Any:
    """Read a value of a type, for an argument that is no field; see `check_field`."""
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
    """Say in pydantic's error what each field must be and what it was given, secrets excepted."""
    details: list[InitErrorDetails] = [
        {"type": PydanticCustomError(one["type"], text), "loc": one["loc"][:1], "input": one["input"]}
        for one, text in _explain(error.errors(include_url=False), model.model_fields)
    ]
    return ValidationError.from_exception_data(error.title, details, hide_input=True)


def describe(error: ValidationError, model: type[BaseModel]) -> str:
    """Say in one line what each field must be and what it was given, secrets excepted."""
    return _line(_explain(error.errors(include_url=False), model.model_fields))


def _line(found: Sequence[tuple[ErrorDetails, str]]) -> str:
    return "; ".join(text.rstrip(".") for _, text in found) + "."


def shown(value: Any) -> str:
    """A value in an error's text, shortened; of objects only the type."""
    if value is None or isinstance(value, (bool, int, float, str, list, tuple, dict)):
        try:
            text = repr(value)
        except (ValueError, RecursionError):  # an integer of thousands of digits
            return f"so large a {type(value).__name__}"
        return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"
    return f"a {type(value).__module__}.{type(value).__qualname__}".replace("builtins.", "")


def _explain(errors: Sequence[ErrorDetails], fields: Mapping[str, FieldInfo]) -> list[tuple[ErrorDetails, str]]:
    """One sentence for each field that is wrong; the branches of a union are one."""
    groups: dict[Any, list[ErrorDetails]] = {}
    for one in errors:
        groups.setdefault(one["loc"][:1], []).append(one)
    return [_sentence(group, fields) for group in groups.values()]


def _sentence(group: Sequence[ErrorDetails], fields: Mapping[str, FieldInfo]) -> tuple[ErrorDetails, str]:
    name = str(group[0]["loc"][0]) if group[0]["loc"] else ""
    field = fields.get(name)
    # Of a union whose branches complain of different values, the innermost is what is wrong.
    inner = max(group, key=lambda one: len(_path(one)))
    if len(_path(inner)) > 1:
        group = [inner]
    wishes = list(dict.fromkeys(wish for one in group if (wish := _wish(one, field)) is not None))
    if len(wishes) < len({one["type"] for one in group}) or not wishes:
        first = group[0]
        text = str(first.get("ctx", {}).get("error") or first["msg"])
        return first, text if name in text or first["type"] in (
            "missing",
            "extra_forbidden",
        ) else f"{name}: {text}"
    path = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in _path(inner)).lstrip(".")
    secret = name in _PRIVATE or name.endswith("_url") or _is_secret(field)
    value = f"a {type(inner['input']).__name__}" if secret else shown(inner["input"])
    return group[0], f"{path} must be {' or '.join(wishes)}, not {value}"


def _path(error: ErrorDetails) -> tuple[int | str, ...]:
    return tuple(step for step in error["loc"] if isinstance(step, int) or not _BRANCH.fullmatch(step))


def _is_secret(field: FieldInfo | None) -> bool:
    return field is not None and (not field.repr or bool(field.exclude) or "Secret" in str(field.annotation))


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


def _wish(error: ErrorDetails, field: FieldInfo | None) -> str | None:
    """What the value must be; None where pydantic's own words must do."""
    kind, context = error["type"], error.get("ctx", {})
    own = field.metadata if field is not None and len(_path(error)) == 1 else ()
    bounds = {at: getattr(one, at) for one in own for at in _BOUNDS if getattr(one, at, None) is not None}
    if kind == _WANTED:
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
        return f"between {bounds['ge']:g} and {bounds['le']:g}"
    return " and ".join(f"{words} {bounds[at]:g}" for at, words in _BOUNDS.items() if at in bounds)
