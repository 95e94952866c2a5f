"""What is sent for a tool or a schema says what its source says: recursion, maps, unions, optional fields."""

from __future__ import annotations

import dataclasses
import enum
import functools
import json
from collections.abc import Callable
from typing import Annotated, Any, Literal, Optional, TypedDict, Union

import jsonschema
import pydantic.v1 as pydantic_v1
import pytest
import typing_extensions
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from langchain_core.tools import StructuredTool, Tool, tool
from langchain_core.utils.function_calling import convert_to_json_schema, convert_to_openai_tool
from pydantic import BaseModel, Field, RootModel, create_model
from typing_extensions import NotRequired, Required

from langchain_volcark import ChatArk
from langchain_volcark.ark.schemas import rewrite_response_format, rewrite_schema
from langchain_volcark.emulator.ark.schemas import check_schema
from langchain_volcark.wires.schemas.functions import to_function, to_tool
from langchain_volcark.wires.schemas.json_schemas import close_objects, inline_references
from langchain_volcark.wires.structured_output import binding, json_schema_format, schema_tool
from langchain_volcark.wires.tools import format_tools


class Node(BaseModel):
    """A node."""

    name: str
    children: list[Node] = []


class NodeV1(pydantic_v1.BaseModel):
    """A node."""

    name: str
    children: list[NodeV1] = []


NodeV1.update_forward_refs()


class NodeDict(TypedDict):
    """A node."""

    name: str
    children: NotRequired[list[NodeDict]]


@dataclasses.dataclass
class NodeData:
    """A node."""

    name: str
    children: list[NodeData] = dataclasses.field(default_factory=list)


class Even(BaseModel):
    """Refers to itself through another."""

    odd: Optional[Odd] = None  # noqa: UP045


class Odd(BaseModel):
    even: Even


Even.model_rebuild()


@tool
def plant(root: Node, depth: int = 1) -> str:
    """Plant a tree.

    Args:
        root: Its root.
        depth: How deep.
    """
    return f"{root.name} {depth}"


def grow(root: Node) -> str:
    """Grow a tree.

    Args:
        root: Its root.
    """
    return root.name


RECURSIVE: dict[str, Any] = {
    "pydantic": Node,
    "pydantic v1": NodeV1,
    "TypedDict": NodeDict,
    "dataclass": NodeData,
    "JSON schema": Node.model_json_schema() | {"title": "Node"},
}
TREE = {"name": "a", "children": [{"name": "b", "children": [{"name": "c", "children": []}]}]}
NO_TREE = {"name": "a", "children": [{"name": "b", "children": [{"name": 3}]}]}


def accepts(schema: Any, value: Any) -> bool:
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema).is_valid(value)


def sent(source: Any, strict: bool | None = None) -> list[dict[str, Any]]:
    """The schema in each place where it is sent."""
    wanted = rewrite_response_format(json_schema_format(source, strict))["json_schema"]["schema"]
    check_schema(wanted, "schema", strict=True)
    bound = format_tools([source], strict=strict)[0]["function"]["parameters"]
    return [wanted, schema_tool(source, strict)["function"]["parameters"], bound]


@pytest.mark.parametrize("strict", [None, False, True])
@pytest.mark.parametrize("kind", RECURSIVE)
def test_a_recursive_schema_keeps_its_recursion(kind: str, strict: bool | None) -> None:
    for schema in sent(RECURSIVE[kind], strict):
        assert schema["type"] == "object"
        assert accepts(schema, TREE)
        assert not accepts(schema, NO_TREE)


def test_a_definition_that_comes_back_through_another_is_kept() -> None:
    for schema in sent(Even):
        assert accepts(schema, {"odd": {"even": {"odd": {"even": {}}}}})
        assert not accepts(schema, {"odd": {"even": {"odd": {"even": 3}}}})


@pytest.mark.parametrize("source", [plant, grow, StructuredTool.from_function(grow)])
def test_a_tool_with_a_recursive_argument_keeps_the_recursion(source: Any) -> None:
    function = to_function(source)
    assert accepts(function["parameters"], {"root": TREE})
    assert not accepts(function["parameters"], {"root": NO_TREE})


