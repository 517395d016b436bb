"""Text fit for the database."""

import json

from .charsets import read


def plain_json(value) -> str:
    """A value as JSON that the database keeps as it is.

    :raises TypeError, ValueError, RecursionError: when JSON has no such type, or PostgreSQL none for it: NUL, half of a
        surrogate pair, and numbers that are none
    """
    text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    text.encode()
    if "\\u0000" in text.replace("\\\\", ""):
        raise ValueError("NUL")
    return text


def as_text(raw: str) -> str:
    """Text fit for the database: no NUL, no surrogates. Bytes that Python smuggles in as such are read as text."""
    if raw.isascii():
        return raw.replace("\0", "")
    try:
        data = raw.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # other surrogates: some charsets, UTF-7 for one, can write them
        data = raw.encode("utf-8", "replace")
    return read(data).text.replace("\0", "")
