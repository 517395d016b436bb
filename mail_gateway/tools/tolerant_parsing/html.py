"""Estimates, without parsing HTML, whether Odoo's sanitizer can process it in a few seconds.

Odoo parses the HTML of a message about six times (html_sanitize twice, inline images, preview). For ordinary HTML this
takes 20 µs for each element. But the time of its regular expressions and tree operations grows with the square of some
numbers, so that 100 KB can take minutes. This module counts those numbers, in linear time.

How the bounds were found: some 80 shapes of HTML in two sizes each (100 KB and 1 MB) went through html_sanitize as
message_parse and as mail.message call it, html2plaintext and is_html_empty of Odoo 19 with lxml 4.9.3 on one core.
The worst shape within all of the bounds takes about 3 s.
"""

import re
from collections.abc import Collection
from contextlib import suppress
from html import unescape

from lxml import etree, html

from ..text.charsets import cleaned
from .images import has_image

# Characters of HTML. 'data:' images are harmless: 5 MB in one attribute take 0.1 s.
MAX_CHARS = 5_000_000
# Elements that the sanitizer drops one by one (<form>, <xyz>, <input>) take 0.9 s for 25,000, 15 s for 100,000; an
# ordinary newsletter has 2,000.
MAX_TAGS = 40_000
# `&` becomes `&amp;`: 5 million of them take 5 s and 720 MB.
MAX_ENTITIES = 500_000
# `<` without `>`: 33,000 of them in 100 KB take 10 s, that is 1.7e9 characters read again. `url(`, `expression(`: same.
MAX_REREAD = 100_000_000
# Attributes in one tag: 12,500 take 2.5 s; the time grows with the square.
MAX_ATTRIBUTES = 4000
# Style attributes: a run of letters is tried from each of its letters; 20,000 take 2 s, 100,000 more than 15 s.
MAX_TRIED = 300_000_000
_SHORT_STYLE = 100
# Text quotes: each one moves the rest of the text; 20,000 of them in 100 KB take 3.5 s, that is 2e9 characters moved.
MAX_MOVED = 300_000_000
# For each sibling of a quote, the sanitizer goes through all siblings: 3,000 of them take 6 s.
MAX_SIBLING_PAIRS = 3_000_000
# The text of each dropped element is appended to that of its neighbour, in a growing copy: 40,000 <link> take 780 MB.
MAX_DROPPED = 5000
# libxml2 drops the rest beyond 255 levels.
MAX_LEVELS = 200
_MAX_ENCODINGS = 50
_SURELY_SHALLOW = 2 * MAX_LEVELS

_QUOTE_MARKERS = re.compile(
    "gmail_|skydriveplaceholder|stopspelling|yahoo_quoted|signature|divrplyfwdmsg|appendonsend|blockquote|o-mail-quote",
    re.IGNORECASE,
)
# quotes as Odoo's tag_quote finds them
_NEW_QUOTE = re.compile(r"(?:\n(?:>|&gt;)+[^\n\r]*)+|\n--\s?[\r\n]")
_QUOTE_BEGINS = re.compile("stopspelling|yahoo_quoted")
_FIELD = re.compile("<(?:button|input|select|textarea)")
_RUN = re.compile(r"[\w-]+")
# a character that is neither a blank nor of zero width
_MARK = re.compile("[^\\s\u200b-\u200d\u2060\ufeff\xad]")
_DROPPED = re.compile(
    r"<(?:\?|link|meta|input|script|style|base|embed|i?frame|noscript|object|applet|param|title|head|select|option|"
    r"textarea|button|label|fieldset|form|layer|area|svg)"
)


def is_heavy(text: str) -> bool:
    """Whether Odoo's sanitizer would need more than a few seconds for this HTML."""
    if len(text) > MAX_CHARS or text.count("<") > MAX_TAGS or text.count("&") > MAX_ENTITIES:
        return True
    lower = text.lower()
    return (
        _reread(text, "<", ">") > MAX_REREAD
        or _reread(text, "(", ")") > MAX_REREAD
        or _reread(text, "/*", "*/") > MAX_REREAD
        or lower.count("encoding=") > _MAX_ENCODINGS
        or moved_by_quotes(text) > MAX_MOVED
        or _tried_in_styles(lower) > MAX_TRIED
        or len(_DROPPED.findall(lower)) > MAX_DROPPED
        or _has_crowded_tag(text)
        or _has_crowded_tree(text)
        or _breaks_sanitizer(text, lower)
    )


def _reread(text, opening, closing):
    """Return how many characters a regular expression reads again when it searches the end of each opening."""
    pieces = text.split(closing)
    return sum((piece.count(opening) - 1) * len(piece) for piece in pieces if piece.count(opening) > 1)


