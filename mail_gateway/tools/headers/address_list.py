"""Mailboxes in the headers of messages, read as people mean them.

RFC 5322, section 3.4, with its obsolete forms, and what is met beside it: semicolons for commas, names with unquoted
commas, @ and brackets, single quotes, no comma at all. Encoded words are taken out first, what is left is split, and names
are decoded last (RFC 2047, section 6.2): no encoded word ever divides a value or becomes an address. What stands in angle
brackets is the address.

Time and memory are by the length, whatever the value is, and never more than MAX_CHARS of a message, and MAX_TOKENS in
them, are read.
"""

import re
from collections.abc import Iterable
from typing import NamedTuple

from ..text.database_text import as_text
from ..text.encoded_words import MARKS, Hidden, decode_words, hide_words

# Of all values of one message together: 2,000 recipients with their names, and more.
MAX_CHARS = 150_000
# A recipient with a name takes seven.
MAX_TOKENS = 30_000
# RFC 5321, section 4.5.3.1, with room for the local parts of some services, which are longer than allowed.
ADDRESS_CHARS = 320
NAME_CHARS = 200
# An encoded word takes up to 12 characters for one.
_RAW_NAME_CHARS = 12 * NAME_CHARS

# They change the order in which a name or an address is shown (CVE-2021-42574), or can't be seen. Joiners are left
# alone: Persian names and emoji need them.
DIRECTIONS = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
_UNSEEN = re.compile(f"[{DIRECTIONS}]+")
_NO_NAME = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
# Bytes that belong to no character: as Python smuggles them in, and as they are shown; and what stands for encoded words
_NO_CHARS = f"\ud800-\udfff\ufffd{MARKS}"
_NO_ADDRESS = re.compile(
    "[\x00-\x20\x7f-\xa0\u00ad\u180e\u1680\u2000-\u200b\u2028\u2029\u202f\u205f\u2060\u3000\ufeff"
    f"{_NO_CHARS}{DIRECTIONS}]|=\\?"
)
_NO_QUOTED_LOCAL = re.compile(f"[\x00-\x1f\x7f-\x9f\u2028\u2029{_NO_CHARS}{DIRECTIONS}]|=\\?|\\?=")
_NO_LOCAL = re.compile(r'[()<>\[\],;:\\"@]')
_NO_DOMAIN = re.compile(r"[()<>\[\],;:\\\"@'=?!#$%&*+/^`{|}~]")
_DOMAIN_LITERAL = re.compile(r"\[[0-9A-Za-z.:-]{2,60}\]")
# RFC 5322, section 3.2.3, and the letters that RFC 6531 adds
_DOT_ATOM = re.compile(r"[\w!#$%&'*+/=?^`{|}~-]+(?:\.[\w!#$%&'*+/=?^`{|}~-]+)*")

