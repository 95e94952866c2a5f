"""Estimates the number of tokens of a text or a conversation, without a vocabulary and without a download.

A tokenizer first splits a text into words, numbers, punctuation and white space, then each of these into tokens.
Here one regular expression does the first step. For the second, each kind of piece has an average number of
tokens, measured with the vocabularies of DeepSeek and Qwen on Chinese, English, code, tables and mixed texts.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from langchain_core.messages import AIMessage, FunctionMessage, ToolMessage

from langchain_volcark.base.image_sizes import image_size
from langchain_volcark.wires.chat_completions.content import Media, as_json_text, read_block
from langchain_volcark.wires.chat_completions.tool_results import read_tool_result
from langchain_volcark.wires.tools import format_tools

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from langchain_core.messages import BaseMessage

    from langchain_volcark.wires.tools import ToolLike

_MARKS = r"!-/:-@\[-`{-~"
# A string, which `re` compiles and caches at the first count: compiling at import would slow down the import.
_PIECES = (
    rf"(?P<word>[ {_MARKS}]?[A-Za-z]+)"
    r"|(?P<number>[0-9]+)"
    r"|(?P<han>[\u3400-\u9fff\uf900-\ufaff]+)"
    r"|(?P<kana>[\u3041-\u30ff]+)"
    r"|(?P<hangul>[\uac00-\ud7af]+)"
    r"|(?P<wide>[\u2010-\u2027\u3000-\u303f\uff00-\uff65]+[\r\n]*)"
    rf"|(?P<marks> ?[{_MARKS}]+[\r\n]*)"
    r"|(?P<line>\s*[\r\n]+)"
    r"|(?P<gap>\s+(?!\S)|\s+)"
    r"|(?P<emoji>[\U00010000-\U0010ffff\u2600-\u27bf\ufe0f\u200d]+)"
    r"|(?P<frame>[\u2500-\u257f]+)"
    r"|(?P<letters>[^\W\d_]+)"
    r"|(?P<other>.)"
)
_PARTS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_RUNS = re.compile(r"(.)\1*")
_COUNTED_SINGLY = frozenset({"kana", "hangul", "emoji"})
_TWO_BYTES = 0x800

_PER_MESSAGE = 4  # tokens that a chat template adds to a message
_PER_CALL = 8  # tokens that it adds to a tool call
_ANSWER_BEGINS = 3
_PIXELS_PER_TOKEN = 784
_IMAGE = 1_300
_MOST_FOR_IMAGE = {"high": 5_120, "xhigh": 5_120}
_MOST_FOR_LOW = 1_312
_VIDEO = 10_240
_SOUND = 1_000
_SOUND_BYTES_PER_TOKEN = 1_600


@dataclass(frozen=True)
class Vocabulary:
    """Average tokens per kind of piece, for one vocabulary.

    Attributes:
        digits: Digits in one token.
        number: Per such group of digits.
        spaced: Per word after a space; added per letter from the 7th to the 10th.
        first: Any other word: with up to two letters; with more; added per letter from the 5th to the 8th; added
            per letter from the 9th on.
        inner: Per further part of a word, such as the second of `camelCase`.
        capital: Added for a capital first letter.
        upper: Per part in capitals after a space; added per letter from the 5th on.
        constant: Per part in capitals elsewhere; added per letter from the 7th on.
        joined: Added for a punctuation mark right before a word: of up to two letters; of more.
        han: Per Chinese character; per run of Chinese characters.
        kana: Per character.
        hangul: Per character.
        wide: Per run of Chinese punctuation.
        marks: Per run of punctuation; per different mark in it from the third on; per repetition of a mark.
        line: Per run of line breaks.
        gap: Per run of spaces.
        emoji: Per code point.
        frame: Per run of box-drawing characters.
        letters: Per letter of another script: with two bytes in UTF-8; with more.
        other: Per other character.
    """

    digits: int
    number: float
    spaced: tuple[float, float]
    first: tuple[float, float, float, float]
    inner: float
    capital: float
    upper: tuple[float, float]
    constant: tuple[float, float]
    joined: tuple[float, float]
    han: tuple[float, float]
    kana: float
    hangul: float
    wide: float
    marks: tuple[float, float, float]
    line: float
    gap: float
    emoji: float
    frame: float
    letters: tuple[float, float]
    other: float


DEEPSEEK = Vocabulary(
    digits=3,
    number=1.07,
    spaced=(1.0, 0.08),
    first=(1.27, 1.0, 0.11, 0.1),
    inner=1.25,
    capital=0.25,
    upper=(1.05, 0.13),
    constant=(1.45, 0.75),
    joined=(0.4, 0.55),
    han=(0.49, 0.24),
    kana=0.75,
    hangul=0.7,
    wide=1.02,
    marks=(0.89, 0.62, 0.09),
    line=0.96,
    gap=0.95,
    emoji=1.5,
    frame=1.2,
    letters=(0.36, 0.55),
    other=0.94,
)
QWEN = Vocabulary(
    digits=1,
    number=1.04,
    spaced=(1.0, 0.02),
    first=(1.29, 1.1, 0.0, 0.23),
    inner=1.35,
    capital=0.15,
    upper=(0.9, 0.03),
    constant=(1.4, 0.6),
    joined=(0.35, 0.26),
    han=(0.5, 0.3),
    kana=0.6,
    hangul=0.55,
    wide=0.89,
    marks=(0.95, 0.45, 0.14),
    line=0.86,
    gap=1.18,
    emoji=1.8,
    frame=1.3,
    letters=(0.33, 0.55),
    other=0.95,
)


def vocabulary_of(model: str) -> Vocabulary:
    """The averages for a model: Qwen's for models of that name, otherwise DeepSeek's, to which most are close.

    Args:
        model: Model or endpoint id.
    """
    name = model.lower()
    return QWEN if "qwen" in name or "qwq" in name else DEEPSEEK


def estimate_tokens(text: str, vocabulary: Vocabulary = DEEPSEEK) -> int:
    """Estimate a text's tokens, within 15 % for ordinary texts of a page and more.

    Args:
        text: Any text.
        vocabulary: The averages to use.

    Returns:
        The number of tokens; 0 for an empty text, at least 1 for any other.

    Example:
        >>> estimate_tokens("常见的十字花科植物有哪些?")
        8
    """
    if not text:
        return 0
    total = 0.0
    for found in re.finditer(_PIECES, text, re.DOTALL):
        piece = found[0]
        if found.lastgroup == "word":
            total += _word(piece, vocabulary)
        else:
            total += _piece(found.lastgroup or "other", piece, vocabulary)
    return max(1, round(total))


def _word(piece: str, vocabulary: Vocabulary) -> float:
    mark = "" if piece[0].isalpha() else piece[0]
    total = 0.0
    if mark and mark != " ":
        total += vocabulary.joined[len(piece) > len(mark) + 2]
    for position, part in enumerate(_PARTS.findall(piece)):
        total += _part(part, vocabulary, first=position == 0, spaced=mark == " ")
    return total


def _part(part: str, vocabulary: Vocabulary, *, first: bool, spaced: bool) -> float:
    length = len(part)
    if length > 1 and part.isupper():
        if first and spaced:
            return vocabulary.upper[0] + vocabulary.upper[1] * max(0, length - 4)
        return vocabulary.constant[0] + vocabulary.constant[1] * max(0, length - 6)
    if not first:
        return vocabulary.inner
    capital = vocabulary.capital if length > 1 and part[0].isupper() else 0.0
    if spaced:
        base, more = vocabulary.spaced
        return base + more * max(0, min(length, 10) - 6) + capital
    short, base, more, most = vocabulary.first
    if length <= 2:
        return short + capital
    return base + more * max(0, min(length, 8) - 4) + most * max(0, length - 8) + capital


def _piece(kind: str, piece: str, vocabulary: Vocabulary) -> float:
    length = len(piece)
    if kind == "number":
        return vocabulary.number * -(-length // vocabulary.digits)
    if kind == "han":
        return vocabulary.han[0] * length + vocabulary.han[1]
    if kind == "marks":
        different = len(_RUNS.findall(piece.strip(" \r\n")))
        one, more, again = vocabulary.marks
        return one + more * max(0, different - 2) + again * (length - different)
    if kind == "letters":
        return vocabulary.letters[ord(piece[0]) >= _TWO_BYTES] * length
    average: float = getattr(vocabulary, kind)
    return average * length if kind in _COUNTED_SINGLY else average


# --- conversations ----------------------------------------------------------------------------------------


def estimate_message_tokens(
    messages: Sequence[BaseMessage],
    tools: Sequence[ToolLike] | None = None,
    count: Callable[[str], int] = estimate_tokens,
) -> int:
    """Estimate a prompt's tokens.

    The rule: a message counts its text, its name, its tool calls (name and arguments as JSON, plus 8 each), and 4
    for the chat template; reasoning counts where it is sent back by default, in messages with tool calls; the
    conversation counts 3 for the start of the answer. A tool counts its schema as JSON. An image of known size
    counts its pixels / 784, at most 1,312 (5,120 with detail `high`), any other 1,300. A video counts its
    `max_video_tokens` or 10,240; audio its bytes / 1,600, or 1,000 if it is a link; a file 1,300.

    Args:
        messages: The conversation.
        tools: What `bind_tools` takes.
        count: Counts the tokens of a text.

    Returns:
        The number of tokens; 0 without messages and tools.
    """
    total = sum(count(as_json_text(tool)) for tool in format_tools(tools or ()))
    for message in messages:
        texts, media = _contents(message)
        total += _PER_MESSAGE + sum(count(text) for text in texts) + media
        if isinstance(message, AIMessage):
            total += _PER_CALL * (len(message.tool_calls) + len(message.invalid_tool_calls))
    return total + _ANSWER_BEGINS if messages else total


def _contents(message: BaseMessage) -> tuple[list[str], int]:
    """The texts of a message, and the token count of its media."""
    texts = [message.name] if message.name else []
    media = 0
    for read in _read_content(message):
        if isinstance(read, Media):
            media += _media_tokens(read)
        elif isinstance(read, str):
            texts.append(read)
        elif read is not None:
            texts.append(as_json_text(read))
    if isinstance(message, AIMessage):
        texts += _calls(message)
    return texts, media


def _read_content(message: BaseMessage) -> Sequence[str | Media | Mapping[str, Any] | None]:
    if isinstance(message, (ToolMessage, FunctionMessage)):
        return read_tool_result(message.content)
    return [
        read_block(block) for block in ([message.content] if isinstance(message.content, str) else message.content)
    ]


def _calls(message: AIMessage) -> list[str]:
    """The texts of an assistant message's tool calls, and of the reasoning that is sent back with them."""
    calls = [(call["name"], as_json_text(call["args"])) for call in message.tool_calls]
    calls += [(call["name"] or "", call["args"] or "") for call in message.invalid_tool_calls]
    texts = [text for call in calls for text in call]
    if not calls:
        return texts
    reasoning = message.additional_kwargs.get("reasoning_content")
    if isinstance(reasoning, str):
        return [*texts, reasoning]
    blocks = message.content if isinstance(message.content, list) else ()
    return texts + [
        str(block["reasoning"]) for block in blocks if isinstance(block, dict) and block.get("reasoning")
    ]


