"""Sources of the emulated bot plugins: a small corpus, and a weather card for any city.

Web content plugin: https://www.volcengine.com/docs/82379/1285209. Knowledge base plugin:
https://www.volcengine.com/docs/82379/1285210.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

MOST = 5
_WEATHER = ("天气", "weather")
_CITIES = {"hangzhou": "杭州", "beijing": "北京", "shanghai": "上海", "lima": "利马", "杭州": "杭州"} | {
    name: name for name in ("北京", "上海", "利马", "深圳", "成都")
}
_SKIES = ("多云", "晴", "小雨", "阴")


@dataclass(frozen=True)
class Source:
    """A source that plugins can find.

    Attributes:
        words: Words in questions that match, in lower case.
        fact: The sentence used in answers.
        reference: The reference, as in replies.
        result: The plugin's result, as in `action_details`.
    """

    words: tuple[str, ...]
    fact: str
    reference: dict[str, Any]
    result: dict[str, Any]


def _web(words: str, site: str, url: str, title: str, fact: str, published: str, seconds: int) -> Source:
    extra = {
        "rel_info": "强相关",
        "freshness_info": "满足时效需求",
        "auth_info": "正常权威",
        "final_ref": "",
    }
    reference = {
        "url": url,
        "logo_url": "",
        "site_name": site,
        "title": title,
        "summary": fact,
        "publish_time": published,
        "extra": extra,
    }
    # The plugin's result has the time as a number; the reference has it as text, 0 being 1970 in China.
    result = {
        "source_type": "search_engine",
        "site_name": site,
        "title": title,
        "summary": fact,
        "publish_time": seconds,
        "url": url,
        "cover_image": None,
    }
    return Source(tuple(words.split()), fact, reference, result)


_UNKNOWN_TIME = "1970年01月01日 08:00:00(CST) 星期四"

WEB = (
    _web(
        "十字花科 cruciferous 甘蓝 cabbage",
        "搜索引擎-植物小百科",
        "https://plants.example.com/cruciferae",
        "十字花科植物一览",
        "常见的十字花科植物有甘蓝、萝卜、油菜和荠菜。",
        "2024年05月06日 09:00:00(CST) 星期一",
        1714957200,
    ),
    _web(
        "十字花科 花椰菜 cauliflower cruciferous",
        "搜索引擎-厨房手记",
        "https://kitchen.example.com/cauliflower",
        "花椰菜:从花球到餐桌",
        "花椰菜又叫菜花,食用的是它未开放的花序。",
        _UNKNOWN_TIME,
        0,
    ),
    _web(
        "十字花科 西兰花 broccoli cruciferous",
        "搜索引擎-Garden Notes",
        "https://garden.example.com/broccoli",
        "Growing broccoli in a cool spring",
        "Broccoli is a cabbage grown for its green flower heads.",
        "2025年03月01日 12:30:00(CST) 星期六",
        1740803400,
    ),
    _web(
        "珠穆朗玛 高山 最高 everest mountain",
        "搜索引擎-地理之窗",
        "https://geo.example.com/everest",
        "世界最高峰",
        "珠穆朗玛峰海拔8848.86米,是世界第一高山。",
        "2020年12月08日 15:00:00(CST) 星期二",
        1607410800,
    ),
    _web(
        "peru 秘鲁 capital 首都",
        "搜索引擎-Atlas",
        "https://atlas.example.com/peru",
        "Peru at a glance",
        "The capital of Peru is Lima.",
        _UNKNOWN_TIME,
        0,
    ),
)


def _knowledge(words: str, number: int, title: str, fact: str) -> Source:
    reference = {
        "collection_name": "handbook",
        "project": "default",
        "doc_id": f"_sys_auto_gen_doc_id-{number:04}",
        "doc_name": f"{title}.md",
        "doc_type": "md",
        "doc_title": title,
        "chunk_id": f"_sys_auto_gen_doc_id-{number:04}-0",
        "chunk_title": title,
    }
    return Source(tuple(words.split()), fact, reference, {**reference, "content": fact})


KNOWLEDGE = (
    _knowledge("休假 年假 leave holiday", 1, "休假制度", "入职满一年的员工每年有十天年假。"),
    _knowledge("报销 expense travel 休假", 2, "差旅与报销", "差旅报销须在返程后三十天内提交。"),
    _knowledge("emulator 模拟器", 3, "The emulator", "The emulator makes its replies by documented rules."),
)


def search(question: str, corpus: tuple[Source, ...]) -> list[Source]:
    """Return the sources that share words with a question, most shared words first."""
    asked = question.lower()
    scores = [(sum(word in asked for word in source.words), source) for source in corpus]
    found = sorted((pair for pair in scores if pair[0]), key=lambda pair: -pair[0])
    return [source for _, source in found][:MOST]


def weather(question: str, user: dict[str, Any]) -> list[Source]:
    """Return a weather card for a question about the weather: for the city it names, else the user's."""
    asked = question.lower()
    if not any(word in asked for word in _WEATHER):
        return []
    named = next((city for name, city in _CITIES.items() if name in asked), None)
    city = named or user.get("city") or "北京"
    place = city if named else f"{city}{user.get('district') or ''}"
    # The weather is derived from the city's name, so that it is stable.
    degrees = 10 + sum(map(ord, city)) % 20
    sky = _SKIES[sum(map(ord, city)) % len(_SKIES)]
    fact = f"{place}今天{sky},最高气温{degrees}度。"
    page = _web(
        "",
        "墨迹天气",
        "https://weather.example.com/today",
        f"{place}天气",
        fact,
        _UNKNOWN_TIME,
        0,
    )
    card = {"display": {"city": place, "condition": sky, "aqi": degrees * 3, "seven_forecast_data": [degrees] * 7}}
    page.reference["extra"]["weather_card_data"] = card
    return [page]
