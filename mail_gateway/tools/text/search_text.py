"""Text in the form in which it is searched."""

import unicodedata

# Characters of each value; those of messages are shorter.
MAX_VALUE = 1000


def search_text(*values: str | None) -> str:
    """Values in lower case and without accents, one on each line.

    :param values: None and empty ones are left out
    """
    return "\n".join(_plain(value[:MAX_VALUE]) for value in values if value)


def _plain(value):
    if value.isascii():
        return value.lower()
    decomposed = unicodedata.normalize("NFKD", value).casefold()
    return "".join(character for character in decomposed if not unicodedata.combining(character))
