"""Text from outside, cut to what a database index takes."""

from hashlib import sha256

# An entry of a PostgreSQL index holds 2,704 bytes, all of its columns together.
INDEXED_BYTES = 1000
# Of what is shown to a person, and logged: errors may quote all of a message.
REASON_CHARS = 4000
DETAIL_CHARS = 40_000


def bounded(text: str, most_bytes: int = INDEXED_BYTES) -> str:
    """`text` in at most so many bytes of UTF-8, and different for different texts.

    :return: `text` itself when it is short enough, else its beginning with the SHA-256 of all of it behind
    """
    if 4 * len(text) <= most_bytes:
        return text
    data = text.encode("utf-8", "replace")
    if len(data) <= most_bytes:
        return text
    digest = f"#{sha256(data).hexdigest()}"
    return data[: most_bytes - len(digest)].decode("utf-8", "ignore") + digest


def shortened(text: str, most_chars: int) -> str:
    """The beginning and the end of a text that is too long to be shown."""
    if len(text) <= most_chars:
        return text
    half = most_chars // 2
    return f"{text[:half]} […] {text[-half:]}"
