"""Finds out whether HTML has visible images, and not only tracking pixels.

This takes linear time, since the HTML was not checked before.
"""

import re
from collections.abc import Collection
from email.message import Message
from html import unescape

from .image_references import cid_key
from .parameters import raw_header
from .structure import walk

_ATTRIBUTE = re.compile(r"""(?<![\w-])([a-z-]+)\s*=\s*("[^"]*"|'[^']*'|[^\s"'>]+)""")
_HIDDEN = re.compile(r"\shidden(?=[\s/]|$)")
_HIDING = {"display": "none", "visibility": "hidden"}
_SIZE = re.compile(r"(\d{1,9}(?:\.\d{0,9})?|\.\d{1,9})(?:px|pt)?")
# Characters of an attribute that are read, since Python refuses numbers of more than 4,300 digits.
_VALUE_CHARS = 1000


def has_image(html: str, cids: Collection[str] | None = None) -> bool:
    """Whether HTML has a visible image.

    :param cids: from :func:`content_ids`, None when they are unknown
    """
    return any(_is_seen(tag, cids) for tag in _image_tags(html))


def content_ids(message: Message) -> frozenset[str]:
    """Return the Content-Ids of the parts of a message, in the form of :func:`.image_references.cid_key`."""
    return frozenset(cid_key(raw_header(part, "content-id")) for _level, part in walk(message))


def _image_tags(html):
    """Yield the texts between ``<img`` and the next ``>``, in lower case, with entities that are not decoded."""
    lower = html.lower()
    for piece in lower.split(">") if "<img" in lower else ():
        before, opening, tag = piece.rpartition("<img")
        if opening and tag[:1] in (" ", "\t", "\r", "\n", "\f", "/"):
            yield tag


def _is_seen(tag, cids):
    attributes = {}
    for name, value in _ATTRIBUTE.findall(tag):
        attributes.setdefault(name, unescape(value[:_VALUE_CHARS].strip("\"'")).strip())
    style = dict(_declarations(attributes.get("style", "")))
    if "hidden" in attributes or _HIDDEN.search(_ATTRIBUTE.sub("", tag)):
        return False
    if any(style.get(name) == value for name, value in _HIDING.items()):
        return False
    sizes = [style.get(name, attributes.get(name, "")) for name in ("width", "height")]
    return _is_there(attributes.get("src", ""), cids) and not _is_tiny(sizes)


def _is_there(source, cids):
    """Whether an image has a source: a link, or a file that is attached."""
    scheme, _colon, cid = source.partition(":")
    return bool(source) and (scheme != "cid" or cids is None or cid_key(cid) in cids)


def _declarations(style):
    for declaration in style.split(";"):
        name, _colon, value = declaration.partition(":")
        yield name.strip().removeprefix("max-"), value.replace("!important", "").strip()


def _is_tiny(sizes):
    """Whether an image is invisible: width or height is 0, or both are at most 1; a missing one counts like the other."""
    found = [float(match.group(1)) for match in map(_SIZE.fullmatch, sizes) if match]
    return bool(found) and (min(found) == 0 or max(found) <= 1)
