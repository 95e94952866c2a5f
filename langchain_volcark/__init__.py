"""LangChain integrations for Volcengine Ark, Baidu Qianfan and the VikingDB knowledge base.

The public names load on first use, so importing the package costs nothing.
"""

from langchain_volcark._version import __version__

# Type checkers know the name; importing `typing` would be most of what importing this package costs.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from langchain_volcark.ark.bot_metadata import bot_metadata, group_chat_config
    from langchain_volcark.ark.bots import ChatArkBot
    from langchain_volcark.ark.chat_models import ChatArk
    from langchain_volcark.ark.embeddings import ArkEmbeddings
    from langchain_volcark.knowledge.chat_models import ChatVikingKnowledge
    from langchain_volcark.knowledge.prompts import knowledge_chain
    from langchain_volcark.knowledge.rerank import VikingKnowledgeReranker
    from langchain_volcark.knowledge.retrievers import VikingKnowledgeRetriever
    from langchain_volcark.qianfan.chat_models import ChatQianfan
    from langchain_volcark.qianfan.embeddings import QianfanEmbeddings
    from langchain_volcark.qianfan.rerank import QianfanRerank
    from langchain_volcark.references import References, references_to_documents
    from langchain_volcark.registration import register

_MODULES = {
    "ArkEmbeddings": "langchain_volcark.ark.embeddings",
    "ChatArk": "langchain_volcark.ark.chat_models",
    "ChatArkBot": "langchain_volcark.ark.bots",
    "ChatVikingKnowledge": "langchain_volcark.knowledge.chat_models",
    "References": "langchain_volcark.references",
    "VikingKnowledgeReranker": "langchain_volcark.knowledge.rerank",
    "VikingKnowledgeRetriever": "langchain_volcark.knowledge.retrievers",
    "bot_metadata": "langchain_volcark.ark.bot_metadata",
    "group_chat_config": "langchain_volcark.ark.bot_metadata",
    "knowledge_chain": "langchain_volcark.knowledge.prompts",
    "references_to_documents": "langchain_volcark.references",
    "register": "langchain_volcark.registration",
    "ChatQianfan": "langchain_volcark.qianfan.chat_models",
    "QianfanEmbeddings": "langchain_volcark.qianfan.embeddings",
    "QianfanRerank": "langchain_volcark.qianfan.rerank",
}

__all__ = [
    "ArkEmbeddings",
    "ChatArk",
    "ChatArkBot",
    "ChatQianfan",
    "ChatVikingKnowledge",
    "QianfanEmbeddings",
    "QianfanRerank",
    "References",
    "VikingKnowledgeReranker",
    "VikingKnowledgeRetriever",
    "__version__",
    "bot_metadata",
    "group_chat_config",
    "knowledge_chain",
    "references_to_documents",
    "register",
]


def __getattr__(name: str) -> object:
    module = _MODULES.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(__import__(module, fromlist=[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
