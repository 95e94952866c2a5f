"""The API reference: Markdown made from the package's docstrings, in the place of a line `%api NAME`.

The docstrings are Google's style in Markdown. Griffe reads them without importing anything; what comes out is
ordinary Markdown for MyST.
"""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import griffe
from sphinx.locale import _ as sphinx_words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sphinx.application import Sphinx

PACKAGE = "langchain_volcark"
ROOT = Path(__file__).resolve().parents[2]

_DIRECTIVE = re.compile(r"^%api (\S+)$", re.MULTILINE)
_ITEM = re.compile(r"[\w`, *]+: ")
_WORDS = {
    "en": {
        "parameters": "Arguments",
        "returns": "Returns",
        "raises": "Raises",
        "attributes": "Attributes",
        "fields": "Fields",
        "methods": "Methods",
        "from": "From",
        "default": "default",
        "required": "required",
        "core": "Besides, everything that `{}` of langchain-core has.",
    },
    "zh": {
        "parameters": "参数",
        "returns": "返回",
        "raises": "异常",
        "attributes": "属性",
        "fields": "字段",
        "methods": "方法",
        "from": "来自",
        "default": "默认",
        "required": "必填",
        "core": "此外还有 langchain-core 的 `{}` 的全部字段与方法。",
    },
}


@cache
def _package() -> griffe.Module:
    loaded = griffe.load(PACKAGE, search_paths=[str(ROOT)], docstring_parser="google")
    assert isinstance(loaded, griffe.Module)  # noqa: S101 - for the type checker
    return loaded


def find(name: str) -> griffe.Object:
    """Find a public name of the package, or a dotted path below it.

    Args:
        name: `ChatArk`, or `emulator.Emulator`.

    Raises:
        KeyError: There is no such thing.
    """
    package = _package()
    # The package loads its public names on first use, so they stand in its table of modules.
    found: Any = package[_public_path(package, name)]
    return found.final_target if isinstance(found, griffe.Alias) else found


def _public_path(package: griffe.Module, name: str) -> str:
    if "." in name:
        return name
    table: dict[str, tuple[str, ...]] = ast.literal_eval(str(package["_NAMES"].value))
    return next((f"{module}.{name}" for module, names in table.items() if name in names), name)


def render(name: str, language: str = "en") -> str:
    """Write the reference of a class, function or module.

    Args:
        name: As for `find`.
        language: Of the labels: `en` or `zh`.
    """
    return "\n".join(_Page(_WORDS[language]).object(find(name), name)) + "\n"


