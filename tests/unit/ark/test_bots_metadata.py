"""A bot request's metadata: right on the wire, or refused with the name of what is wrong."""

from __future__ import annotations

import json
from typing import Any

import pytest
from langchain_core.messages import HumanMessage

from langchain_volcark import ChatArkBot, bot_metadata, group_chat_config
from langchain_volcark.ark.bots.metadata import merge, to_wire
from tests.calls import request_of

CAST = {"Wukong": ("You are the Monkey King.", "ep-1"), "Bajie": ("You are the pig.", "ep-2")}
HI = {"role": "user", "content": "Hi"}
HOME = {"city": "杭州", "district": "西湖区"}


def test_user_info_goes_out_as_a_json_string() -> None:
    written = bot_metadata(user_info={"city": "杭州", "district": "西湖区"})
    assert written == {"user_info": '{"city": "杭州", "district": "西湖区"}'}


def test_user_info_that_is_json_already_goes_out_as_written() -> None:
    text = '{"city":"北京","district":"海淀区"}'
    assert bot_metadata(user_info=text) == {"user_info": text}


@pytest.mark.parametrize(
    "user_info",
    [
        {"city": "杭州"},
        {"city": "", "district": "x"},
        "杭州",
        "[]",
        '{"city": "x"}',
        7,
        {"city": 1, "district": 2},
    ],
)
def test_user_info_without_city_and_district_is_refused(user_info: Any) -> None:
    with pytest.raises(ValueError, match=r"user_info.*city.*district"):
        bot_metadata(user_info=user_info)


def test_an_error_does_not_repeat_where_the_user_is() -> None:
    with pytest.raises(ValueError, match="user_info") as caught:
        bot_metadata(user_info="13 Secret Lane")
    assert "Secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("given", "sent"), [(True, "true"), (False, "false"), ("true", "true"), ("false", "false")]
)
def test_the_intention_switch_goes_out_as_a_string(given: Any, sent: str) -> None:
    assert bot_metadata(emit_intention_signal_extra=given) == {"emit_intention_signal_extra": sent}


def test_another_intention_switch_is_refused() -> None:
    with pytest.raises(ValueError, match="emit_intention_signal_extra"):
        to_wire({"emit_intention_signal_extra": "yes"})


def test_a_cast_by_name() -> None:
    assert group_chat_config(CAST, description="Journey", user_name="Monk") == {
        "characters": [
            {"name": "Wukong", "system_prompt": "You are the Monkey King.", "model_desc": {"endpoint_id": "ep-1"}},
            {"name": "Bajie", "system_prompt": "You are the pig.", "model_desc": {"endpoint_id": "ep-2"}},
        ],
        "description": "Journey",
        "user_name": "Monk",
    }


def test_a_cast_as_the_api_has_it_is_taken_too() -> None:
    listed = group_chat_config(CAST)["characters"]
    assert group_chat_config(listed) == {"characters": listed}


@pytest.mark.parametrize(
    ("character", "missing"),
    [
        ({"system_prompt": "x", "model_desc": {"endpoint_id": "e"}}, "name"),
        ({"name": "n", "model_desc": {"endpoint_id": "e"}}, "system_prompt"),
        ({"name": "n", "system_prompt": "x"}, "model_desc.endpoint_id"),
        ({"name": "n", "system_prompt": "x", "model_desc": {}}, "model_desc.endpoint_id"),
        ("n", "name"),
    ],
)
def test_a_character_without_one_of_its_three_fields_is_refused(character: Any, missing: str) -> None:
    with pytest.raises(ValueError, match=rf"characters\[0\]\.{missing}"):
        group_chat_config([character])


@pytest.mark.parametrize("config", [{}, {"characters": []}, {"characters": "Wukong"}, "Wukong"])
def test_a_cast_without_characters_is_refused(config: Any) -> None:
    with pytest.raises(ValueError, match="characters"):
        to_wire({"group_chat_config": config})


def test_two_characters_of_one_name_are_refused() -> None:
    [first, _] = group_chat_config(CAST)["characters"]
    with pytest.raises(ValueError, match="must differ"):
        group_chat_config([first, first])


def test_who_speaks_must_be_one_of_the_cast() -> None:
    cast = group_chat_config(CAST)
    assert bot_metadata(group_chat_config=cast, target_character_name="Bajie")["target_character_name"] == "Bajie"
    with pytest.raises(ValueError, match=r"target_character_name.*'Shaseng'.*Wukong.*Bajie"):
        bot_metadata(group_chat_config=cast, target_character_name="Shaseng")


