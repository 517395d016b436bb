"""Shortens text of any length for an index of the database or for people."""

from hashlib import sha256

# An entry of a PostgreSQL index holds 2,704 bytes for all of its columns together.
INDEXED_BYTES = 1000
# Characters that are shown and logged: errors may quote a whole message.
REASON_CHARS = 4000
DETAIL_CHARS = 40_000


def bounded(text: str, most_bytes: int = INDEXED_BYTES) -> str:
    """Return a text of at most `most_bytes` bytes in UTF-8, different for different texts.

    :return: the text itself when it is short enough, else its beginning and the SHA-256 of all of it
    """
    if 4 * len(text) <= most_bytes:
        return text
    data = text.encode("utf-8", "replace")
    if len(data) <= most_bytes:
        return text
    digest = f"#{sha256(data).hexdigest()}"
    return data[: most_bytes - len(digest)].decode("utf-8", "ignore") + digest


def shortened(text: str, most_chars: int) -> str:
    """Return a text, or its beginning and its end when it is longer than `most_chars`."""
    if len(text) <= most_chars:
        return text
    half = most_chars // 2
    return f"{text[:half]} […] {text[-half:]}"
