"""The settings of batch inference, which chat models and embeddings share.

Follows https://www.volcengine.com/docs/82379/1528783 (batch chat) and /1399517 (batch inference).
"""

from __future__ import annotations

import functools
import warnings
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, PlainValidator, WithJsonSchema, model_validator

from langchain_volcark.ark.batch.retries import UntilDeadline
from langchain_volcark.ark.service import ArkService
from langchain_volcark.base.values import Switch, read_number
from langchain_volcark.http.deadline import Deadline

if TYPE_CHECKING:
    from typing_extensions import Self

    from langchain_volcark.http.requests import ServiceRequest

PREFIX = "/batch"
"""The paths of batch inference are the online ones below this."""
_ENDPOINT = "ep-bi-"
_DAY = 86_400
_LONGEST = 7 * _DAY


def _read_deadline(value: Any) -> float | None:
    if value is None:
        return None
    seconds = value.total_seconds() if isinstance(value, timedelta) else read_number(value)
    if not 0 < seconds <= _LONGEST:
        raise ValueError(f"batch_deadline must be more than 0 and at most {_LONGEST} seconds, not {seconds:g}.")
    return seconds


class BatchInference(ArkService):
    """Sends calls to Ark's batch inference (批量推理), at half the price of online calls."""

    batch_inference: Switch = Field(default=False, alias="batch")  # a field `batch` would hide the method
    """Whether calls go to batch inference; `batch=True` in the constructor. It needs an endpoint `ep-bi-…`.

    Each call waits for its answer, which may take hours, and is repeated until `batch_deadline`, whatever
    `max_retries` says: after errors that may be temporary, with growing waits of at most a minute, or for as long
    as the service asks with `Retry-After`, which holds for all calls of this model in the process.
    """
    batch_deadline: Annotated[
        float | timedelta | None,
        PlainValidator(_read_deadline),
        WithJsonSchema({"type": "number"}, mode="validation"),
    ] = None
    """How long each call of batch inference may take: seconds or a `timedelta`, at most seven days; None: one day.

    The service recommends one to three days. Of `timeout` only the bounds of connecting and sending apply. Time in
    which an input of `batch` waits for others does not count.
    """

    @model_validator(mode="after")
    def _check_batch(self) -> Self:
        if self.batch_inference:
            warn_of_other_endpoint(str(getattr(self, "model", "")))
        elif self.batch_deadline is not None:
            raise ValueError("batch_deadline applies to batch inference only: add batch=True, or leave it out.")
        return self

    def _in_batch(self, request: ServiceRequest) -> ServiceRequest:
        """Turn an online request into one of batch inference, if that is set."""
        if not self.batch_inference:
            return request
        model = str(request.body.get("model"))
        warn_of_other_endpoint(model)
        deadline = Deadline(_read_deadline(self.batch_deadline) or _DAY)
        retries = UntilDeadline(deadline, (self.base_url, model))
        return replace(request, path=PREFIX + request.path, retries=retries, deadline=deadline)


@functools.lru_cache(maxsize=1024)
def warn_of_other_endpoint(model: str) -> None:
    """Warn, once for each id, of a model that is not an endpoint of batch inference."""
    if not model.startswith(_ENDPOINT):
        warnings.warn(
            f"{model} is not an endpoint of batch inference, whose id begins with {_ENDPOINT}: the service may "
            "refuse it. Create one in the Ark console.",
            stacklevel=2,
        )
