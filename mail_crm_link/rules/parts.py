"""What a part of a mail is to the person who reads it, beyond its type."""

from typing import Literal

Kind = Literal[
    "image",
    "invitation",
    "mail",
    "outlook",
    "smime",
    "smime_signature",
    "pgp",
    "pgp_signature",
    "other",
]

_SHOWN_IMAGES = {"image/bmp", "image/gif", "image/jpeg", "image/png", "image/webp"}
_BY_TYPE: dict[str, Kind] = {
    "text/calendar": "invitation",
    "application/ics": "invitation",
    "message/rfc822": "mail",
    "message/global": "mail",
    "application/ms-tnef": "outlook",
    "application/vnd.ms-tnef": "outlook",
    "application/pkcs7-mime": "smime",
    "application/x-pkcs7-mime": "smime",
    "application/pkcs7-signature": "smime_signature",
    "application/x-pkcs7-signature": "smime_signature",
    "application/pgp-encrypted": "pgp",
    "application/pgp-signature": "pgp_signature",
    **dict.fromkeys(_SHOWN_IMAGES, "image"),
}
# Mail programs send many of them as "application/octet-stream".
_BY_ENDING: dict[str, Kind] = {
    "winmail.dat": "outlook",
    ".ics": "invitation",
    ".eml": "mail",
    ".p7m": "smime",
    ".p7s": "smime_signature",
}


def kind_of(content_type: str, filename: str) -> Kind:
    """What a part is, by its type, else by its name."""
    if known := _BY_TYPE.get(content_type.lower()):
        return known
    name = filename.lower()
    return next((kind for ending, kind in _BY_ENDING.items() if name.endswith(ending)), "other")