def test_the_description_of_a_recursive_argument_stands_beside_its_reference() -> None:
    assert to_function(grow)["parameters"]["properties"]["root"] == {
        "$ref": "#/$defs/Node",
        "description": "Its root.",
    }


def test_a_tool_whose_arguments_are_a_recursive_json_schema_keeps_the_recursion() -> None:
    made = StructuredTool(name="plant", description="Plant.", args_schema=Node.model_json_schema(), func=print)
    function = to_function(made)
    assert (function["name"], function["description"]) == ("plant", "Plant.")
    assert accepts(function["parameters"], TREE)
    assert not accepts(function["parameters"], NO_TREE)


def test_the_response_format_of_a_recursive_class_begins_with_an_object() -> None:
    wrapper = {"name": "Node", "schema": Node.model_json_schema(), "strict": True}
    wanted = rewrite_response_format({"type": "json_schema", "json_schema": wrapper})["json_schema"]["schema"]
    assert wanted["type"] == "object"
    assert accepts(wanted, TREE)
    assert not accepts(wanted, NO_TREE)


# --- maps --------------------------------------------------------------------------------------------------------


class Scores(BaseModel):
    by_name: dict[str, float]
    of: dict[str, dict[str, list[int]]] = {}
    any: dict[str, Any] = {}


@pytest.mark.parametrize("strict", [None, False, True])
def test_a_map_stays_a_map(strict: bool | None) -> None:
    value = {"by_name": {"Ann": 1.5}, "of": {"a": {"b": [1]}}, "any": {"x": None}}
    for schema in sent(Scores, strict):
        assert accepts(schema, value)
        assert not accepts(schema, {**value, "by_name": {"Ann": "high"}})
        assert not accepts(schema, {**value, "of": {"a": {"b": ["c"]}}})
        assert accepts(schema, {**value, "other": 1}) is not bool(strict)


def test_closing_leaves_what_an_object_says_of_further_properties() -> None:
    schema = {
        "type": "object",
        "properties": {"a": {"type": "object"}},
        "additionalProperties": {"type": "string"},
    }
    assert close_objects(schema) == {**schema, "required": ["a"]}
    assert rewrite_schema(schema, strict=True) == {**schema, "required": ["a"]}


# --- roots -------------------------------------------------------------------------------------------------------


class Kind(enum.Enum):
    a = "a"


class Cat(BaseModel):
    kind: Literal["cat"]
    lives: int


class Dog(BaseModel):
    kind: Literal["dog"]
    tricks: list[str]


ROOTS = {
    "array": {"title": "Names", "type": "array", "items": {"type": "string"}},
    "string": {"title": "Name", "type": "string"},
    "anyOf": {"title": "Either", "anyOf": [{"type": "object", "properties": {}}]},
    "oneOf": {"title": "Either", "oneOf": [{"type": "object"}]},
    "allOf": {"title": "Both", "allOf": [{"type": "object"}]},
    "enum": {"title": "Kind", "enum": ["a"]},
    "several types": {"title": "Perhaps", "type": ["object", "null"], "properties": {}},
    "a reference to an array": {"title": "A", "$ref": "#/$defs/A", "$defs": {"A": {"type": "array"}}},
    "an OpenAI function": {"name": "f", "parameters": {"type": "array", "items": {}}},
    "RootModel of a list": RootModel[list[int]],
    "RootModel of a union": RootModel[Cat | Dog],
    "union": Union[Cat, Dog],  # noqa: UP007
    "new union": Cat | Dog,
    "optional": Optional[Cat],  # noqa: UP045
    "list": list[Cat],
    "enum class": Kind,
    "builtin": str,
}


@pytest.mark.parametrize("root", ROOTS)
def test_a_root_that_is_no_object_is_refused_and_the_error_says_how_to_wrap_it(root: str) -> None:
    model = ChatArk(model="doubao-seed-2-1-pro-260915", api_key="k")
    for strict in (None, True):
        for method in ("json_schema", "function_calling"):
            with pytest.raises(ValueError, match="Wrap it in an object"):
                model.with_structured_output(ROOTS[root], method=method, strict=strict)
    with pytest.raises(ValueError, match="Wrap it in an object"):
        model.bind_tools([ROOTS[root]])


