"""The built-in collection: documents of a ferry line, in English and Chinese."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from langchain_volcark.emulator.knowledge.corpus import load

if TYPE_CHECKING:
    from langchain_volcark.emulator.knowledge.corpus import Collection

_TIME = 1_735_787_045

_TIMETABLE = """\
---
lang: en
year: 2025
valid: true
tags: [summer, timetable]
---
# Timetable

## Departures

The ferry leaves the old pier at 07:40, 12:10 and 18:30 every day.

## Sundays

On Sundays and public holidays the first ferry leaves at 09:00 instead of 07:40.

## Crossing

The crossing to the island takes 45 minutes. In a storm of force 8 or more the ferry does not sail.
"""

_LUGGAGE = """\
---
lang: en
year: 2023
valid: true
tags: [rules]
---
# Luggage and animals

## Bicycles

A bicycle travels free of charge in the hold. Motorcycles need a ticket of their own.

## Dogs

Dogs travel on deck on a leash; guide dogs may enter the cabin.
"""

_TICKETS = """\
---
lang: zh
year: 2025
valid: true
tags: [票务]
---
# 船票

## 票价

成人单程票十二元，往返票二十元。儿童身高一米二以下免票。

## 退票

开船前两小时可以全额退票，开船后不予退票。
"""

_FAQ = """\
question,answer
Can I pay by card?,Yes: cards and mobile payment are taken at the counter and on board.
轮渡上有餐厅吗？,船上有小卖部，供应茶水和点心，没有餐厅。
"""

_FARES = """\
ticket,single,return
adult,12,20
child,0,0
motorcycle,30,55
"""

# An image of one grey pixel.
_PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNoAAAAggCBd81ytgAAAABJRU5ErkJggg=="
)


def sample_collection() -> Collection:
    """Return the collection `demo` for an emulator without a documents folder."""
    texts = {
        "timetable.md": _TIMETABLE,
        "luggage.md": _LUGGAGE,
        "zh/tickets.md": _TICKETS,
        "questions.faq.csv": _FAQ,
        "fares.csv": _FARES,
    }
    files = [(path, text.encode(), _TIME) for path, text in texts.items()]
    return load("demo", [*files, ("map-of-the-old-pier.png", _PIXEL, _TIME)])
