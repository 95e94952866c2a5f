"""A model of batch inference with bound arguments: tools, limits, stop sequences."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from langchain_core.language_models import chat_models as core
from langchain_core.runnables import RunnableBinding
from typing_extensions import override

from langchain_volcark.base.runs import abatch_as_completed, batch_as_completed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Iterator, Sequence

    from langchain_core.language_models.chat_models import _ChatModelBinding as Binding
    from langchain_core.runnables import RunnableConfig

    Configs = RunnableConfig | Sequence[RunnableConfig] | None
else:
    # Core's own class for bound chat models has the types of its event streams; older versions have none.
    Binding = getattr(core, "_ChatModelBinding", RunnableBinding)


class BatchBinding(Binding):  # type: ignore[no-redef]
    """A bound model whose `…_as_completed` take any number of inputs; core's would begin all of them at once."""

    @override
    def batch_as_completed(
        self, inputs: Iterable[Any], config: Configs = None, *, return_exceptions: bool = False, **kwargs: Any
    ) -> Iterator[tuple[int, Any]]:
        return batch_as_completed(
            self, inputs, config, return_exceptions=return_exceptions, show_progress_bar=self._shows, **kwargs
        )

    @override
    def abatch_as_completed(
        self, inputs: Iterable[Any], config: Configs = None, *, return_exceptions: bool = False, **kwargs: Any
    ) -> AsyncIterator[tuple[int, Any]]:
        return abatch_as_completed(
            self, inputs, config, return_exceptions=return_exceptions, show_progress_bar=self._shows, **kwargs
        )

    @property
    def _shows(self) -> bool:
        return bool(getattr(self.bound, "show_progress_bar", False))

    @classmethod
    @override
    def lc_id(cls) -> list[str]:
        return RunnableBinding.lc_id()  # saved as core's, and loaded by the model it holds
