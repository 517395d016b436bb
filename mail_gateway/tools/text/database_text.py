"""Makes text and JSON that PostgreSQL accepts."""

import json

from .charsets import read


def plain_json(value) -> str:
    """Return a value as JSON that the database stores unchanged.

    :raises TypeError, ValueError, RecursionError: when JSON has no such value, or PostgreSQL refuses it: NUL, half of a
        surrogate pair, NaN and infinity
    """
    text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    text.encode()
    if "\\u0000" in text.replace("\\\\", ""):
        raise ValueError("NUL")
    return text


def as_text(raw: str) -> str:
    """Return text that the database accepts, without NUL and surrogates.

    :param raw: a text that may contain bytes as surrogates (PEP 383), which are decoded
    """
    if raw.isascii():
        return raw.replace("\0", "")
    try:
        data = raw.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # other surrogates: some charsets, such as UTF-7, can encode them
        data = raw.encode("utf-8", "replace")
    return read(data).text.replace("\0", "")
