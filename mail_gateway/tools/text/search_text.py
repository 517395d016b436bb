"""Makes the form of a text in which it is searched."""

import unicodedata

# Characters of each value that are kept; the values of messages are shorter.
MAX_VALUE = 1000


def search_text(*values: str | None) -> str:
    """Return values in lower case and without accents, one on each line.

    :param values: texts; None and empty values are left out
    """
    return "\n".join(_plain(value[:MAX_VALUE]) for value in values if value)


def _plain(value):
    if value.isascii():
        return value.lower()
    decomposed = unicodedata.normalize("NFKD", value).casefold()
    return "".join(character for character in decomposed if not unicodedata.combining(character))
