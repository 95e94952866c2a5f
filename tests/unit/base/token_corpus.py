"""Texts to measure token counts by.

The averages of `langchain_volcark.base.tokens` were found with other texts: a Chinese newsletter, a translated manual, the
standard library, licences and package descriptions. Two of them were corrected by what was measured here: words in
capitals by `SQL`, and drawn frames by this repository's `ARCHITECTURE.md`.
"""

from __future__ import annotations

import json
import random

CHINESE_STORY = """
清晨的雾还没有散尽,老张已经推着他的早餐车出现在巷口。炉子上的水咕嘟咕嘟地冒着泡,蒸笼里的包子散发出诱人的香气。他一边熟练地揉着面团,
一边和路过的邻居打招呼。“老张,来两个肉包,一碗豆浆!”说话的是住在三楼的小李,每天早上七点半准时下楼,风雨无阻。老张笑着点点头,动作
麻利地把包子装进纸袋,又在豆浆里多加了半勺糖,他知道小李喜欢甜一点。

这条巷子快要拆迁了,墙上到处都写着大大的“拆”字。很多老住户已经搬走,只剩下几家还在等待最后的消息。老张的妻子劝他早点收摊,回老家养老,
可是他总说再等等。其实他也说不清自己在等什么,也许是舍不得这些老街坊,也许只是习惯了每天凌晨三点起床,习惯了看着这座城市一点一点地醒来。

下午,一个陌生的年轻人走到摊位前,手里拿着一台相机。他说自己是摄影专业的学生,想拍一组关于老街的照片,作为毕业作品。老张有些不好意思,
摆摆手说自己长得不好看。年轻人却很认真地说:“您揉面的样子就很好看。”那天傍晚,老张第一次对着镜头笑了起来,夕阳正好落在他花白的头发上。
"""

CHINESE_NEWS = """
本报讯 记者近日从市交通运输委员会获悉,地铁十二号线一期工程已全面进入轨道铺设阶段,预计明年年底前开通试运营。该线路全长约三十一公里,
设车站二十二座,其中换乘站九座,建成后将有效缓解城市东西方向的交通压力。据项目负责人介绍,施工过程中采用了多项新技术,最大限度减少了对
沿线居民生活的影响。

与此同时,公交线网也将同步优化调整。相关部门表示,将根据客流变化情况,新增接驳线路十五条,撤销重复线路八条,并在主要换乘站附近增设共享
单车停放区域。市民可以通过官方网站、手机应用以及服务热线提出意见和建议,征求意见期为三十天。

专家认为,轨道交通的发展不仅能够改善居民出行条件,还会带动沿线商业和住宅的发展。不过,也有市民担心票价上涨。对此,有关负责人回应称,目前
没有调整票价的计划,今后如需调整,将依法履行听证程序,充分听取社会各界的意见。
"""

CHINESE_TECHNICAL = """
向量数据库的核心问题是如何在高维空间中快速找到与查询最相似的若干个向量。暴力搜索需要计算查询与每一个向量之间的距离,数据量较大时延迟难以
接受,因此实际系统通常采用近似最近邻算法。常见的方法包括倒排索引、乘积量化以及基于图的索引。图索引的思路是预先为每个节点建立若干条边,查询
时从入口节点出发,沿着距离不断减小的方向前进,直到找不到更近的邻居为止。

这类索引的优点是召回率高、查询速度快,缺点是占用内存较多,构建时间较长。为了降低内存消耗,可以对向量进行量化压缩,只在最后一步使用原始向量
重新排序。参数的选择需要在召回率、延迟和成本之间取得平衡:连接数越多,召回率越高,内存占用也越大;搜索时保留的候选集越大,结果越准确,但响应
时间也会相应增加。建议先用真实业务数据做小规模测试,再根据结果调整参数。
"""

