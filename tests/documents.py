"""Makes small documents, sounds and videos without a library."""

from __future__ import annotations


def pdf(*pages: str) -> bytes:
    """A PDF with a page for each text, in Latin letters; each line of a text is a line of the page."""
    kids = " ".join(f"{4 + 2 * place} 0 R" for place in range(len(pages)))
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    for place, page in enumerate(pages):
        lines = " T* ".join(f"({_escaped(line)}) Tj" for line in page.splitlines())
        drawn = f"BT /F1 12 Tf 16 TL 72 720 Td {lines} ET"
        resources = "/MediaBox [0 0 612 792] /Resources << /Font << /F1 3 0 R >> >>"
        objects.append(f"<< /Type /Page /Parent 2 0 R {resources} /Contents {5 + 2 * place} 0 R >>")
        objects.append(f"<< /Length {len(drawn)} >>\nstream\n{drawn}\nendstream")
    written = b"%PDF-1.4\n"
    offsets = []
    for number, one in enumerate(objects, 1):
        offsets.append(len(written))
        written += f"{number} 0 obj\n{one}\nendobj\n".encode("latin-1")
    table = "".join(f"{offset:010} 00000 n \n" for offset in offsets)
    size = len(objects) + 1
    end = f"trailer\n<< /Size {size} /Root 1 0 R >>\nstartxref\n{len(written)}\n%%EOF\n"
    return written + f"xref\n0 {size}\n0000000000 65535 f \n{table}{end}".encode()


def _escaped(line: str) -> str:
    return line.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")


def mp4(payload: bytes = b"frames") -> bytes:
    """What begins like an MP4 video."""
    return (
        b"\x00\x00\x00\x18ftypisom\x00\x00\x02\x00isomiso2" + len(payload).to_bytes(4, "big") + b"mdat" + payload
    )


def wav(samples: bytes = b"\x00" * 160) -> bytes:
    """A sound of 8 bits and 8,000 samples a second."""
    head = b"WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00\x40\x1f\x00\x00\x40\x1f\x00\x00\x01\x00\x08\x00data"
    body = head + len(samples).to_bytes(4, "little") + samples
    return b"RIFF" + len(body).to_bytes(4, "little") + body