class _Page:
    def __init__(self, words: dict[str, str]) -> None:
        self._words = words

    def object(self, found: griffe.Object, name: str) -> Iterator[str]:
        title = name.rpartition(".")[2]
        if isinstance(found, griffe.Module):
            yield from self._sections(found)
            return
        yield from (f"## {title}", "")
        if isinstance(found, griffe.Function):
            yield from self._function_body(found, title)
            return
        module = PACKAGE if "." not in name else f"{PACKAGE}.{name.rpartition('.')[0]}"
        yield from ("```python", f"from {module} import {title}", "```", "")
        yield from self._sections(found)
        if isinstance(found, griffe.Class):
            yield from self._members(found)

    # --- classes ------------------------------------------------------------------------------------------

    def _members(self, found: griffe.Class) -> Iterator[str]:
        owners = _own_members(found)
        if any(attributes for _, attributes, _ in owners):
            yield from (f"### {self._words['fields']}", "")
        for owner, attributes, _ in owners:
            if attributes and owner is not found:
                yield from (f"*{self._words['from']} `{owner.name}`:*", "")
            for one in attributes:
                yield from self._field(one)
        core = _core_base(found)
        if core:
            yield from (self._words["core"].format(core), "")
        if any(methods for _, _, methods in owners):
            yield from (f"### {self._words['methods']}", "")
        for _, _, methods in owners:
            for method in methods:
                yield from (f"#### {method.name}", "")
                yield from self._function_body(method, method.name)

    def _field(self, found: griffe.Attribute) -> Iterator[str]:
        kind = f"`{_plain(str(found.annotation))}`" if found.annotation is not None else ""
        if "property" not in found.labels:
            kind += f", {self._default(found)}"
        text = found.docstring.value if found.docstring else ""
        yield f"`{found.name}`: {kind}"
        first, *rest = text.strip().splitlines()
        yield f": {first}"
        yield from (f"  {line}".rstrip() for line in rest)
        yield ""

    def _default(self, found: griffe.Attribute) -> str:
        value = str(found.value) if found.value is not None else ""
        if value.startswith(("Field(", "PrivateAttr(")):
            variables = re.findall(r"from_env\(\s*\[?((?:['\"]\w+['\"](?:, )?)+)", value)
            if variables:
                return f"{self._words['default']} " + ", ".join(
                    f"`${one}`" for one in re.findall(r"\w+", variables[0])
                )
            named = re.search(r"\bdefault=([^,()]+)", value)
            factory = re.search(r"default_factory=(dict|list)\b", value)
            value = named[1] if named else {"dict": "{}", "list": "[]"}[factory[1]] if factory else ""
        value = _constant(found, value.strip())
        return f"{self._words['default']} `{value}`" if value else self._words["required"]

    # --- functions ----------------------------------------------------------------------------------------

    def _function_body(self, found: griffe.Function, name: str) -> Iterator[str]:
        yield from ("```python", _signature(found, name), "```", "")
        yield from self._sections(found)

    # --- docstrings ---------------------------------------------------------------------------------------

    def _sections(self, found: griffe.Object) -> Iterator[str]:
        if found.docstring is None:
            return
        options = {"returns_named_value": False, "warnings": False}
        for section in found.docstring.parse("google", **options):
            kind = section.kind.value
            if kind == "text":
                yield from (section.value, "")
            elif kind == "admonition":
                yield from (f"**{section.title}**", "", *_items(section.value.contents), "")
            elif kind == "examples":
                yield from self._examples(section.value)
            elif kind in self._words:
                yield from (f"**{self._words[kind]}**", "")
                yield from self._entries(kind, section.value)
                yield ""

    def _examples(self, pieces: list[tuple[Any, str]]) -> Iterator[str]:
        for kind, text in pieces:
            fence = kind.value == "examples"
            yield from ("```pycon", text, "```", "") if fence else (text, "")

    def _entries(self, kind: str, entries: Any) -> Iterator[str]:
        for entry in entries:
            label = entry.annotation if kind in ("raises", "returns") else entry.name
            text = " ".join(entry.description.split()) if "```" not in entry.description else entry.description
            yield f"- {text}" if kind == "returns" or not label else f"- `{label}`: {text}"


def _items(text: str) -> list[str]:
    """Lines such as `model: The model's id.`, with their continuations, as a list; other text as it is."""
    lines = text.splitlines()
    if not lines or not _ITEM.match(lines[0]) or "```" in text:
        return lines
    items: list[str] = []
    for line in lines:
        if line.startswith(" "):
            items[-1] += f" {line.strip()}"
        else:
            items.append(line)
    return [_item(item) for item in items]


def _item(text: str) -> str:
    names, colon, meaning = text.partition(": ")
    shown = ", ".join(f"`{one.strip('`* ')}`" for one in names.split(","))
    return f"- {shown}: {meaning}" if colon else f"- {text}"


