"""Hides passwords and tokens in texts that are shown, logged or raised, in any form in which servers repeat them."""

import html
import json
import re
import unicodedata
from base64 import b64encode
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from math import ceil
from urllib.parse import quote, quote_plus

# Replaces a hidden part.
HIDDEN = "…"
# Characters of a text in an error; servers may send more.
MAX_TEXT = 2000
# The limits for the length of the shortest pieces of a secret that are hidden; this length is a third of the secret.
MIN_PIECE, MAX_PIECE = 4, 8
# The text between the pieces of a reply of several lines.
_LINE_START = re.compile(r"[\r\n]+(?:[ \t*+]|-ERR\b|(?:OK|NO|BAD|BYE)\b|\d{3}[- ])*")
_CHARSETS = ("utf-8", "latin-1", "cp1252", "utf-16-le")


class Secrets:
    """Removes secrets from texts and errors.

    A server may repeat a secret in base64 (as it was sent), percent-encoded, quoted, in another charset, over several
    lines, or cut. All forms are compared only by their letters and digits, whatever characters stand between them, and in
    upper or lower case. A secret with hardly any letters and digits is searched in its exact form.

    :param values: the secrets; empty ones are ignored
    """

    def __init__(self, *values: str | bytes | None):
        self._values = set()
        self._pieces = None
        for value in values:
            self.add(value)

    def __repr__(self):
        return f"<{len(self._values)} secrets>"

    def add(self, value: str | bytes | None) -> None:
        """Add a secret; empty ones are ignored."""
        text = value.decode("utf-8", "surrogateescape") if isinstance(value, bytes) else value
        if text and text not in self._values:
            self._values.add(text)
            self._pieces = None

    def hide(self, text: str | bytes) -> str | bytes:
        """Return a text without secrets, of at most :data:`MAX_TEXT` characters; for bytes, return bytes."""
        if isinstance(text, bytes):
            return self.hide(text[: 4 * MAX_TEXT].decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")
        text = self._hide(text[: 2 * MAX_TEXT])
        return text if len(text) <= MAX_TEXT else text[: MAX_TEXT - 1] + HIDDEN

    def hide_in(self, error: BaseException) -> BaseException:
        """Remove the secrets from an error, its causes, and the errors that were handled when it was raised.

        :return: the same error
        """
        for each in _chain(error):
            self._hide_in(each)
        return error

    @contextmanager
    def hiding(self) -> Iterator[None]:
        """Remove the secrets from errors that are raised within."""
        try:
            yield
        except BaseException as error:
            self.hide_in(error)
            raise

    # ------------------------------------------------------------------ errors

    def _hide_in(self, error: BaseException) -> None:
        if isinstance(error, UnicodeError):
            # the error contains the whole text that could not be encoded, which may be the password
            if len(error.args) > 1:
                error.args = (error.args[0], *map(self._hide_value, error.args[1:]))
                error.object = self._hide_value(error.object)
            return
        error.args = self._hide_value(error.args)
        for name, value in list(vars(error).items()):
            setattr(error, name, self._hide_value(value))
        if isinstance(error, OSError) and isinstance(error.strerror, str):
            error.strerror = self.hide(error.strerror)

    def _hide_value(self, value):
        match value:
            case str() | bytes():
                return self.hide(value)
            case BaseException():
                return self.hide_in(value)
            case dict():
                return {key: self._hide_value(each) for key, each in value.items()}
            case list():
                return list(map(self._hide_value, value))
            case tuple() if type(value) is tuple:
                return tuple(map(self._hide_value, value))
        return value

    # ------------------------------------------------------------------ texts

    def _hide(self, text: str) -> str:
        found = bytearray(len(text))
        for normalise, pieces in self._known_pieces():
            _mark(found, text, normalise, pieces)
        if not any(found):
            return text
        return "".join(_replaced(text, found))

    def _known_pieces(self):
        """Return (function that makes texts comparable, length -> pieces of that length) for both ways of comparing."""
        if self._pieces is None:
            self._pieces = [(_letters, {}), (_exactly, {})]
            for value in self._values:
                if len(_comparable(value, _letters)) < MIN_PIECE:
                    # if it were compared by its few letters, it would be found in other words
                    self._note(_comparable(value, _exactly), MIN_PIECE, self._pieces[1][1])
                for form, shortest in _forms(value):
                    comparable = _comparable(form, _letters)
                    if len(comparable) >= MIN_PIECE:
                        self._note(comparable, shortest, self._pieces[0][1])
        return self._pieces

    @staticmethod
    def _note(comparable: str, shortest: int, pieces: dict[int, set[str]]) -> None:
        length = min(len(comparable), max(shortest, min(MAX_PIECE, ceil(len(comparable) / 3))))
        found = (comparable[start : start + length] for start in range(len(comparable) - length + 1))
        pieces.setdefault(length, set()).update(found)


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield the error, its causes and contexts, each once."""
    seen, waiting = set(), [error]
    while waiting:
        each = waiting.pop()
        if each is None or id(each) in seen:
            continue
        seen.add(id(each))
        yield each
        waiting += [each.__cause__, each.__context__]
        waiting += getattr(each, "exceptions", ())


def _comparable(text: str, normalise) -> str:
    return "".join(char for _place, char in normalise(text))


def _letters(text: str) -> list[tuple[int, str]]:
    """Return (place, character) of the letters and digits of a text, except the beginnings of the lines of a reply."""
    text = _LINE_START.sub(lambda found: " " * len(found[0]), text)
    return [(place, _lower(char)) for place, char in enumerate(text) if char.isalnum()]


def _exactly(text: str) -> list[tuple[int, str]]:
    """Return (place, character) of the whole text."""
    return list(enumerate(text))


def _lower(char: str) -> str:
    lower = char.lower()
    return lower if len(lower) == 1 else char


def _mark(found: bytearray, text: str, normalise, pieces: dict[int, set[str]]) -> None:
    """Set the bytes in `found` that belong to characters of `text` which are part of a piece."""
    if not pieces:
        return
    chars = normalise(text)
    comparable = "".join(char for _place, char in chars)
    for length, known in pieces.items():
        for start in range(len(comparable) - length + 1):
            if comparable[start : start + length] in known:
                first, last = chars[start][0], chars[start + length - 1][0]
                found[first : last + 1] = b"\1" * (last + 1 - first)


def _replaced(text: str, found: bytearray) -> Iterator[str]:
    for place, char in enumerate(text):
        if not found[place]:
            yield char
        elif not place or not found[place - 1]:
            yield HIDDEN


def _forms(secret: str) -> Iterator[tuple[str, int]]:
    """Yield (form, characters of the shortest piece that is hidden) for each form in which a server may repeat a secret."""
    texts = {secret, *(unicodedata.normalize(form, secret) for form in ("NFC", "NFD", "NFKC"))}
    for text in texts:
        yield text, MIN_PIECE
        yield text[::-1], MIN_PIECE
        yield html.escape(text), MIN_PIECE
        yield json.dumps(text)[1:-1], MIN_PIECE
        yield ascii(text)[1:-1], MIN_PIECE
        yield text.encode("ascii", "xmlcharrefreplace").decode(), MIN_PIECE
        yield text.encode("utf-7", "ignore").decode(), MIN_PIECE
        for raw in _encoded(text):
            yield from ((form, MIN_PIECE) for form in _forms_of_bytes(raw))
            # many texts contain digits, so that short pieces would hide other words
            yield raw.hex(), MAX_PIECE


def _encoded(text: str) -> set[bytes]:
    return {text.encode(charset, "surrogateescape" if charset == "utf-8" else "ignore") for charset in _CHARSETS}


def _forms_of_bytes(raw: bytes) -> Iterable[str]:
    yield raw.decode("utf-8", "replace")
    yield raw.decode("utf-8", "surrogateescape")
    yield raw.decode("latin-1")
    yield repr(raw)[2:-1]
    yield quote(raw, safe="")
    yield quote_plus(raw)
    for before in range(3):
        yield from _within_base64(raw, before)


def _within_base64(raw: bytes, before: int) -> tuple[str, str]:
    """Return the base64 digits of `raw` after `before` other bytes (modulo 3), except those that depend on these bytes.

    :return: the digits if other bytes follow, and if none follow
    """
    encoded = b64encode(b"\0" * before + raw).decode().rstrip("=")
    first, last = ceil(before * 8 / 6), (before + len(raw)) * 8 // 6
    return encoded[first:last], encoded[first:]
