"""Finds the recipient of a notice about a message, and the content of the message that the notice may quote.

No function here raises an exception.
"""

import re
from contextlib import suppress
from email.message import Message

import lxml.etree
import lxml.html

from ..headers.addresses import author_address, split_author
from .automatic_reply import RawHeaders

# RFC 5321, section 4.5.3.1.3: a path holds 256 octets, two of them the brackets.
MAX_ADDRESS_BYTES = 254
_NO_ADDRESS = re.compile(r"[\s<>,;:\"\x00-\x1f\x7f]")


def notice_address(message: Message, author: str | None) -> str:
    """Return the address that gets the notice: the one in the topmost Return-Path, else the author's.

    The last server writes the topmost Return-Path; those below it come from the sender, as the author does. If the topmost
    one contains no address, no notice is sent.

    :param author: the value of From
    :return: empty when no notice can be sent
    """
    paths = RawHeaders(message).all("return-path")[:1]
    address = split_author(paths[0] if paths else author)[1]
    too_long = len(address.encode("utf-8", "replace")) > MAX_ADDRESS_BYTES
    return "" if too_long or _NO_ADDRESS.search(address) or not author_address(address) else address


def without_quotes(html: str | bytes | None) -> str:
    """Return HTML without quoted messages (``blockquote``); empty when it can't be parsed."""
    text = html.decode("utf-8", "replace") if isinstance(html, bytes) else str(html or "")
    with suppress(Exception):
        root = lxml.html.fragment_fromstring(text, create_parent="div")
        for quote in root.xpath("//blockquote"):
            quote.drop_tree()
        return lxml.etree.tostring(root, encoding="unicode", method="html")
    return ""
