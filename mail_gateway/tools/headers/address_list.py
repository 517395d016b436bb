"""Reads authors and recipients from the headers of messages as people mean them.

The reader knows RFC 5322, section 3.4, with its obsolete forms, and the forms that programs write besides: semicolons for
commas, names with unquoted commas, @ and brackets, single quotes, no comma at all. It takes out encoded words first, splits
the rest, and decodes names last (RFC 2047, section 6.2): an encoded word neither divides a value nor becomes an address.
Text in angle brackets is the address.

Time and memory grow linearly with the length, whatever the value contains. The reader reads at most MAX_CHARS characters
and MAX_TOKENS tokens of one message.

Start reading at :func:`read_addresses`; :mod:`.address_words` decides which words are addresses.
"""

import re
from collections.abc import Iterable

from ..text.encoded_words import Hidden, hide_words
from .address_words import (
    MAY_HOLD_ADDRESS,
    Piece,
    address_in_angle,
    bare_addresses,
    joined,
    loose_addresses,
    words_of,
    written_address,
)
from .named_address import NamedAddress, decoded_name

# Characters of all values of one message together: enough for 2,000 recipients with their names.
MAX_CHARS = 150_000
# A recipient with a name takes seven tokens.
MAX_TOKENS = 30_000


_TOKEN = re.compile(
    r'"([^"\\]*(?:\\.[^"\\]*)*)"'  # a quoted string
    r"|([,;]+)|(<+)|(>+)|(:+)|(\(+)"
    r'|(\s+)|(?:[^\s"(),;:<>\\]|\\.?)+|.',
    re.DOTALL,
)
_QUOTED, _SEPARATOR, _OPENING, _CLOSING, _COLON, _COMMENT, _SPACE = range(1, 8)
_COMMENT_TOKEN = re.compile(r"(\(+)|(\)+)|(?:[^()\\]|\\.?)+", re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
# Numbers of fragments that may come before the last part of a name: in single quotes, and without quotes.
_QUOTED_FRAGMENTS = 5
_COMMON_FRAGMENTS = 2


def read_addresses(*values: str, most_chars: int = MAX_CHARS) -> list[NamedAddress]:
    """Return the addresses in the values of headers, in their order; after them those that can only be guessed.

    An address in quotes, or beside brackets or quotes that are not closed, is an address to Odoo and was meant as one, but
    some readers do not take it for one. So it never comes before the others: the first author must be the one that mail
    servers checked.

    :param values: as they stand in the headers, not decoded
    :param most_chars: characters that are read of all values together
    """
    found, guessed, tokens_left = [], [], MAX_TOKENS
    for value, is_cut in _within(values, most_chars):
        reader = _Reader(hide_words(value, is_cut), tokens_left)
        reader.read()
        found += reader.found
        guessed += reader.guessed
        tokens_left = reader.tokens_left
    return [*found, *guessed]


def _within(values: Iterable[str], left: int):
    """Yield (value, whether it is cut) for the values, up to `left` characters.

    A value of exactly `left` characters may have been cut before. The text after the last separator of a cut value is left
    out.
    """
    for value in values:
        if left <= 0:
            return
        if is_cut := len(value) >= left:
            value = value[: max(value.rfind(",", 0, left), value.rfind(";", 0, left)) + 1]  # noqa: PLW2901 what is left of it
            left = 0
        left -= len(value)
        yield value, is_cut


class _Reader:
    """Goes through a value once, and collects addresses.

    The last fragment of a cut value is left out: only its missing end would show whether it is an address.

    :param hidden: the value without encoded words
    :param tokens_left: how many tokens may be read
    :param is_quoted: whether the value is the content of a quoted string, in which further quoted strings are not read
    :ivar found: the addresses
    :ivar guessed: addresses that can only be guessed
    """

    def __init__(self, hidden: Hidden, tokens_left: int, is_quoted: bool = False):
        self.hidden = hidden
        self.is_quoted = is_quoted
        self.value = hidden.text
        self.is_cut = hidden.is_cut
        self.position = 0
        self.tokens_left = tokens_left
        self.found: list[NamedAddress] = []
        self.guessed: list[NamedAddress] = []
        self.hides_address = False  # whether other readers may find an address in brackets since the last separator
        self.pieces: list[Piece] = []  # since the last separator or address
        self.name_pieces = 0  # how many of them belong to a name whatever they look like, since brackets follow
        self.comments: list[str] = []
        self.is_open = False  # whether a comment may still become the name of the last address
        self.fragments: list[str] = []  # possible beginnings of a name that contains separators
        self.has_comments = True
        self.has_sign = False  # whether there is an @ outside of quotes since the last separator or address

    def read(self) -> None:
        """Read the value to its end, or as far as tokens may be read."""
        while token := self._next(_TOKEN):
            match token.lastindex:
                case 1:
                    self.pieces.append(Piece(_ESCAPED.sub(r"\1", token.group(1)), True))
                case 2:
                    self._end_fragment(token.group())
                case 3:
                    self._read_angle()
                case 5:
                    self._read_colon(token.group())
                case 6 if self.has_comments:
                    self._read_comment(token)
                case _:
                    self.pieces.append(Piece(token.group()))
                    self.has_sign = self.has_sign or "@" in token.group()
        if not self.is_cut:
            self._end_fragment()

    def _next(self, pattern):
        if self.tokens_left <= 0:
            self.is_cut = True
            return None
        token = pattern.match(self.value, self.position)
        if self.is_cut and pattern is _TOKEN and token and token.group() == '"':
            self.position = len(self.value)
            return None
        if token:
            self.tokens_left -= 1
            self.position = token.end()
        return token

    # ------------------------------------------------------------------ comments, groups and angle brackets

    def _read_comment(self, opening):
        """Read a comment; comments nest (RFC 5322, section 3.2.2). From a parenthesis that is not closed on, none begins."""
        depth, texts = len(opening.group()), []
        while depth > 0 and (token := self._next(_COMMENT_TOKEN)):
            depth += len(token.group(1) or "") - len(token.group(2) or "")
            texts.append(token.group())
        if depth > 0 and self.is_cut:
            return
        if depth > 0:
            self.has_comments = False
            self.position = opening.end()
            self.pieces.append(Piece(opening.group()))
            return
        # a surplus closing parenthesis belongs to the text after the comment, where it has no meaning
        self.comments.append(_ESCAPED.sub(r"\1", "".join(texts)).strip("()"))
        self.pieces.append(Piece(" "))

    def _read_colon(self, text):
        """Read a colon, which ends the name of a group, unless it belongs to a link, a port or an IPv6 address."""
        if self.has_sign:
            self.pieces.append(Piece(text))
        else:
            self.fragments = []
            self._begin_fragment()

    def _read_angle(self):
        """Read the text in angle brackets; of nested ones, in the innermost."""
        content: list[Piece] = []
        while token := self._next(_TOKEN):
            kind = token.lastindex
            if kind == _CLOSING:
                self._end_angle(content)
                return
            if kind == _OPENING:
                self._leave_angle(content)
                content = []
            elif kind == _COMMENT and self.has_comments:
                self._read_comment_in(content, token)
            else:
                quoted = kind == _QUOTED
                content.append(Piece(_ESCAPED.sub(r"\1", token.group(1)) if quoted else token.group(), quoted))
        if not self.is_cut:
            self._leave_angle(content)

    def _read_comment_in(self, content, token):
        before, self.pieces, comments, self.comments = self.pieces, [], self.comments, []
        self._read_comment(token)
        content.extend(self.pieces)
        self.pieces, self.comments = before, comments

    def _end_angle(self, content):
        self.has_sign = False
        if address := address_in_angle(content):
            self._add(NamedAddress(self._name(), address))
            self._begin_fragment()
            self.is_open = True
            return
        if entries := loose_addresses(content):
            first, *others = entries
            self._guess(first._replace(name=self._name()), *others)
            self._begin_fragment()
            return
        self._note_hidden(content)
        # this is no address, so it is a part of the name, as is all text before it
        shown = "".join(piece.text for piece in content)
        if shown.strip():
            self.pieces.append(Piece(f"<{shown}>"))
        self.pieces.append(Piece(" "))
        self.name_pieces = len(self.pieces)

    def _leave_angle(self, content):
        """Continue after a bracket that is never closed, since an address may follow it."""
        self.has_sign = False
        words = re.split(r"[\s,;]+", joined(content).strip(), maxsplit=1)
        if address := written_address(words[0]):
            self._add(NamedAddress(self._name(), address))
            self._begin_fragment()
            *parts, last = re.split(r"[,;]", words[1] if len(words) > 1 else "")
            for part in parts:
                self.pieces.append(Piece(part))
                self._end_fragment()
            self.pieces.append(Piece(last))
            return
        self._note_hidden(content)
        self.pieces += content
        self.name_pieces = len(self.pieces)

    def _note_hidden(self, content):
        self.hides_address = self.hides_address or bool(MAY_HOLD_ADDRESS.search(joined(content)))

    # ------------------------------------------------------------------ fragments between separators

    def _end_fragment(self, separator=""):
        """End a fragment at a separator: the fragment is an address without brackets, a part of a name, or nothing."""
        if self.is_open and self.comments and not self.found[-1].name:
            self.found[-1] = self.found[-1]._replace(name=self._clean(" ".join(self.comments)))
        names = [piece._replace(is_quoted=True) for piece in self.pieces[: self.name_pieces] if piece.text.strip()]
        bare = bare_addresses([*names, *self.pieces[self.name_pieces :]], self.comments)
        for entry in bare:
            self._add(entry)
        if not bare and not self._guess_fragment():
            self._keep_fragment(separator)
        self._begin_fragment()

    def _guess_fragment(self):
        """Guess addresses in a fragment that is quoted as a whole, or has loose signs.

        Nothing is guessed if brackets or comments of the fragment may hold another address. An address in a comment does not
        count: RFC 5322 has names there, and authors are read in the same way as recipients.

        :return: whether addresses were found
        """
        before = len(self.guessed)
        words = words_of(self.pieces)
        if self.hides_address or any("@" in comment for comment in self.comments):
            return False
        if len(words) == 1 and words[0].is_quoted and not self.name_pieces:
            self._guess_quoted(words[0].text)
        else:
            self._guess(*loose_addresses(self.pieces))
        return len(self.guessed) > before

    def _guess_quoted(self, text):
        """Read ``"Sales <sales@mycompany.example>"``, which has quotes around all of it."""
        if "@" not in text or self.is_quoted:
            return
        reader = _Reader(self.hidden._replace(text=text, is_cut=False), self.tokens_left, is_quoted=True)
        reader.read()
        self.tokens_left = reader.tokens_left
        self.guessed += reader.found
        self.fragments = []

    def _begin_fragment(self):
        self.pieces, self.comments, self.name_pieces = [], [], 0
        self.is_open = self.has_sign = self.hides_address = False

    def _keep_fragment(self, separator):
        """Keep a fragment that may be the beginning of a name: in single quotes, or as in ``Doe, John <j@x.example>``."""
        text = joined(self.pieces, keeps_quotes=False).strip()
        is_within, is_first = bool(self.fragments) and self.fragments[0].startswith("'"), text.startswith("'")
        may_belong = bool(text) and "@" not in text and separator == ","
        if not is_within and (is_first or not may_belong):
            self.fragments = []
        if (is_within or is_first or may_belong) and len(self.fragments) <= _QUOTED_FRAGMENTS:
            self.fragments.append(text)

    def _add(self, entry):
        self.found.append(entry._replace(name=self._clean(entry.name)))
        self.fragments = []

    def _guess(self, *entries):
        if entries:
            self.guessed += (entry._replace(name=self._clean(entry.name)) for entry in entries)
            self.fragments = []

    def _clean(self, name):
        return decoded_name(self.hidden.shown(name))

    def _name(self):
        """Return the name before an address, not decoded; it includes earlier fragments that belong to it despite commas."""
        text = joined(self.pieces, keeps_quotes=False).strip()
        if text and self.fragments:
            is_quoted = self.fragments[0].startswith("'")
            most = _QUOTED_FRAGMENTS if is_quoted else _COMMON_FRAGMENTS
            if len(self.fragments) <= most and (text.endswith("'") or not is_quoted):
                text = ", ".join((*self.fragments, text))
        return text or " ".join(self.comments)