def test_a_root_that_is_a_map_can_be_sent() -> None:
    for schema in sent(RootModel[dict[str, int]]):
        assert accepts(schema, {"a": 1})
        assert not accepts(schema, {"a": "b"})


def test_a_discriminated_union_inside_keeps_its_branches() -> None:
    class Owner(BaseModel):
        pet: Annotated[Cat | Dog, Field(discriminator="kind")]
        kind: Kind
        note: str | None = None

    for schema in sent(Owner):
        assert accepts(schema, {"pet": {"kind": "dog", "tricks": ["sit"]}, "kind": "a", "note": None})
        assert not accepts(schema, {"pet": {"kind": "dog", "lives": 9}, "kind": "a"})
        assert not accepts(schema, {"pet": {"kind": "dog", "tricks": []}, "kind": "b"})


def test_a_field_that_json_cannot_describe_is_a_value_error() -> None:
    class Odd(BaseModel):
        call: Callable[[], int]

    with pytest.raises(ValueError, match="Odd has a field that no JSON schema can describe"):
        to_function(Odd)


def test_a_function_without_a_name_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="has no name"):
        to_function(functools.partial(grow))


# --- TypedDicts --------------------------------------------------------------------------------------------------


class Place(TypedDict):
    """A place.

    Args:
        name: Its name,
            in full.
        height: Above the sea.

    Example:
        name: nothing
    """

    name: str
    height: NotRequired[float]
    people: Annotated[int, 3, "How many live there."]
    river: Annotated[str, ..., "Its river."]
    code: NotRequired[Annotated[str, Field(description="A code.")]]
    near: NotRequired[dict[str, Optional[Place]]]  # noqa: UP045


class Partly(typing_extensions.TypedDict, total=False):
    a: Required[int]
    b: str


class More(Partly):
    c: typing_extensions.ReadOnly[int]


def test_a_typed_dict_has_its_required_optional_and_described_fields() -> None:
    function = to_function(Place)
    properties = function["parameters"]["properties"]
    assert (function["name"], function["description"]) == ("Place", "A place.")
    assert function["parameters"]["required"] == ["name", "river"]
    assert properties["name"] == {"type": "string", "description": "Its name, in full."}
    assert properties["height"] == {"type": "number", "description": "Above the sea."}
    assert properties["people"] == {"type": "integer", "default": 3, "description": "How many live there."}
    assert properties["river"] == {"type": "string", "description": "Its river."}
    assert properties["code"] == {"type": "string", "description": "A code."}
    value = {"name": "a", "river": "b", "near": {"x": None, "y": {"name": "c", "river": "d"}}}
    for schema in sent(Place):
        assert accepts(schema, value)
        assert not accepts(schema, {**value, "near": {"y": {"name": "c"}}})


def test_totality_and_inheritance_decide_what_a_typed_dict_requires() -> None:
    assert to_function(Partly)["parameters"]["required"] == ["a"]
    assert sorted(to_function(More)["parameters"]["required"]) == ["a", "c"]
    assert to_function(Partly)["description"] == ""


def test_a_typed_dict_of_unknown_types_says_so() -> None:
    lost = TypedDict("lost", {"a": "Nowhere"})  # type: ignore[name-defined]  # noqa: F821, UP013
    with pytest.raises(ValueError, match=r"TypedDict lost cannot become a JSON schema.*Nowhere"):
        to_function(lost)


@pytest.mark.parametrize("schema", [Place, Partly, NodeDict, Node, NodeV1, NodeData, ROOTS["array"]])
def test_traces_get_a_schema_that_core_can_convert(schema: Any) -> None:
    traced = binding(schema, "json_mode", None)["ls_structured_output_format"]["schema"]
    assert convert_to_json_schema(traced)["title"]


def test_what_core_converts_is_what_we_write_where_nothing_is_lost() -> None:
    @tool
    def weather(city: str, days: int = 1) -> str:
        """Weather of a city."""
        return f"{city} {days}"

    single = Tool(name="search", description="Search.", func=str)
    for source in (Cat, Dog, weather, single, ORDINARY, {"name": "f", "description": "F."}):
        assert to_tool(source) == convert_to_openai_tool(source)


