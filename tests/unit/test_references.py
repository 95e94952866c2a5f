"""References as documents and as formatted text."""

from __future__ import annotations

from typing import Any

from langchain_core.documents import Document
from langchain_core.messages import AIMessage
from langchain_core.runnables import RunnableLambda

from langchain_volcark import References, references_to_documents
from langchain_volcark.messages.content_blocks import register
from langchain_volcark.references import iso_time

register("qianfan-like")

WEB: dict[str, Any] = {
    "url": "https://a.example/kale?a=1&b=2",
    "logo_url": "",
    "site_name": "Example",
    "title": "Kale <b>",
    "summary": "Kale is green.",
    "publish_time": "2025年04月08日 10:30:00(CST) 星期二",
    "extra": {"rel_info": "强相关"},
}
KNOWLEDGE = {"collection_name": "handbook", "doc_id": "d1", "doc_name": "leave.md", "chunk_id": "d1-0"}


def answer(*references: Any, **metadata: Any) -> AIMessage:
    known = {"model_provider": "volcengine", "references": list(references)}
    return AIMessage("x", response_metadata={**known, **metadata})


def test_a_web_page_becomes_a_document() -> None:
    assert references_to_documents(answer(WEB)) == [
        Document(
            page_content="Kale is green.",
            metadata={
                "url": "https://a.example/kale?a=1&b=2",
                "site_name": "Example",
                "publish_time": "2025年04月08日 10:30:00(CST) 星期二",
                "extra": {"rel_info": "强相关"},
                "source": "https://a.example/kale?a=1&b=2",
                "title": "Kale <b>",
                "site": "Example",
                "time": "2025-04-08T10:30:00+08:00",
            },
        )
    ]


def test_a_piece_of_a_knowledge_base_becomes_a_document() -> None:
    [document] = references_to_documents(answer(KNOWLEDGE))
    assert document.page_content == ""
    assert document.metadata == {**KNOWLEDGE, "title": "leave.md", "site": "handbook"}


def test_search_results_become_documents_too() -> None:
    message = AIMessage(
        "x",
        response_metadata={
            "model_provider": "qianfan-like",
            "search_results": [{"index": 3, "url": "https://a.example", "title": "Peru"}],
        },
    )
    [document] = references_to_documents(message)
    assert document.metadata["source"] == "https://a.example"
    assert str(References(message)).startswith("[3] Peru")


def test_an_answer_without_sources_has_no_documents() -> None:
    assert references_to_documents(AIMessage("x")) == []
    assert str(References(AIMessage("x"))) == "(no references)"
    assert "no references" in References(AIMessage("x"))._repr_html_()


def test_it_stands_in_a_chain() -> None:
    chain = RunnableLambda(lambda _: answer(WEB)) | references_to_documents
    assert chain.invoke("?")[0].page_content == "Kale is green."


def test_the_list_for_a_terminal() -> None:
    assert str(References(answer(WEB, KNOWLEDGE))) == (
        "[1] Kale <b> (Example, 2025-04-08T10:30:00+08:00)\n"
        "    https://a.example/kale?a=1&b=2\n"
        "    Kale is green.\n"
        "[2] leave.md (handbook)"
    )


def test_a_title_cannot_move_the_cursor() -> None:
    shown = str(References(answer({"title": "a\x1b[2J\rb\u202ec", "url": "https://a.example\n[9] fake"})))
    assert "\x1b" not in shown
    assert "\u202e" not in shown
    assert len(shown.splitlines()) == 2


def test_the_list_for_a_notebook_is_escaped_and_links() -> None:
    html = References(answer(WEB))._repr_html_()
    assert '<a href="https://a.example/kale?a=1&amp;b=2"' in html
    assert "Kale &lt;b&gt;" in html


def test_the_list_for_a_notebook_shows_the_day_and_keeps_the_time() -> None:
    html = References(answer(WEB))._repr_html_()
    assert 'Example · <time datetime="2025-04-08T10:30:00+08:00">2025-04-08</time>' in html


def test_only_web_addresses_are_links() -> None:
    html = References(answer({"title": "x", "url": "javascript:alert(1)"}))._repr_html_()
    assert "javascript:" not in html


def test_it_is_the_sequence_of_the_references_as_sent() -> None:
    found = References(answer(WEB, KNOWLEDGE))
    assert list(found) == [WEB, KNOWLEDGE]
    assert found[1:] == [KNOWLEDGE]
    assert len(found) == 2


def test_a_long_excerpt_is_shortened_for_the_eye_only() -> None:
    message = answer({"title": "x", "summary": "long " * 100})
    assert len(str(References(message))) < 250
    assert references_to_documents(message)[0].page_content == "long " * 100


def test_the_service_s_own_time_is_read() -> None:
    assert iso_time("2025年04月08日 10:30:00(CST) 星期二") == "2025-04-08T10:30:00+08:00"
    assert iso_time("2025年4月8日") == "2025-04-08T00:00:00+08:00"


def test_a_time_that_nobody_knows_is_none() -> None:
    assert iso_time("1970年01月01日 08:00:00(CST) 星期四") == ""
    assert iso_time("yesterday") == ""
    assert iso_time("2025年13月08日") == ""


HOSTED = AIMessage(
    [
        {
            "type": "text",
            "text": "Cabbage. Cabbage again.",
            "annotations": [
                {
                    "type": "citation",
                    "title": "Plants",
                    "url": "https://plants.example.com",
                    "cited_text": "A cabbage.",
                    "start_index": place,
                    "end_index": place + 1,
                    "extras": {"site_name": "Atlas", "publish_time": "2024年05月06日 09:00:00(CST) 星期一"},
                }
                for place in (1, 9)
            ],
        },
        {
            "type": "text",
            "text": "Ferry.",
            "annotations": [{"type": "citation", "title": "timetable.md", "extras": {"chunk_id": 1}}],
        },
    ],
    response_metadata={"output_version": "v1", "model_provider": "volcengine"},
)


def test_what_the_texts_cite_is_listed_where_the_service_lists_nothing() -> None:
    assert str(References(HOSTED)) == (
        "[1] Plants (Atlas, 2024-05-06T09:00:00+08:00)\n    https://plants.example.com\n    A cabbage.\n"
        "[2] timetable.md"
    )
    page, file = references_to_documents(HOSTED)
    assert page.page_content == "A cabbage."
    assert page.metadata["source"] == "https://plants.example.com"
    assert (file.page_content, file.metadata) == ("", {"chunk_id": 1, "title": "timetable.md"})


def test_what_the_service_lists_goes_before_what_the_texts_cite() -> None:
    listed = HOSTED.model_copy(
        update={"response_metadata": {**HOSTED.response_metadata, "references": [{"title": "Listed"}]}}
    )
    assert str(References(listed)) == "[1] Listed"