def _signature(found: griffe.Function, name: str) -> str:
    shown, keyword_only = [], False
    for parameter in found.parameters:
        if parameter.name in ("self", "cls"):
            continue
        kind = parameter.kind.value if parameter.kind else ""
        if kind == "keyword-only" and not keyword_only:
            keyword_only = True
            shown.append("*")
        star = {"variadic positional": "*", "variadic keyword": "**"}.get(kind, "")
        keyword_only = keyword_only or star == "*"
        hint = f": {parameter.annotation}" if parameter.annotation is not None and not star else ""
        default = "" if parameter.default is None or star else f" = {parameter.default}"
        shown.append(f"{star}{parameter.name}{hint}{default}")
    result = f" -> {found.returns}" if found.returns is not None else ""
    start = "async def" if "async" in found.labels else "def"
    line = f"{start} {name}({', '.join(shown)}){result}"
    if len(line) <= 88:  # what fits into the page
        return line
    return "\n".join([f"{start} {name}(", *(f"    {one}," for one in shown), f"){result}"])


def _own_members(
    found: griffe.Class,
) -> list[tuple[griffe.Class, list[griffe.Attribute], list[griffe.Function]]]:
    """A class and the package's classes it is made of, each with what it adds: public, and with a docstring."""
    seen: set[str] = set()
    owners = []
    for owner in (found, *_bases(found)):
        own = {
            name: member
            for name, member in owner.members.items()
            if name not in seen and not name.startswith("_") and not member.is_alias and member.docstring
        }
        seen.update(own)
        attributes = [one for one in own.values() if isinstance(one, griffe.Attribute) and _is_field(one)]
        methods = [one for one in own.values() if isinstance(one, griffe.Function) and not _is_validator(one)]
        owners.append((owner, attributes, methods))
    return owners


def _bases(found: griffe.Class) -> list[griffe.Class]:
    """The package's own base classes, nearest first."""
    return [base for base in found.mro() if base.path.startswith(PACKAGE)]


def _core_base(found: griffe.Class) -> str:
    names = {str(base) for owner in (found, *_bases(found)) for base in owner.bases}
    for name in ("BaseChatModel", "Embeddings", "BaseRetriever", "BaseDocumentCompressor"):
        if name in names:
            return name
    return "BaseChatModel" if "TokenCounting" in names else ""


def _is_validator(found: griffe.Function) -> bool:
    return any("validator" in str(decorator.value) for decorator in found.decorators)


def _is_field(found: griffe.Attribute) -> bool:
    return "property" in found.labels or "instance-attribute" in found.labels


def _plain(annotation: str) -> str:
    """A type as a reader wants it: without what `Annotated` adds for pydantic."""
    while (start := annotation.find("Annotated[")) >= 0:
        depth, comma, end = 0, -1, len(annotation)
        for place in range(start + len("Annotated"), len(annotation)):
            depth += {"[": 1, "]": -1}.get(annotation[place], 0)
            if annotation[place] == "," and depth == 1 and comma < 0:
                comma = place
            if depth == 0:
                end = place
                break
        annotation = annotation[:start] + annotation[start + len("Annotated[") : comma] + annotation[end + 1 :]
    return annotation


def _constant(found: griffe.Attribute, value: str) -> str:
    """What a constant of the field's module stands for; anything else as it is."""
    if not value.isupper():
        return value
    named: Any = found.module.members.get(value)
    named = named.final_target if isinstance(named, griffe.Alias) else named
    return value if named is None else str(named.value)


def _fill(app: Sphinx, docname: str, source: list[str]) -> None:  # noqa: ARG001 - Sphinx's signature
    language = "zh" if str(app.config.language).startswith("zh") else "en"
    source[0] = _DIRECTIVE.sub(lambda found: render(found[1], language), source[0])


# The theme's own words have no Chinese of their own.
_THEME = {
    "Next": "下一页",
    "Previous": "上一页",
    "Home": "首页",
    "On this page": "本页内容",
    "Back to top": "回到顶部",
}


def _translate(app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: Any) -> None:  # noqa: ARG001
    if str(app.config.language).startswith("zh"):
        # The second name is what Jinja's `trans` calls.
        context["_"] = context["gettext"] = lambda text: _THEME.get(text.strip()) or sphinx_words(text)


def setup(app: Sphinx) -> dict[str, Any]:
    """Let Sphinx know."""
    app.connect("source-read", _fill)
    app.connect("html-page-context", _translate)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