def _media_tokens(media: Media) -> int:
    if media.kind == "video":
        asked = media.options.get("max_video_tokens")
        return asked if isinstance(asked, int) else _VIDEO
    if media.kind not in {"image", "audio"}:
        return _IMAGE
    data = _data(media)
    if media.kind == "audio":
        return max(1, len(data) // _SOUND_BYTES_PER_TOKEN) if data else _SOUND
    size = image_size(data)
    if size is None:
        return _IMAGE
    most = _MOST_FOR_IMAGE.get(str(media.options.get("detail")), _MOST_FOR_LOW)
    return min(most, max(1, size[0] * size[1] // _PIXELS_PER_TOKEN))


def _data(media: Media) -> bytes:
    """The bytes of media that is included in the message; empty for a link."""
    encoded = media.data
    if encoded is None and media.url is not None and media.url.startswith("data:"):
        encoded = media.url.partition(",")[2]
    try:
        return base64.b64decode(encoded or "")
    except (binascii.Error, ValueError):
        return b""


class TokenCounting:
    """Token counting of a chat model: estimates, without a request and without a download."""

    if TYPE_CHECKING:
        custom_get_token_ids: Callable[[str], list[int]] | None  # core's field

    @property
    def _vocabulary(self) -> Vocabulary:
        """The averages for this model."""
        return DEEPSEEK

    def get_num_tokens(self, text: str) -> int:
        """Estimate a text's tokens.

        Args:
            text: Any text.

        Returns:
            The estimate, within 15 % of the model's own count for ordinary texts; where `custom_get_token_ids` is
            set, the number of ids that it returns.
        """
        if self.custom_get_token_ids is not None:
            return len(self.custom_get_token_ids(text))
        return estimate_tokens(text, self._vocabulary)

    def get_num_tokens_from_messages(self, messages: list[BaseMessage], tools: Sequence[Any] | None = None) -> int:
        """Estimate a prompt's tokens, by the rule of `langchain_volcark.base.tokens.estimate_message_tokens`.

        Args:
            messages: The conversation.
            tools: What `bind_tools` takes.

        Returns:
            The number of tokens.
        """
        return estimate_message_tokens(messages, tools, self.get_num_tokens)
