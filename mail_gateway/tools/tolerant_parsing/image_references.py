"""Where HTML refers to the images that came with it (RFC 2392)."""

import re
from html import escape, unescape
from urllib.parse import unquote

# as Odoo's sanitizer writes attributes
_REFERENCE = re.compile(r'(?<=\ssrc=")\s*cid:([^"<>]{1,1000})(?=")', re.IGNORECASE)


def with_references_found(body: str, cids: list[str]) -> str:
    """Write references as Odoo compares them: letter by letter with the Content-Id.

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
    """The same for all forms of a Content-Id: percent signs, brackets, capitals, blanks."""
    return unquote(unquote(cid)).strip().strip("<>").strip().casefold()
