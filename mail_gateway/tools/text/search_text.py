"""Text as it is searched: spelled in one way."""

import unicodedata

# Of each value, in characters: those of a message are shorter.
MAX_VALUE = 1000


def search_text(*values: str | None) -> str:
    """In lower case, without accents, a line for each value.

    :param values: None and empty ones are left out
    """
    return "\n".join(_plain(value[:MAX_VALUE]) for value in values if value)


def _plain(value):
    if value.isascii():
        return value.lower()
    decomposed = unicodedata.normalize("NFKD", value).casefold()
    return "".join(character for character in decomposed if not unicodedata.combining(character))
