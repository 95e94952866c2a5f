"""Ids of Ark's chat models, for lists of models and for suggestions after a misspelt id.

Follows https://www.volcengine.com/docs/82379/1330310 and quotations of `GET /models`, as of November 2026. Calls
do not depend on it: the service knows further ids.
"""

from __future__ import annotations

CURRENT = (
    "doubao-seed-2-1-pro-260915",
    "doubao-seed-2-1-lite-260915",
    "doubao-seed-evolving",
    "doubao-seed-2-1-pro-260628",
    "doubao-seed-2-1-turbo-260628",
    "doubao-seed-2-0-pro-260415",
    "doubao-seed-2-0-pro-260215",
    "doubao-seed-2-0-lite-260428",
    "doubao-seed-2-0-mini-260428",
    "doubao-seed-2-0-mini-260215",
    "doubao-seed-character-260628",
    "doubao-seed-character-251128",
    "deepseek-v4-1-flash-260910",
    "deepseek-v4-pro-ga-260813",
    "deepseek-v4-flash-ga-260731",
    "deepseek-v4-pro-260425",
    "glm-5-3-flash-260828",
    "glm-5-2-260617",
    "kimi-k2-thinking-251104",
    "kimi-k2-250905",
)
"""Ids without an announced end, newest families first."""

RETIRING = (
    "doubao-seed-2-0-lite-260215",
    "doubao-seed-2-0-code-preview-260215",
    "doubao-seed-1-8-251228",
    "doubao-seed-1-6-251015",
    "doubao-seed-1-6-250615",
    "doubao-seed-1-6-lite-251015",
    "doubao-seed-1-6-flash-250828",
    "doubao-seed-1-6-flash-250715",
    "doubao-seed-1-6-flash-250615",
    "doubao-seed-1-6-vision-250815",
    "doubao-seed-code-preview-251028",
    "doubao-1-5-pro-32k-250115",
    "doubao-1-5-lite-32k-250115",
    "doubao-1-5-vision-pro-32k-250115",
    "doubao-1-5-vision-pro-250328",
    "deepseek-v4-flash-260425",
    "deepseek-r1-250528",
    "deepseek-v3-250324",
    "glm-4-7-251222",
)
"""Deprecated ids, which still work for some accounts."""
