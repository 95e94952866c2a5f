"""Images given as paths or URLs, the form in which vector stores pass them to embeddings."""

from __future__ import annotations

import base64
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

from langchain_volcark.ark.local_files import check_regular
from langchain_volcark.base.values import as_list

if TYPE_CHECKING:
    from collections.abc import Sequence

_REMOTE = ("http://", "https://", "data:image/")
_SCHEME = re.compile(r"(?:[A-Za-z][A-Za-z0-9+.-]+://|data:)")


def check_images(uris: Sequence[str | os.PathLike[str]]) -> list[str | Path]:
    """Distinguish URLs and files, and check that the files can be opened.

    Args:
        uris: Paths, `file:` URLs, http(s) URLs or data URLs.

    Returns:
        A string for each URL, a path for each file.

    Raises:
        ValueError: An input is neither; the message names its position.
        OSError: A file cannot be found or read; the error names its path.
    """
    return [check_image(f"Input {position}", uri) for position, uri in enumerate(as_list(uris, "uris"))]


def image_block(image: str | Path) -> dict[str, Any]:
    """The content block of one image; reads the file."""
    if isinstance(image, str):
        return {"type": "image", "url": image}
    return {"type": "image", "base64": base64.b64encode(image.read_bytes()).decode()}


def check_image(name: str, uri: Any) -> str | Path:
    """Same as `check_images`, for one image.

    Args:
        name: What to call it in errors.
        uri: The path or URL.
    """
    if isinstance(uri, str) and uri[:11].lower().startswith(_REMOTE):
        return uri
    if isinstance(uri, str) and uri[:5].lower() == "file:":
        uri = url2pathname(urlsplit(uri).path)
    if not isinstance(uri, (str, os.PathLike)) or not os.fspath(uri):
        raise ValueError(f"{name} is neither a path nor a URL of an image, but {uri!r}.")
    if isinstance(uri, str) and (found := _SCHEME.match(uri)):
        raise ValueError(
            f"{name}: {found[0]} is no address that the service can read: give a path, or an "
            "http, https, file or data:image URL."
        )
    path = Path(uri)
    check_regular(path, name)
    path.open("rb").close()
    return path