def moved_by_quotes(text: str) -> int:
    """Return how many characters Odoo's quote detection moves: it puts each quote into an element, the rest after it."""
    return len(_NEW_QUOTE.findall(text)) * len(text)


def _tried_in_styles(lower):
    """Return how many characters of style attributes, quoted or not, the sanitizer examines."""
    tried = 0
    for piece in lower.split("style")[1:]:
        value = piece.lstrip()
        if value.startswith("="):
            value = value[1:].lstrip()
            quote = value[:1]
            end = value.find(quote, 1) if quote in ("'", '"') else value.find(">")
            value = value[:end] if end >= 0 else value
            runs = _RUN.findall(value) if len(value) > _SHORT_STYLE else ()
            tried += max(map(len, runs), default=0) ** 2
    return tried


def _has_crowded_tag(text):
    """Whether a tag has too many attributes. Attributes may contain `<` and `>`."""
    hidden = 0
    for piece in text.split(">"):
        before, opening, tag = piece.partition("<")
        if opening and len(tag.split()) > MAX_ATTRIBUTES:
            return True
        if not opening or ("=" in before and ('"' in before or "'" in before)):
            hidden += len(before.split()) + before.count("=")
    return hidden > MAX_ATTRIBUTES


def _has_crowded_tree(text):
    """Whether elements are nested too deeply, or quotes have too many siblings. The other bounds make parsing safe."""
    if text.count("<") <= _SURELY_SHALLOW:
        return False
    try:
        tree = html.document_fromstring(text)
    except (etree.LxmlError, ValueError):
        return True
    pairs = 0 if _QUOTE_MARKERS.search(text) else -(len(text) ** 2)  # the sanitizer searches siblings only of quotes
    level = 0
    for event, element in etree.iterwalk(tree, events=("start", "end")):
        level += 1 if event == "start" else -1
        pairs += len(element) ** 2 if event == "start" else 0
        if level > MAX_LEVELS or pairs > MAX_SIBLING_PAIRS:
            return True
    return False


def _breaks_sanitizer(text, lower):
    """Whether Odoo's sanitizer, or message_parse with it, would raise an error.

    The sanitizer fails on comments after the beginning of a quote (tag_quote sets attributes on them), and on an empty
    document: HTML of comments only, or of a single form field.
    """
    if "<!" in text or "<?" in text:
        if not _has_content(lower):
            return True
        if _QUOTE_BEGINS.search(lower):
            return any(_is_followed_by_comment(element) for element in _tree(text).iter(etree.Element))
    if _FIELD.search(lower):
        body = _tree(text).find("body")
        return body is not None and len(body) == 1 and body[0].tag in ("button", "input", "select", "textarea")
    return False


def has_content(text: str, cids: Collection[str] | None = None) -> bool:
    """Whether HTML has a word or a visible image.

    :param cids: see :func:`.images.has_image`
    """
    return has_words(text) or has_image(without_hidden(text), cids)


def has_words(text: str) -> bool:
    """Whether HTML has a visible character."""
    return bool(_MARK.search(_words(text)))


def _has_content(lower):
    return "<img" in lower or bool(cleaned(_words(lower)).strip())


def _words(text):
    text = _without_tags(without_hidden(text))
    with suppress(ValueError):  # Python refuses to convert numbers of more than 4,300 digits
        return unescape(text)
    return text


def _without_tags(text):
    """Remove tags in linear time, unlike a regular expression. ``<`` without ``>`` is not a tag."""
    *pieces, rest = text.split(">")
    return "".join(piece.partition("<")[0] for piece in pieces) + rest


def _is_followed_by_comment(element):
    names = f"{element.get('class', '')} {element.get('id', '')}"
    return bool(_QUOTE_BEGINS.search(names.lower())) and any(
        not isinstance(sibling.tag, str) for sibling in element.itersiblings()
    )


def _tree(text):
    try:
        return html.document_fromstring(text)
    except (etree.LxmlError, ValueError):
        return html.Element("html")


def without_hidden(text: str) -> str:
    """Remove style sheets, scripts, titles and comments, which are not shown, from HTML, in linear time."""
    for opening, closing in (("<!--", "-->"), ("<style", "</style>"), ("<script", "</script>"), ("<title", "</title>")):
        text = _without(text, opening, closing)
    return text


def _without(text, opening, closing):
    lower, kept, position = text.lower(), [], 0
    if len(lower) != len(text):  # a few letters change their length in lower case
        return text
    while (start := lower.find(opening, position)) >= 0:
        kept.append(text[position:start])
        end = lower.find(closing, start)
        position = len(text) if end < 0 else end + len(closing)
    return "".join((*kept, text[position:]))
