"""Text fit for the database."""

from .reading_charsets import read


def as_text(raw: str) -> str:
    """Text fit for the database: no NUL, no surrogates. Bytes that Python smuggles in as such are read as text."""
    if raw.isascii():
        return raw.replace("\0", "")
    try:
        data = raw.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # other surrogates: some charsets, UTF-7 for one, can write them
        data = raw.encode("utf-8", "replace")
    return read(data).text.replace("\0", "")