ORDINARY = {"title": "Town", "type": "object", "properties": {"name": {"type": "string", "title": "Name"}}}


# --- references --------------------------------------------------------------------------------------------------


def test_references_that_end_are_put_in_place() -> None:
    inner = {"type": "object", "properties": {"x": {"type": "integer"}}}
    schema = {"properties": {"a": {"$ref": "#/$defs/In", "description": "A."}}, "$defs": {"In": inner}}
    assert inline_references(schema) == {"properties": {"a": {**inner, "description": "A."}}}


def test_references_to_any_place_of_the_schema_are_followed() -> None:
    schema = {
        "title": "T",
        "type": "object",
        "properties": {
            "a~b/c": {"type": "string"},
            "same": {"$ref": "#/properties/a~0b~1c"},
            "self": {"$ref": "#"},
        },
    }
    made = inline_references(schema)
    assert made["properties"]["same"] == {"type": "string"}
    assert accepts(made, {"self": {"self": {"same": "x"}}})
    assert not accepts(made, {"self": {"self": {"same": 3}}})


def test_a_reference_to_nowhere_is_refused() -> None:
    for pointer in ("#/$defs/Lost", "#/properties/a/items/0"):
        with pytest.raises(ValueError, match="which it does not have"):
            inline_references({"properties": {"a": {"$ref": pointer}}})
    with pytest.raises(ValueError, match="refers to itself alone"):
        inline_references({"$ref": "#/$defs/A", "$defs": {"A": {"$ref": "#/$defs/A"}}})


def test_many_types_that_all_refer_to_each_other_are_written_once_each() -> None:
    names = [f"T{number}" for number in range(30)]
    properties = {name: {"$ref": f"#/$defs/{name}"} for name in names}
    definitions = {name: {"type": "object", "properties": properties} for name in names}
    made = inline_references({"type": "object", "properties": properties, "$defs": definitions})
    assert made["$defs"].keys() == set(names)


# --- any pydantic model ------------------------------------------------------------------------------------------

_scalars: st.SearchStrategy[Any] = st.sampled_from(
    [str, int, bool, float, Literal["x", "y"], Literal[1, 2], Kind, Cat, Node, type(None)]
)


def _wider(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(
        inner.map(lambda kind: list[kind]),  # type: ignore[valid-type]
        inner.map(lambda kind: dict[str, kind]),  # type: ignore[valid-type]
        inner.map(lambda kind: Optional[kind]),  # noqa: UP045
        st.tuples(inner, inner).map(lambda kinds: Union[kinds]),  # noqa: UP007
        st.lists(inner, min_size=1, max_size=3).map(_class_of),
    )


def _class_of(kinds: list[Any]) -> Any:
    fields: dict[str, Any] = {f"f{place}": (kind, ...) for place, kind in enumerate(kinds)}
    return create_model("Inner", **fields)


_models = st.lists(st.recursive(_scalars, _wider, max_leaves=4), min_size=1, max_size=3).map(_class_of)


@given(_models, st.data(), st.sampled_from([None, True]))
@settings(deadline=None, max_examples=60, suppress_health_check=list(HealthCheck))
def test_the_schema_that_is_sent_accepts_a_value_as_pydantics_own_does(
    model: type[BaseModel], data: st.DataObject, strict: bool | None
) -> None:
    instance = data.draw(_instances(model))
    dump = json.loads(instance.model_dump_json())
    junk = data.draw(st.recursive(st.none() | st.integers() | st.text(max_size=3), st.lists, max_leaves=3))
    field = data.draw(st.sampled_from(sorted(dump)))
    own = jsonschema.Draft202012Validator(model.model_json_schema(mode="validation"))
    for schema in sent(model, strict):
        assert accepts(schema, dump)
        if strict is None:
            assert accepts(schema, {**dump, field: junk}) is own.is_valid({**dump, field: junk})


def _instances(model: type[BaseModel]) -> st.SearchStrategy[Any]:
    st.register_type_strategy(Node, st.sampled_from([Node(name="a"), Node(name="b", children=[Node(name="c")])]))
    st.register_type_strategy(float, st.floats(allow_nan=False, allow_infinity=False))
    return st.from_type(model)
