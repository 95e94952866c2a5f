"""LangChain integrations for Volcengine Ark, Baidu Qianfan and the VikingDB knowledge base.

Public names are imported on first use, which keeps the import of the package fast. Their types are in
`__init__.pyi`.
"""

from langchain_volcark._version import __version__

_NAMES = {
    "ark.bots.chat_models": ("ChatArkBot",),
    "ark.bots.metadata": ("bot_metadata", "group_chat_config"),
    "ark.chat_models": ("ChatArk",),
    "ark.embeddings": ("ArkEmbeddings",),
    "ark.files.file": ("ArkFile",),
    "ark.files.files": ("ArkFiles",),
    "ark.images.generator": ("ArkImageGenerator",),
    "ark.images.pictures": ("ArkImage", "GeneratedImages"),
    "ark.images.streams": ("ArkImageStream", "AsyncArkImageStream"),
    "ark.responses.stored": ("ArkPrefix",),
    "ark.videos.generator": ("ArkVideoGenerator",),
    "ark.videos.task": ("ArkVideoTask",),
    "base.runs": ("abatch_as_completed", "batch_as_completed"),
    "knowledge.chain": ("knowledge_chain",),
    "knowledge.chat_models": ("ChatVikingKnowledge",),
    "knowledge.rerank": ("VikingKnowledgeReranker",),
    "knowledge.retrievers": ("VikingKnowledgeRetriever",),
    "qianfan.chat_models": ("ChatQianfan",),
    "qianfan.embeddings": ("QianfanEmbeddings",),
    "qianfan.rerank": ("QianfanRerank",),
    "references": ("References", "references_to_documents"),
    "registration": ("register",),
}
_MODULES = {name: f"{__name__}.{module}" for module, names in _NAMES.items() for name in names}

__all__ = ["__version__", *_MODULES]  # noqa: PLE0604 - strings, all of them


def __getattr__(name: str) -> object:
    module = _MODULES.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(__import__(module, fromlist=[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
