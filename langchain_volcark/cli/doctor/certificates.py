"""Who issued a certificate: the one fact of X.509 that `ssl` does not tell about a certificate it distrusts.

Follows https://www.rfc-editor.org/rfc/rfc5280#section-4.1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_SEQUENCE, _SET, _OID, _VERSION = 0x30, 0x31, 0x06, 0xA0
_COMMON_NAME = bytes((0x55, 0x04, 0x03))
_ORGANISATION = bytes((0x55, 0x04, 0x0A))


def issuer_of(certificate: bytes) -> str | None:
    """The issuer's common name and organisation.

    Args:
        certificate: In DER.

    Returns:
        Such as `"DigiCert Global Root (DigiCert Inc)"`; None where nothing of it can be read.
    """
    try:
        names = _issuer_names(certificate)
    except (ValueError, StopIteration, IndexError):
        return None
    common, organisation = names.get(_COMMON_NAME), names.get(_ORGANISATION)
    if common and organisation and organisation != common:
        return f"{common} ({organisation})"
    return common or organisation


def _issuer_names(certificate: bytes) -> dict[bytes, str]:
    whole = next(_elements(certificate))
    to_be_signed = next(_elements(whole[1]))
    fields = [field for field in _elements(to_be_signed[1]) if field[0] != _VERSION]
    # Serial number, signature algorithm, issuer, …
    tag, issuer = fields[2]
    if tag != _SEQUENCE:
        raise ValueError("no name where the issuer should stand")
    names: dict[bytes, str] = {}
    for set_tag, attributes in _elements(issuer):
        if set_tag != _SET:
            continue
        for _, attribute in _elements(attributes):
            (oid_tag, oid), (_, value) = list(_elements(attribute))[:2]
            if oid_tag == _OID:
                names.setdefault(oid, value.decode("utf-8", "replace"))
    return names


def _elements(data: bytes) -> Iterator[tuple[int, bytes]]:
    """The elements of a DER value, each as its tag and its content."""
    position = 0
    while position < len(data):
        tag, length = data[position], data[position + 1]
        position += 2
        if length & 0x80:
            size = length & 0x7F
            length = int.from_bytes(data[position : position + size], "big")
            position += size
        if position + length > len(data):
            raise ValueError("the value ends in its middle")
        yield tag, data[position : position + length]
        position += length