ENGLISH_STORY = """
The lighthouse keeper had not spoken to anyone for eleven days when the boat appeared. At first he took it for a
trick of the light, one of those dark smudges that the eye invents after too many hours of looking at nothing. Then
it grew a mast, and a patched brown sail, and finally a woman in a yellow coat who waved at him as though they had
known each other all their lives. He put down the lamp oil and waved back, feeling foolish.

She had lost her rudder in the storm, she told him later, warming her hands around a mug of his terrible coffee. Two
nights she had drifted, bailing with a saucepan, singing to stay awake. He asked what she had sung. "Everything," she
said. "Hymns, mostly. And when I ran out of hymns, the shipping forecast." He laughed for the first time that winter,
and the sound of it startled the gulls from the railing.

They repaired the rudder together with driftwood and a hinge from the pantry door. It took the better part of a week,
because neither of them hurried. On the last morning she left the yellow coat hanging on the hook by the stairs, and
neither of them mentioned it, and he understood that she meant to come back for it in the spring.
"""

ENGLISH_BUSINESS = """
Dear colleagues, following last quarter's review, the committee has decided to postpone the migration of our billing
platform until the remaining compliance questions have been resolved. Although the preliminary results were
encouraging, several departments reported inconsistencies between the new invoices and the historical records, and
we cannot responsibly proceed while customers might be charged incorrectly. The engineering team will therefore
concentrate on reconciliation tooling during the next six weeks. Managers are asked to review their staffing plans,
to identify potential bottlenecks, and to communicate any foreseeable delays before the end of the month.

We recognise that this decision creates additional work for people who have already invested a great deal of energy
in the project. Please accept our sincere appreciation. An updated timeline, together with a summary of outstanding
risks and the corresponding mitigation measures, will be circulated as soon as the independent auditors have
completed their assessment. Until then, the existing procedures remain in force without exception.
"""

MIXED = """
今天我们来聊聊 LangChain 里的 Agent 是怎么工作的。简单来说,Agent 会先把用户的问题交给 LLM,LLM 决定要不要调用 tool;如果需要,就返回一个
tool call,里面有 function name 和 arguments。框架执行完之后,把结果包装成 ToolMessage 再发回给模型,直到模型给出 final answer 为止。

几个常见的坑:第一,streaming 模式下 tool call 的 arguments 是一段一段返回的,要自己拼起来才能 json.loads;第二,context window 是有限的,历史消息
太长会触发 ContextLengthError,这时候可以用 summarization middleware 压缩;第三,记得设置 max_retries 和 timeout,不然遇到 rate limit 的时候整个
pipeline 会卡住。另外,如果你用的是 Doubao 或者 DeepSeek 这样的 reasoning model,response 里会多一个 reasoning_content 字段,不要把它当作正文显示。

部署方面,推荐用 Docker 打包成 image,push 到 registry,然后在 Kubernetes 里创建 Deployment 和 Service。CPU 请求给 500m,memory 给 1Gi 就够了。
监控可以接 Prometheus + Grafana,重点看 P99 latency、QPS 和 error rate 这三个指标。
"""

MARKDOWN = """
# 快速开始

## 安装

```bash
pip install langchain-volcark
export ARK_API_KEY="your-key"
```

## 第一个例子

```python
from langchain_volcark import ChatArk

model = ChatArk(model="doubao-seed-2-1-pro-260915", temperature=0.2)
for chunk in model.stream("用三句话介绍杭州。"):
    print(chunk.text, end="", flush=True)
```

| 参数 | 类型 | 说明 |
|---|---|---|
| `model` | `str` | 模型名称或者接入点 ID |
| `temperature` | `float` | 采样温度,取值范围 0 到 2 |
| `max_tokens` | `int` | 回答的最大长度 |
| `timeout` | `float` | 超时时间,单位为秒 |

> **注意**:请不要把密钥写进代码,也不要提交到 Git 仓库。

- 支持流式输出、工具调用和结构化输出
- 支持图片和视频输入
- 更多用法请参考[官方文档](https://www.volcengine.com/docs/82379/1494384)
"""

CHAT = """
哈哈哈太好笑了😂😂😂 你昨天发的那个视频我看了三遍👍
真的假的?我还以为没人会看呢🤣 周末有空吗,一起去爬山🏔️呀
好啊好啊🎉 几点出发?要不要带点吃的🍎🥪🍫
早上八点地铁站见🚇 我带水和面包🍞,你带水果就行啦❤️
OK👌 那就这么定了!对了,小王也说想来,可以吗🙏
当然可以✨ 人多热闹嘛😄 记得穿运动鞋👟,山路有点滑⚠️
收到✅ 明天天气预报说是晴天☀️,完美!
Great news everyone! 🎉🎉 We just hit 10k stars on GitHub ⭐ Thank you so much for all the support ❤️ 🚀
"""