def test_a_bot_with_a_cast_of_its_own_is_told_who_speaks() -> None:
    assert bot_metadata(target_character_name="Bajie") == {"target_character_name": "Bajie"}
    with pytest.raises(ValueError, match="target_character_name"):
        bot_metadata(target_character_name="")


def test_keys_that_the_service_may_learn_go_out_as_they_are() -> None:
    assert bot_metadata(new_switch={"on": 1}) == {"new_switch": {"on": 1}}


def test_nothing_set_is_nothing_sent() -> None:
    assert bot_metadata() == {}


def test_layers_win_key_by_key() -> None:
    layers = ({"a": 1, "b": 1, "user_info": HOME}, {"b": 2}, {"user_info": {"district": "滨江区"}, "a": None})
    assert merge(*layers) == {"b": 2, "user_info": {"city": "杭州", "district": "滨江区"}}


def test_a_layer_may_complete_a_user_info_given_as_json() -> None:
    assert merge({"user_info": json.dumps(HOME)}, {"user_info": {"city": "绍兴"}})["user_info"]["city"] == "绍兴"


def bot(**arguments: Any) -> ChatArkBot:
    return ChatArkBot(model="bot-1", api_key="k", **arguments)


def body(model: ChatArkBot, **call: Any) -> dict[str, Any]:
    return dict(request_of(model, [HumanMessage("Hi")], None, stream=False, **call).body)


def test_the_body_has_no_metadata_where_none_was_set() -> None:
    assert body(bot()) == {"model": "bot-1", "messages": [HI]}


def test_the_calls_own_win_over_the_constructors() -> None:
    model = bot(bot_metadata={"x": 1, "emit_intention_signal_extra": True}, user_info=HOME)
    assert body(model, bot_metadata={"x": 2}, user_info={"district": "滨江区"})["metadata"] == {
        "x": 2,
        "emit_intention_signal_extra": "true",
        "user_info": '{"city": "杭州", "district": "滨江区"}',
    }
    assert body(model)["metadata"]["x"] == 1


def test_metadata_under_the_services_own_name_is_taken_too() -> None:
    assert body(bot(user_info=HOME), metadata={"y": 1})["metadata"]["y"] == 1


def test_extra_body_is_sent_unchecked() -> None:
    assert body(bot(), extra_body={"metadata": {"user_info": "?"}})["metadata"] == {"user_info": "?"}


def test_a_wrong_shape_is_refused_by_the_constructor() -> None:
    with pytest.raises(ValueError, match="characters"):
        bot(bot_metadata={"group_chat_config": {}})


def test_a_wrong_shape_is_refused_by_the_call() -> None:
    with pytest.raises(ValueError, match="district is missing"):
        bot().invoke("x", user_info={"city": "杭州"})


@pytest.mark.parametrize(
    "wrong",
    [
        {"temperature": 2.1},
        {"top_p": 1.1},
        {"frequency_penalty": 2.5},
        {"presence_penalty": -2.5},
        {"top_logprobs": 21},
        {"max_tokens": -1},
        {"stop": ["a", "b", "c", "d", "e"]},
    ],
)
def test_values_outside_the_documented_ranges_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        bot(**wrong)


def test_an_unknown_argument_is_refused() -> None:
    with pytest.raises(ValueError, match="user_city"):
        bot(user_city="杭州")


def test_every_parameter_of_the_page_goes_out_under_its_name() -> None:
    parameters: dict[str, Any] = {
        "max_tokens": 4096,
        "stop": ["你好", "天气"],
        "frequency_penalty": 1.0,
        "temperature": 0.8,
        "top_p": 0.8,
        "logprobs": True,
        "top_logprobs": 2,
        "logit_bias": {"1058": -100.0},
    }
    assert body(bot(**parameters)) == {"model": "bot-1", "messages": [HI], **parameters}


def test_a_zero_is_sent_as_zero() -> None:
    assert body(bot(temperature=0))["temperature"] == 0


@pytest.mark.parametrize("pasted", ["", "/", "/bots", "/bots/", "/bots/chat/completions", "/chat/completions"])
def test_a_pasted_address_is_understood(pasted: str) -> None:
    model = bot(base_url="https://ark.cn-beijing.volces.com/api/v3" + pasted)
    assert model.base_url == "https://ark.cn-beijing.volces.com/api/v3"
    assert request_of(model, [HumanMessage("Hi")], None, stream=False).path == "/bots/chat/completions"
