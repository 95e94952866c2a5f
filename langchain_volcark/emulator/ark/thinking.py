"""Validates `thinking` and `reasoning_effort` for each model.

https://www.volcengine.com/docs/82379/1449737
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from langchain_volcark.emulator.ark.errors import ArkError, invalid, unsupported

if TYPE_CHECKING:
    from langchain_volcark.emulator.ark.models import Model

EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
_STOPPING_EFFORTS = ("none", "minimal")


def thinks(body: dict[str, Any], model: Model) -> bool:
    """Check `thinking` and `reasoning_effort`, alone and together; return whether the model will think."""
    kind = _switch(body, model)
    effort = body.get("reasoning_effort")
    if effort is not None:
        if effort not in EFFORTS:
            raise invalid("reasoning_effort", f"expected one of {list(EFFORTS)}")
        if not model.effort:
            raise unsupported("reasoning_effort", model.id)
        if kind == "disabled" and effort not in _STOPPING_EFFORTS:
            raise ArkError(
                400,
                "InvalidParameter",
                f"Invalid combination of reasoning_effort and thinking type: {effort} + disabled.",
                "reasoning_effort",
            )
    if model.thinking == "always":
        return True
    return kind in ("enabled", "auto") and effort not in _STOPPING_EFFORTS


def _switch(body: dict[str, Any], model: Model) -> str:
    """Return the requested thinking type, else the model's default."""
    thinking = body.get("thinking")
    if thinking is None:
        return "enabled" if model.deep_thinking else "disabled_by_default"
    if not isinstance(thinking, dict) or set(thinking) - {"type"}:
        raise invalid("thinking", 'expected an object with the one field "type"')
    kind = thinking.get("type")
    if kind not in ("enabled", "disabled", "auto"):
        raise invalid("thinking.type", "expected enabled, disabled or auto")
    refused = (
        (kind == "auto" and not model.auto_thinking)
        or (kind == "enabled" and model.thinking == "never")
        or (kind == "disabled" and model.thinking == "always")
    )
    if refused:
        raise ArkError(
            400,
            "InvalidParameter",
            f"Unsupported thinking type for the current model: {kind}.",
            "thinking.type",
        )
    return str(kind)
