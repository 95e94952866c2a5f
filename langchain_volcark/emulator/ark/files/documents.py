"""Extracts the text of PDF documents, so that emulated models can answer questions about them."""

from __future__ import annotations

import io
import logging
import re

# A long line that ends inside a sentence goes on in the next one.
_WRAPPED = re.compile(r"([^\n]{50,}[^\s.!?:。！？：])[ ]*\n(?=\S)")


def text_of_pdf(content: bytes) -> str:
    """Return the text of all pages, separated by blank lines; sentences are not broken into lines.

    Raises:
        ValueError: The file is damaged, encrypted, or not a PDF.
    """
    import pypdf  # here, so that whoever uploads no document does not load it

    logging.getLogger("pypdf").setLevel(logging.ERROR)  # it warns of every irregularity that it mends
    try:
        reader = pypdf.PdfReader(io.BytesIO(content))
        if reader.is_encrypted:
            raise ValueError("the document is encrypted")
        pages = [page.extract_text() for page in reader.pages]
    except ValueError:
        raise
    except Exception as error:  # damaged files make it raise whatever a parser can
        raise ValueError(f"the document is damaged: {error}") from error
    if not pages:
        raise ValueError("the document has no pages")
    return "\n\n".join(_WRAPPED.sub(r"\1 ", page).strip() for page in pages).strip()