_random = random.Random(20)

NUMBERS = "日期,门店,销售额,订单数,退货率\n" + "\n".join(
    f"2026-{_random.randint(1, 12):02d}-{_random.randint(1, 28):02d},{_random.choice(['杭州', '上海', '成都'])}店,"
    f"{_random.uniform(900, 99_000):.2f},{_random.randint(10, 4_000)},{_random.uniform(0, 9):.1f}%"
    for _ in range(40)
)

TABLE = "| Region | Revenue (USD) | Growth | Customers |\n|---|---:|---:|---:|\n" + "\n".join(
    f"| {name} | {_random.randint(100_000, 90_000_000):,} | {_random.uniform(-5, 30):+.1f} % | "
    f"{_random.randint(50, 90_000):,} |"
    for name in (
        *("North America", "Latin America", "Western Europe", "Eastern Europe", "Middle East", "Southeast Asia"),
        *("Japan", "Greater China", "India", "Australia", "South Africa", "Nordic countries", "Central Asia"),
    )
)

JSON = json.dumps(
    [
        {
            "id": f"order_{_random.randint(10_000, 99_999)}",
            "customer": {"name": name, "email": f"{name.split()[0].lower()}@example.com", "vip": vip},
            "items": [{"sku": f"SKU-{_random.randint(100, 999)}", "quantity": 2, "unit_price": 19.9}],
            "status": "shipped",
            "created_at": "2026-11-21T10:17:37Z",
            "remark": "请尽快发货",
        }
        for name, vip in (("Alice Brown", True), ("Bob Miller", False), ("Carol Jones", True))
    ],
    ensure_ascii=False,
    indent=2,
)

JAVASCRIPT = """
import { useEffect, useMemo, useState } from "react";

export function SearchBox({ items, onSelect, placeholder = "Search…" }) {
  const [query, setQuery] = useState("");
  const [activeIndex, setActiveIndex] = useState(0);

  const matches = useMemo(() => {
    const needle = query.trim().toLowerCase();
    if (!needle) return [];
    return items.filter((item) => item.label.toLowerCase().includes(needle)).slice(0, 10);
  }, [items, query]);

  useEffect(() => {
    setActiveIndex(0);
  }, [query]);

  function handleKeyDown(event) {
    if (event.key === "ArrowDown") {
      setActiveIndex((index) => Math.min(index + 1, matches.length - 1));
    } else if (event.key === "ArrowUp") {
      setActiveIndex((index) => Math.max(index - 1, 0));
    } else if (event.key === "Enter" && matches[activeIndex]) {
      onSelect(matches[activeIndex]);
    }
  }

  return (
    <div className="search-box">
      <input value={query} placeholder={placeholder} onChange={(e) => setQuery(e.target.value)} onKeyDown={handleKeyDown} />
      <ul>{matches.map((item, i) => <li key={item.id} className={i === activeIndex ? "active" : ""}>{item.label}</li>)}</ul>
    </div>
  );
}
"""

SQL = """
CREATE TABLE orders (
    id BIGINT PRIMARY KEY AUTO_INCREMENT,
    customer_id BIGINT NOT NULL REFERENCES customers(id),
    total_amount DECIMAL(12, 2) NOT NULL DEFAULT 0,
    created_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP
);

SELECT c.name, COUNT(o.id) AS order_count, SUM(o.total_amount) AS revenue
FROM customers AS c
LEFT JOIN orders AS o ON o.customer_id = c.id AND o.created_at >= DATE_SUB(NOW(), INTERVAL 30 DAY)
WHERE c.status = 'active' AND c.country IN ('CN', 'SG', 'DE')
GROUP BY c.id, c.name
HAVING COUNT(o.id) > 3
ORDER BY revenue DESC
LIMIT 100;
"""

TEXTS = {
    name.lower(): text
    for name, text in list(globals().items())
    if name.isupper() and not name.startswith("_") and isinstance(text, str)
}
"""Every text by its name."""
