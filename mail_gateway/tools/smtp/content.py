"""A message as it goes over the wire after DATA (RFC 5321, section 4.5.2)."""

import email
import email.policy
import re
from email.base64mime import body_encode

_LINE_END = re.compile(rb"\r\n|\r|\n")
_DOT = re.compile(rb"^\.", re.MULTILINE)
# It writes 8-bit headers, also those of attached messages, as encoded words, and understands whatever it is given.
_SEVEN_BIT = email.policy.compat32.clone(cte_type="7bit", linesep="\r\n")


def on_the_wire(content: bytes, *, eight_bit: bool) -> bytes:
    """Return the lines of a message, ready to be followed by the line with the dot.

    Every line ends with CRLF. A lone CR or LF, which some servers take for the end of a line and others don't, would let
    a message end where its author wants and smuggle another one in (CVE-2023-51764).

    :param content: as Python's email package writes it
    :param eight_bit: whether the server takes 8-bit content (RFC 6152); if not, it is encoded again
    :raises ValueError: when a message can't be written in seven bits
    """
    if not eight_bit and not content.isascii():
        content = _in_seven_bits(content)
    lines = _LINE_END.sub(b"\r\n", content)
    if not lines.endswith(b"\r\n"):
        lines += b"\r\n"
    return _DOT.sub(b"..", lines)


def _in_seven_bits(content):
    message = email.message_from_bytes(content, policy=_SEVEN_BIT)
    for part in message.walk():
        if part.is_multipart():
            _drop_eight_bit_remarks(part)
        elif not str(part.get_payload()).isascii():
            data = part.get_payload(decode=True)
            del part["Content-Transfer-Encoding"]
            part["Content-Transfer-Encoding"] = "base64"
            part.set_payload(body_encode(data, eol="\r\n"))
    written = message.as_bytes()
    if not written.isascii():
        raise ValueError("8-bit characters are left")
    return written


def _drop_eight_bit_remarks(part):
    """Remove the texts around the parts, which nobody sees, where they have 8-bit characters."""
    for name in ("preamble", "epilogue"):
        text = getattr(part, name)
        if text and not text.isascii():
            setattr(part, name, None)
