"""Retrieval quality of the emulator's embeddings: questions in Chinese and English find the right passage."""

from __future__ import annotations

import sys

import pytest
from langchain_core.vectorstores import InMemoryVectorStore

from langchain_volcark import ArkEmbeddings
from langchain_volcark.emulator import Emulator

# A question and the passage that answers it.
QUESTIONS = [
    ("常见的十字花科植物有哪些?", "花椰菜又称菜花、花菜,是一种常见的蔬菜,和白菜、萝卜一样是十字花科植物。"),
    ("西湖在哪个城市?", "杭州西湖三面环山,湖中有苏堤和白堤,是中国最有名的湖泊之一。"),
    ("怎样创建推理接入点?", "在火山方舟控制台的模型推理页面可以创建推理接入点,得到以 ep- 开头的编号。"),
    ("忘记密码了怎么办?", "如果忘记密码,请在登录页点击重置密码,系统会向注册邮箱发送验证链接。"),
    ("高铁从北京到上海要多久?", "京沪高铁全长一千三百多公里,北京到上海最快四个多小时。"),
    ("为什么海水是咸的?", "河流把岩石中的盐分带入海洋,水蒸发而盐留下,所以海水是咸的。"),
    ("发票可以开什么抬头?", "用户可以在费用中心申请开票,发票抬头可以是个人或企业。"),
    ("端午节吃什么?", "端午节有吃粽子、赛龙舟的习俗,为了纪念屈原。"),
    ("图片最大可以上传多少 MB?", "单张图片不能超过 10 MB,宽和高都要大于 14 像素。"),
    ("茶叶怎么保存?", "茶叶怕潮、怕光、怕异味,应当密封后放在阴凉干燥处保存。"),
    ("地震的时候应该躲在哪里?", "地震发生时应躲在坚固的桌子下面,护住头部,远离窗户。"),
    ("大熊猫吃什么?", "大熊猫主要以竹子为食,一天要吃十几公斤竹叶和竹笋。"),
    (
        "How do I reset my password?",
        "To reset a forgotten password, open the sign-in page and follow the link sent by email.",
    ),
    (
        "Which river flows through Paris?",
        "The Seine is a river in northern France that flows through the centre of Paris.",
    ),
    (
        "How are rate limits retried?",
        "Requests that hit a rate limit are retried with exponential backoff and jitter.",
    ),
    ("What do pandas eat?", "A giant panda eats bamboo for up to fourteen hours a day."),
    ("Why is the sky blue?", "Air scatters blue light more than red light, so the sky looks blue."),
    (
        "How long does a train from Beijing to Shanghai take?",
        "The fast train links Beijing and Shanghai in four hours.",
    ),
    ("How many tokens fit into the context window?", "The model's context window holds 256 thousand tokens."),
    ("Who wrote Hamlet?", "Hamlet is a tragedy that William Shakespeare wrote around 1600."),
    (
        "When was the telephone invented?",
        "Alexander Graham Bell was awarded the patent for the telephone in 1876.",
    ),
    ("How should coffee beans be stored?", "Store coffee beans in a closed tin, away from light and heat."),
    ("Can I get a refund for an unused plan?", "Plans that were not used are refunded within seven days."),
    ("What is the largest planet?", "Jupiter is the largest of the eight planets in the solar system."),
]


@pytest.mark.parametrize(
    ("model", "dimensions"),
    [
        ("doubao-embedding-vision-251215", 2048),
        ("doubao-embedding-vision-251215", 1024),
        ("doubao-embedding-large-text-250515", 2048),
        ("doubao-embedding-large-text-250515", 512),
    ],
)
def test_the_right_passage_comes_first(
    emulator: Emulator, capsys: pytest.CaptureFixture[str], model: str, dimensions: int
) -> None:
    embeddings = ArkEmbeddings(
        model=model, dimensions=dimensions, api_key=emulator.api_key, base_url=emulator.ark_base_url
    )
    store = InMemoryVectorStore(embeddings)
    store.add_texts([passage for _, passage in QUESTIONS])
    missed = [
        question
        for question, passage in QUESTIONS
        if store.similarity_search(question, k=1)[0].page_content != passage
    ]
    found = len(QUESTIONS) - len(missed)
    with capsys.disabled():
        sys.stdout.write(f"\n{model}, {dimensions} dimensions: right passage first {found} of {len(QUESTIONS)}\n")
    assert missed == []