_TOKEN = re.compile(
    r'"([^"\\]*(?:\\.[^"\\]*)*)"'  # a quoted string
    r"|([,;]+)|(<+)|(>+)|(:+)|(\(+)"
    r'|(\s+)|(?:[^\s"(),;:<>\\]|\\.?)+|.',
    re.DOTALL,
)
_QUOTED, _SEPARATOR, _OPENING, _CLOSING, _COLON, _COMMENT, _SPACE = range(1, 8)
_COMMENT_TOKEN = re.compile(r"(\(+)|(\)+)|(?:[^()\\]|\\.?)+", re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_AROUND_SIGNS = re.compile(r"\s*([@.])\s*")
_MAILTO = re.compile(r"\s*(?:mailto|smtp):\s*", re.IGNORECASE)
_LINK = re.compile(r"(?:mailto|smtp):", re.IGNORECASE)
_LOOSE_SIGNS = '[]<>"\\:'
_LOOSE_SEPARATORS = re.compile(r"(?<!\\)[,;]+")
_MAY_HIDE = re.compile(f"[@{MARKS}]|=\\?")
# Fragments that the name before an address may begin with: in single quotes, and without
_QUOTED_FRAGMENTS = 5
_COMMON_FRAGMENTS = 2


class Mailbox(NamedTuple):
    """:ivar name: decoded, on one line, without what changes its direction; empty for none
    :ivar address: as it was written, since some local parts tell upper from lower case
    """

    name: str = ""
    address: str = ""

    def __str__(self):
        """As it can stand in a header, but for letters beyond ASCII."""
        if not self.name:
            return f"<{self.address}>" if '"' in self.address else self.address
        return f"{_quoted(self.name)} <{self.address}>" if self.address else self.name


def read_mailboxes(*values: str, most_chars: int = MAX_CHARS) -> list[Mailbox]:
    """The mailboxes that the values of headers name, in their order; then those that can only be guessed.

    A mailbox in quotes, or beside brackets or quotes that are not closed, is one to Odoo and to whoever wrote it, but not
    to every reader. So it never comes before another one: the first one of an author is the one that servers checked.

    :param values: as they stand in the headers, not decoded
    :param most_chars: how much is read of all of them together
    """
    found, guessed, tokens_left = [], [], MAX_TOKENS
    for value, is_cut in _within(values, most_chars):
        reader = _Reader(hide_words(value, is_cut), tokens_left)
        reader.read()
        found += reader.found
        guessed += reader.guessed
        tokens_left = reader.tokens_left
    return [*found, *guessed]


def named_nobody(value: str) -> str:
    """The text of a header that names no address, in a form that nobody takes for one."""
    return clean_name(value).replace("@", " at ").replace("<", " ").replace(">", " ").strip()


def clean_name(text: str) -> str:
    """A display name, decoded; without controls, and what changes the direction of writing."""
    text = text[:_RAW_NAME_CHARS]
    if "=?" in text:
        text = decode_words(text)
    if not text.isascii():
        text = _UNSEEN.sub("", as_text(text))
    name = " ".join(_NO_NAME.sub(" ", text).split())
    if len(name) > 1 and name[0] == name[-1] and name[0] in "'\"":
        name = name[1:-1].strip()
    return name[:NAME_CHARS].strip()


def _within(values: Iterable[str], left: int):
    """(value, whether it is cut), as far as they are read.

    One that is as long as that may have been cut before. What stands behind its last separator is left out.
    """
    for value in values:
        if left <= 0:
            return
        if is_cut := len(value) >= left:
            value = value[: max(value.rfind(",", 0, left), value.rfind(";", 0, left)) + 1]  # noqa: PLW2901 what is left of it
            left = 0
        left -= len(value)
        yield value, is_cut


def _quoted(name):
    if not re.search(r'[()<>@,;:\\"\[\]]|^\'|=\?', name):
        return name
    escaped = name.replace("\\", "\\\\").replace('"', '\\"').replace("=?", "=\\?")
    return f'"{escaped}"'


class _Piece(NamedTuple):
    """:ivar text: without quotes
    :ivar is_quoted: whether it is a name whatever it looks like
    """

    text: str
    is_quoted: bool = False


class _Reader:
    """Goes through a value once.

    Of a value that is cut, what has a beginning only is left out: its end would tell whether it is an address.
    """

    def __init__(self, hidden: Hidden, tokens_left: int, is_quoted: bool = False):
        self.hidden = hidden
        self.is_quoted = is_quoted
        self.value = hidden.text
        self.is_cut = hidden.is_cut
        self.position = 0
        self.tokens_left = tokens_left
        self.found: list[Mailbox] = []
        self.guessed: list[Mailbox] = []
        self.hides_address = False  # whether brackets since the last separator hold what may be an address to others
        self.pieces: list[_Piece] = []  # since the last separator or address
        self.name_pieces = 0  # how many of them are a name whatever they look like, since brackets follow them
        self.comments: list[str] = []
        self.is_open = False  # whether the last one found may still get a comment for a name
        self.fragments: list[str] = []  # what a name with separators in it may begin with
        self.has_comments = True
        self.has_sign = False  # whether there is an @ outside of quotes since the last separator or address

    def read(self):
        while token := self._next(_TOKEN):
            match token.lastindex:
                case 1:
                    self.pieces.append(_Piece(_ESCAPED.sub(r"\1", token.group(1)), True))
                case 2:
                    self._end_fragment(token.group())
                case 3:
                    self._read_angle()
                case 5:
                    self._read_colon(token.group())
                case 6 if self.has_comments:
                    self._read_comment(token)
                case _:
                    self.pieces.append(_Piece(token.group()))
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

    # ------------------------------------------------------------------ what has a beginning

    def _read_comment(self, opening):
        """Comments nest (RFC 5322, section 3.2.2). One that does not end is none, and neither is any behind it."""
        depth, texts = len(opening.group()), []
        while depth > 0 and (token := self._next(_COMMENT_TOKEN)):
            depth += len(token.group(1) or "") - len(token.group(2) or "")
            texts.append(token.group())
        if depth > 0 and self.is_cut:
            return
        if depth > 0:
            self.has_comments = False
            self.position = opening.end()
            self.pieces.append(_Piece(opening.group()))
            return
        # one closing parenthesis too many is one of the text behind the comment, where nobody misses it
        self.comments.append(_ESCAPED.sub(r"\1", "".join(texts)).strip("()"))
        self.pieces.append(_Piece(" "))

    def _read_colon(self, text):
        """The name of a group ends; or a link begins, or a port or an IPv6 address."""
        if self.has_sign:
            self.pieces.append(_Piece(text))
        else:
            self.fragments = []
            self._begin_fragment()

    def _read_angle(self):
        """What stands in angle brackets: the innermost ones, where there are several."""
        content: list[_Piece] = []
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
                content.append(_Piece(_ESCAPED.sub(r"\1", token.group(1)) if quoted else token.group(), quoted))
        if not self.is_cut:
            self._leave_angle(content)

    def _read_comment_in(self, content, token):
        before, self.pieces, comments, self.comments = self.pieces, [], self.comments, []
        self._read_comment(token)
        content.extend(self.pieces)
        self.pieces, self.comments = before, comments

    def _end_angle(self, content):
        self.has_sign = False
        if address := _address_in_angle(content):
            self._add(Mailbox(self._name(), address))
            self._begin_fragment()
            self.is_open = True
            return
        if mailboxes := _loose_mailboxes(content):
            first, *others = mailboxes
            self._guess(first._replace(name=self._name()), *others)
            self._begin_fragment()
            return
        self._note_hidden(content)
        # no address, so a part of the name: all before it is one, too
        shown = "".join(piece.text for piece in content)
        if shown.strip():
            self.pieces.append(_Piece(f"<{shown}>"))
        self.pieces.append(_Piece(" "))
        self.name_pieces = len(self.pieces)

    def _leave_angle(self, content):
        """A bracket that was never closed: what begins with an address is one, up to where it ends."""
        self.has_sign = False
        words = re.split(r"[\s,;]+", _joined(content).strip(), maxsplit=1)
        if address := _written_address(words[0]):
            self._add(Mailbox(self._name(), address))
            self._begin_fragment()
            *parts, last = re.split(r"[,;]", words[1] if len(words) > 1 else "")
            for part in parts:
                self.pieces.append(_Piece(part))
                self._end_fragment()
            self.pieces.append(_Piece(last))
            return
        self._note_hidden(content)
        self.pieces += content
        self.name_pieces = len(self.pieces)

    def _note_hidden(self, content):
        self.hides_address = self.hides_address or bool(_MAY_HIDE.search(_joined(content)))

    # ------------------------------------------------------------------ what has an end

    def _end_fragment(self, separator=""):
        """At a separator: what is left is an address without brackets, a part of a name, or nothing."""
        if self.is_open and self.comments and not self.found[-1].name:
            self.found[-1] = self.found[-1]._replace(name=self._clean(" ".join(self.comments)))
        names = [piece._replace(is_quoted=True) for piece in self.pieces[: self.name_pieces] if piece.text.strip()]
        bare = _bare_mailboxes([*names, *self.pieces[self.name_pieces :]], self.comments)
        for mailbox in bare:
            self._add(mailbox)
        if not bare and not self._guess_fragment():
            self._keep_fragment(separator)
        self._begin_fragment()

    def _guess_fragment(self):
        """What is in quotes as a whole, or loose; nothing where a comment or brackets may hold another address.

        An address in a comment is none: RFC 5322 has names there, and whatever can be said of recipients goes for authors.
        """
        before = len(self.guessed)
        words = _words(self.pieces)
        if self.hides_address or any("@" in comment for comment in self.comments):
            return False
        if len(words) == 1 and words[0].is_quoted and not self.name_pieces:
            self._guess_quoted(words[0].text)
        else:
            self._guess(*_loose_mailboxes(self.pieces))
        return len(self.guessed) > before

    def _guess_quoted(self, text):
        """``"Sales <sales@mycompany.example>"``, with quotes around all of it; not within each other."""
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
        """It may be the beginning of a name: within single quotes, or before a comma as in ``Doe, John <j@x.example>``."""
        text = _joined(self.pieces, keeps_quotes=False).strip()
        is_within, is_first = bool(self.fragments) and self.fragments[0].startswith("'"), text.startswith("'")
        may_belong = bool(text) and "@" not in text and separator == ","
        if not is_within and (is_first or not may_belong):
            self.fragments = []
        if (is_within or is_first or may_belong) and len(self.fragments) <= _QUOTED_FRAGMENTS:
            self.fragments.append(text)

    def _add(self, mailbox):
        self.found.append(mailbox._replace(name=self._clean(mailbox.name)))
        self.fragments = []

    def _guess(self, *mailboxes):
        if mailboxes:
            self.guessed += (mailbox._replace(name=self._clean(mailbox.name)) for mailbox in mailboxes)
            self.fragments = []

    def _clean(self, name):
        return clean_name(self.hidden.shown(name))

    def _name(self):
        """The name before an address, not decoded; with the commas in it that quotes would hold together."""
        text = _joined(self.pieces, keeps_quotes=False).strip()
        if text and self.fragments:
            is_quoted = self.fragments[0].startswith("'")
            most = _QUOTED_FRAGMENTS if is_quoted else _COMMON_FRAGMENTS
            if len(self.fragments) <= most and (text.endswith("'") or not is_quoted):
                text = ", ".join((*self.fragments, text))
        return text or " ".join(self.comments)


def _joined(pieces, keeps_quotes=True):
    return "".join(f'"{piece.text}"' if piece.is_quoted and keeps_quotes else piece.text for piece in pieces)


def _bare_mailboxes(pieces, comments):
    """The addresses that stand without brackets: one with what else there is as its name, or several without.

    Names are not decoded yet.
    """
    apart = _words(pieces)
    words = _closed_up(apart)
    addresses = [(word, _written_address(word.text)) for word in words if not word.is_quoted and "@" in word.text]
    together = set(apart)
    # where white space was around the @, it may be a name: Sales @ ACME
    addresses = [
        (word, address)
        for word, address in addresses
        if address and (word in together or "." in address.partition("@")[2])
    ]
    if not addresses:
        return []
    if len(addresses) > 1:
        return [Mailbox("", address) for _word, address in addresses]
    [(word, address)] = addresses
    name = " ".join(other.text for other in words if other is not word)
    return [Mailbox(name or " ".join(comments), address)]


def _loose_mailboxes(pieces):
    """The addresses among signs that have no meaning there; none unless all that may be addresses are."""
    words = [word for piece in _closed_up(_words(pieces)) for word in _loose_words(piece)]
    signed = [word for word in words if _MAY_HIDE.search(word.text)]
    addresses = [_loose_address(word) for word in signed]
    if not all(addresses):
        return []
    if len(addresses) > 1:
        return [Mailbox("", address) for address in addresses]
    name = " ".join(word.text.strip(_LOOSE_SIGNS) for word in words if word not in signed)
    return [Mailbox(name, address) for address in addresses]


def _loose_words(piece):
    return [piece] if piece.is_quoted else [_Piece(text) for text in _LOOSE_SEPARATORS.split(piece.text) if text]


def _loose_address(word):
    """``[sales@mycompany.example]``, or without the beginning or the end of that; with a port or a subject.

    Its domain has a dot: ``Sales @ ACME`` is a name.
    """
    if word.is_quoted or word.text.count("@") != 1:
        return ""
    text = _LINK.sub("", word.text.strip(_LOOSE_SIGNS), count=1)
    local, _at, domain = text.partition("@")
    domain = re.split("[:?]", domain)[0]
    return _written_address(f"{local}@{domain}") if "." in domain else ""


def _closed_up(words):
    """White space around the dots of a domain belongs to it, and around the only @ (RFC 5322, section 4.4)."""
    is_only = sum(word.text.count("@") for word in words if not word.is_quoted) == 1
    closed: list[_Piece] = []
    for word in words:
        if (
            closed
            and not closed[-1].is_quoted
            and not word.is_quoted
            and _continues(closed[-1].text, word.text, is_only)
        ):
            closed[-1] = _Piece(closed[-1].text + word.text)
        else:
            closed.append(word)
    return closed


def _continues(before, text, is_only):
    if len(before) > 2 * ADDRESS_CHARS:
        return False
    if "@" in before and (before.endswith(".") or text.startswith(".")):
        return True
    return is_only and (before.endswith("@") or text.startswith("@"))


def _words(pieces) -> list[_Piece]:
    """The words of a fragment; a quoted string that an @ follows is the beginning of one."""
    words, ended = [], True
    for number, piece in enumerate(pieces):
        if piece.is_quoted:
            following = pieces[number + 1] if number + 1 < len(pieces) else None
            if following and not following.is_quoted and following.text.startswith("@"):
                words.append(_Piece(_quoted_local(piece.text)))
                ended = False
            else:
                words.append(piece)
                ended = True
            continue
        texts = piece.text.split()
        if texts and not ended and not piece.text[0].isspace():
            words[-1] = _Piece(words[-1].text + texts.pop(0))
        words.extend(map(_Piece, texts))
        ended = not piece.text or piece.text[-1].isspace() or not words
    return words


def _quoted_local(text):
    """A quoted local part; without the quotes where it needs none."""
    if _DOT_ATOM.fullmatch(text):
        return text
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _address_in_angle(pieces):
    """The address in angle brackets, without a route (RFC 5322, section 4.4); empty for none."""
    if any(piece.is_quoted for piece in pieces):
        words = _words(pieces)
        return _written_address(words[0].text.strip()) if len(words) == 1 else ""
    text = _MAILTO.sub("", "".join(piece.text for piece in pieces), count=1).strip()
    if text.startswith("@"):
        text = text.rpartition(":")[2] or text
    found = _written_address(_AROUND_SIGNS.sub(r"\1", text))
    if not found and text.count("@") == 1:
        [word] = [word for word in text.split() if "@" in word]
        found = _written_address(word)
    return found


def _written_address(text):
    """The address that a word is, without punctuation around it; empty when it is none."""
    if len(text) > 2 * ADDRESS_CHARS:
        return ""
    text = text.strip().strip(",;")
    if text.startswith("'") and text.endswith("'"):
        text = text[1:-1]
    text = text.rstrip("'").removesuffix(".")
    local, _at, domain = text.rpartition("@")
    if not local or not domain or len(text) > ADDRESS_CHARS or not _is_local(local) or not _is_domain(domain):
        return ""
    return f"{local}@{domain}"


def _is_local(text):
    if len(text) >= len('"a"') and text.startswith('"') and text.endswith('"'):
        return not _NO_QUOTED_LOCAL.search(text)
    return not _NO_LOCAL.search(text) and not _NO_ADDRESS.search(text)


def _is_domain(text):
    return bool(_DOMAIN_LITERAL.fullmatch(text)) or not (_NO_DOMAIN.search(text) or _NO_ADDRESS.search(text))
