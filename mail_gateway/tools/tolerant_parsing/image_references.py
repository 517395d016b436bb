"""References in HTML to images that are attached to the same message (RFC 2392)."""

import re
from html import escape, unescape
from urllib.parse import unquote

# the form in which Odoo's sanitizer writes attributes
_REFERENCE = re.compile(r'(?<=\ssrc=")\s*cid:([^"<>]{1,1000})(?=")', re.IGNORECASE)


def with_references_found(body: str, cids: list[str]) -> str:
    """Return HTML whose references equal the Content-Ids letter by letter, as Odoo compares them.

    :param body: sanitized HTML
    :param cids: Content-Ids of the attachments, without brackets
    """
    if not cids or "cid:" not in body.lower():
        return body
    known = {cid_key(cid): cid for cid in reversed(cids)}

    def written(found):
        reference = unescape(found.group(1))
        cid = reference if reference in cids else known.get(cid_key(reference))
        return f"cid:{escape(cid)}" if cid else found.group()

    return type(body)(_REFERENCE.sub(written, str(body)))


def cid_key(cid: str) -> str:
    """Return a form of a Content-Id that does not depend on percent encoding, brackets, case and blanks."""
    return unquote(unquote(cid)).strip().strip("<>").strip().casefold()
