"""ChatArkBot through a socket: references, plugins, usage, metadata, errors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import RunnablePassthrough

from langchain_volcark import ChatArkBot, References, bot_metadata, group_chat_config, references_to_documents
from langchain_volcark.emulator import Emulator
from langchain_volcark.exceptions import (
    AuthenticationError,
    ContentFilterError,
    InvalidRequestError,
    NotFoundError,
    RateLimitError,
    VolcArkError,
)

QUESTION = "常见的十字花科植物有哪些?"
BOT = "bot-20250407225237-6xv7r"
HOME = {"city": "绍兴", "district": "越城区"}
MakeBot = Callable[..., ChatArkBot]


@pytest.fixture
def make_bot(emulator: Emulator) -> MakeBot:
    def build(**arguments: Any) -> ChatArkBot:
        defaults = {"model": BOT, "api_key": emulator.api_key, "base_url": emulator.ark_base_url}
        return ChatArkBot(**{**defaults, **arguments})

    return build


@pytest.fixture
def bot(make_bot: MakeBot) -> ChatArkBot:
    return make_bot()


def test_a_question_is_answered_with_its_sources(bot: ChatArkBot) -> None:
    answer = bot.invoke(QUESTION)
    urls = [reference["url"] for reference in answer.response_metadata["references"]]
    assert urls[0] == "https://plants.example.com/cruciferae"
    assert len(urls) == len(set(urls)) == 3
    assert answer.response_metadata["model_provider"] == "volcengine"
    assert [document.metadata["source"] for document in references_to_documents(answer)] == urls
    assert urls[0] in str(References(answer))


async def test_ainvoke_gives_the_same_sources(bot: ChatArkBot) -> None:
    answer = await bot.ainvoke(QUESTION)
    assert answer.response_metadata["references"] == bot.invoke(QUESTION).response_metadata["references"]


def test_each_citation_points_at_its_mark(bot: ChatArkBot) -> None:
    answer = bot.invoke(QUESTION)
    [block] = [block for block in answer.content_blocks if block["type"] == "text"]
    marks = [block["text"][one["start_index"] : one["end_index"]] for one in block["annotations"]]
    assert marks == ["[1]", "[2]", "[3]"]


@pytest.mark.parametrize(
    ("style", "mark"), [("CARET", "^[2]^"), ("FOOTNOTE", "[^2]"), ("LENTICULAR", "【2】"), ("NONE", None)]
)
def test_every_style_of_marks_is_found(bot: ChatArkBot, style: str, mark: str | None) -> None:
    answer = bot.invoke(f"{QUESTION} EMULATOR_MARKS_{style}")
    [block] = [block for block in answer.content_blocks if block["type"] == "text"]
    second = block["annotations"][1]
    if mark is None:
        assert "start_index" not in second
    else:
        assert block["text"][second["start_index"] : second["end_index"]] == mark


def test_a_knowledge_base_gives_its_own_form_of_references(make_bot: MakeBot) -> None:
    answer = make_bot(model="bot-knowledge-1").invoke("年假有几天?")
    [reference] = answer.response_metadata["references"]
    assert reference["collection_name"] == "handbook"
    assert references_to_documents(answer)[0].metadata["title"] == "休假制度"


def test_what_the_answer_cost_is_the_sum_over_its_models(bot: ChatArkBot) -> None:
    answer = bot.invoke(QUESTION)
    [usage] = answer.response_metadata["bot_usage"]["model_usage"]
    assert answer.usage_metadata == {
        "input_tokens": usage["prompt_tokens"],
        "output_tokens": usage["completion_tokens"],
        "total_tokens": usage["total_tokens"],
    }


def test_an_older_application_answers_with_plain_usage(bot: ChatArkBot, emulator: Emulator) -> None:
    answer = bot.invoke("Hi EMULATOR_PLAIN_USAGE")
    assert answer.usage_metadata is not None
    assert answer.usage_metadata["total_tokens"] > 0
    assert "bot_usage" not in answer.response_metadata


def test_a_stream_that_was_not_asked_for_usage_has_none(bot: ChatArkBot) -> None:
    chunks = list(bot.stream("Hi", stream_usage=False))
    assert all(chunk.usage_metadata is None for chunk in chunks)


def test_what_the_plugins_did_stands_in_the_content_blocks(bot: ChatArkBot) -> None:
    blocks = bot.invoke(QUESTION).content_blocks
    call, result = [block for block in blocks if block["type"].startswith("server_tool")]
    assert call["name"] == "search"
    assert call["args"]["queries"] == [QUESTION]
    assert result["tool_call_id"] == call["id"]
    assert result["status"] == "success"


def test_a_question_without_sources_has_none(bot: ChatArkBot) -> None:
    answer = bot.invoke("Hi")
    assert answer.text == "You said: Hi"
    assert "references" not in answer.response_metadata
    assert [block["type"] for block in answer.content_blocks] == ["reasoning", "text"]


def test_several_turns(bot: ChatArkBot, emulator: Emulator) -> None:
    first = bot.invoke(QUESTION)
    bot.invoke([SystemMessage("你是豆包"), HumanMessage(QUESTION), first, HumanMessage("再详细点")])
    sent = emulator.requests[-1].json["messages"]
    assert [message["role"] for message in sent] == ["system", "user", "assistant", "user"]
    assert sent[2] == {"role": "assistant", "content": first.text}


def test_a_v1_answer_can_be_sent_back(make_bot: MakeBot, emulator: Emulator) -> None:
    bot = make_bot(output_version="v1")
    first = bot.invoke(QUESTION)
    assert isinstance(first.content, list)
    bot.invoke([HumanMessage(QUESTION), first, HumanMessage("再详细点")])
    assert emulator.requests[-1].json["messages"][1] == {"role": "assistant", "content": first.text}


def test_the_weather_where_the_user_is(bot: ChatArkBot) -> None:
    answer = bot.invoke("今天天气如何?", user_info=HOME)
    [reference] = answer.response_metadata["references"]
    assert reference["extra"]["weather_card_data"]["display"]["city"] == "绍兴越城区"
    assert answer.response_metadata["metadata"] == {"user_info": '{"city": "绍兴", "district": "越城区"}'}


def test_the_character_that_must_speak_speaks(bot: ChatArkBot) -> None:
    cast = group_chat_config(
        {"悟空": ("你是孙悟空。", "ep-1"), "八戒": ("你是猪八戒。", "ep-2")}, user_name="师父"
    )
    answer = bot.invoke("你饿吗?", bot_metadata=bot_metadata(group_chat_config=cast, target_character_name="八戒"))
    assert answer.text.startswith("八戒:")
    assert answer.response_metadata["bot_usage"]["model_usage"][0]["name"] == "ep-2"


def test_a_bot_may_call_the_users_own_tools_and_still_name_its_sources(bot: ChatArkBot) -> None:
    def count_letters(word: str) -> int:
        """Count the letters of a word."""
        return len(word)

    with_tools = bot.bind_tools([count_letters])
    question = HumanMessage("count_letters of 'broccoli', please")
    asked = with_tools.invoke([question])
    [call] = asked.tool_calls
    assert call["args"] == {"word": "broccoli"}
    assert "references" not in asked.response_metadata
    answer = with_tools.invoke([question, asked, ToolMessage("8", tool_call_id=call["id"])])
    assert "count_letters returned 8" in answer.text
    assert answer.response_metadata["references"][0]["title"] == "Growing broccoli in a cool spring"


def test_an_lcel_chain_carries_the_sources_beside_the_answer(bot: ChatArkBot) -> None:
    prompt = ChatPromptTemplate.from_messages([("human", "{question}")])
    chain = (
        {"question": RunnablePassthrough()} | prompt | bot | {"answer": _text, "sources": references_to_documents}
    )
    result = chain.invoke(QUESTION)
    assert "[1]" in result["answer"]
    assert len(result["sources"]) == 3


def _text(message: AIMessage) -> str:
    return message.text


def test_a_request_id_of_ones_own(bot: ChatArkBot, emulator: Emulator) -> None:
    own = "202406251728190000B7EA7A9648AC08D9"
    answer = bot.invoke("Hi", extra_headers={"X-Client-Request-Id": own})
    assert emulator.requests[-1].headers["x-client-request-id"] == own
    assert answer.response_metadata["request_id"] not in ("", own)


def test_another_bot_for_one_call(bot: ChatArkBot, emulator: Emulator) -> None:
    bot.invoke("Hi", model="bot-plain-2")
    assert emulator.requests[-1].json["model"] == "bot-plain-2"
    assert bot.model == BOT


@pytest.mark.parametrize("streams", [False, True])
def test_sensitive_input_is_a_content_filter_error(bot: ChatArkBot, emulator: Emulator, streams: bool) -> None:
    with pytest.raises(ContentFilterError) as caught:
        list(bot.stream("EMULATOR_SENSITIVE_INPUT")) if streams else bot.invoke("EMULATOR_SENSITIVE_INPUT")
    assert caught.value.code == "SensitiveContentDetected"
    assert caught.value.status_code == 400
    assert caught.value.request_id
    assert len(emulator.requests) == 1


def test_an_output_refused_in_mid_stream_carries_what_came(bot: ChatArkBot) -> None:
    with pytest.raises(ContentFilterError) as caught:
        list(bot.stream(f"{QUESTION} EMULATOR_REFUSE_OUTPUT"))
    partial = caught.value.partial
    assert partial is not None
    assert partial.text
    assert partial.response_metadata["references"]


def test_errors_have_types(make_bot: MakeBot, emulator: Emulator) -> None:
    with pytest.raises(AuthenticationError):
        make_bot(api_key="wrong").invoke("Hi")
    with pytest.raises(NotFoundError):
        make_bot(model="bot-missing-1").invoke("Hi")
    with pytest.raises(NotFoundError):
        make_bot(model="doubao-seed-2-1-pro-260915").invoke("Hi")
    with pytest.raises(InvalidRequestError, match=r"metadata\.user_info"):
        make_bot().invoke("Hi", extra_body={"metadata": {"user_info": {"city": "杭州"}}})
    emulator.fail_next(429)
    with pytest.raises(RateLimitError):
        make_bot(max_retries=0).invoke("Hi")
    assert issubclass(ContentFilterError, VolcArkError)


def test_a_thinking_switch_reaches_the_bot(bot: ChatArkBot, emulator: Emulator) -> None:
    answer = bot.invoke("Hi", thinking="disabled")
    assert emulator.requests[-1].json["thinking"] == {"type": "disabled"}
    assert "reasoning_content" not in answer.additional_kwargs


def test_what_the_page_of_the_bot_api_does_not_name_is_the_services_to_refuse(bot: ChatArkBot) -> None:
    with pytest.raises(InvalidRequestError, match="reasoning_effort"):
        bot.invoke("Hi", reasoning_effort="low")


def test_structured_output(bot: ChatArkBot) -> None:
    schema = {
        "title": "Plant",
        "description": "A plant.",
        "type": "object",
        "properties": {"name": {"type": "string"}},
    }
    assert "name" in bot.with_structured_output(schema).invoke("name: kale")
