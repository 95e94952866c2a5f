"""Writes the small PDFs that the examples upload; a library such as reportlab writes better ones."""

from __future__ import annotations

from collections.abc import Sequence


def write_pdf(lines: Sequence[str]) -> bytes:
    """Write a PDF with one page and one text a line, in Latin letters without brackets."""
    shown = " T* ".join(f"({line}) Tj" for line in lines)
    text = f"BT /F1 14 Tf 20 TL 72 720 Td {shown} ET"
    page = "/MediaBox [0 0 595 842] /Resources << /Font << /F1 4 0 R >> >> /Contents 5 0 R"
    objects = (
        "<< /Type /Catalog /Pages 2 0 R >>",
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        f"<< /Type /Page /Parent 2 0 R {page} >>",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
        f"<< /Length {len(text)} >>\nstream\n{text}\nendstream",
    )
    written = b"%PDF-1.4\n"
    table = "0000000000 65535 f \n"
    for number, one in enumerate(objects, 1):
        table += f"{len(written):010} 00000 n \n"
        written += f"{number} 0 obj\n{one}\nendobj\n".encode("ascii")
    size = len(objects) + 1
    trailer = f"trailer\n<< /Size {size} /Root 1 0 R >>\nstartxref\n{len(written)}\n%%EOF\n"
    return written + f"xref\n0 {size}\n{table}{trailer}".encode("ascii")
