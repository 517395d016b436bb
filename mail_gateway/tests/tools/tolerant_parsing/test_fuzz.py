"""Messages derived from the fixtures by changes at which parsers fail; each run makes the same ones."""

import email
import email.policy
import random
import re
import time
from contextlib import suppress

from odoo.addons.mail_gateway.tests.tools.tools_common import DATA, ToolsCase, length, rounds, some_of
from odoo.addons.mail_gateway.tools.classify.automatic_reply import automatic_reply, unanswerable
from odoo.addons.mail_gateway.tools.classify.forged_sender import failed_dmarc, marked_as_spam
from odoo.addons.mail_gateway.tools.headers.mailing_lists import author_of
from odoo.addons.mail_gateway.tools.headers.message_ids import nearest_first
from odoo.addons.mail_gateway.tools.headers.recipients import raw_values, recipients_in, recipients_of
from odoo.addons.mail_gateway.tools.headers.stored_headers import message_id_of, read_headers
from odoo.addons.mail_gateway.tools.tolerant_parsing.attached_source import source_of
from odoo.addons.mail_gateway.tools.tolerant_parsing.check import find_defects
from odoo.addons.mail_gateway.tools.tolerant_parsing.defects import BoundExceeded
from odoo.addons.mail_gateway.tools.tolerant_parsing.header_check import TRICKY_CHARS
from odoo.addons.mail_gateway.tools.tolerant_parsing.header_names import (
    READ_HEADERS,
    RECIPIENT_CHARS,
    RECIPIENTS,
    REFERENCES_CHARS,
)
from odoo.addons.mail_gateway.tools.tolerant_parsing.normalize import normalize_content, normalize_headers
from odoo.addons.mail_gateway.tools.tolerant_parsing.parameters import raw_header
from odoo.addons.mail_gateway.tools.tolerant_parsing.readable import find_remarks, make_readable
from odoo.addons.mail_gateway.tools.tolerant_parsing.structure import HEAD_CHARS, VALUE_CHARS, parse

_SPICE = (
    b"\0", b"\r", b"\n", b"\r\n\r\n", b"\xff", b"\xed\xa0\x80", b"=?utf-7?q?+2AA-?=", b"=?utf-8?b?7aCA?=", b"=?idna?q?=FF?=",
    b"<", b">", b"(", b")", b'"', b"\\", b"@", b",", b";", b":", b"=", b"--b", b"--b--", b"<!--", b"<p>", b"</div>",
    b"\nContent-Type: message/rfc822\n\n", b"\nContent-Type: multipart/mixed; boundary=b\n\n--b\n",
    b"\nContent-Type: text/html; charset=unicode_escape\n", b"\nContent-Transfer-Encoding: uuencode\n",
    b"\nContent-Transfer-Encoding: base64\n", b"\nContent-Type: foo/bar; name*=x''%FF\n",
)  # fmt: skip
_CHARSETS = (
    b"utf-7",
    b"unicode_escape",
    b"idna",
    b"punycode",
    b"utf-16",
    b"rot13",
    b"x-none",
    b"us-ascii",
    b"undefined",
)
_CHARSET = re.compile(rb"(?i)charset=[^\s;]+")
_BOUNDARY = re.compile(rb"(?i)boundary=[^\s;]+")


def mutants(count, seed=5322):
    """Yield (name of the fixture, changed source).

    :param count: the number in Odoo's runner, see :func:`rounds`
    """
    dice = random.Random(seed)
    sources = [(file.stem, file.read_bytes()) for file in sorted(DATA.glob("*.eml"))]
    for _round in range(rounds(count)):
        name, source = dice.choice(sources)
        for _change in range(dice.choice((1, 1, 2, 3, 6))):
            source = dice.choice(_CHANGES)(source, dice, sources)
        yield name, source


def _flip(source, dice, _sources):
    changed = bytearray(source)
    for _byte in range(dice.randrange(1, 8)):
        if changed:
            changed[dice.randrange(len(changed))] = dice.randrange(256)
    return bytes(changed)


def _cut(source, dice, _sources):
    start, end = sorted(dice.randrange(len(source) + 1) for _place in range(2))
    return source[:start] + source[end:] if dice.random() < 0.5 else source[: max(end, 80)]


def _spice(source, dice, _sources):
    place = dice.randrange(len(source) + 1)
    return source[:place] + dice.choice(_SPICE) * dice.choice((1, 1, 2, 200)) + source[place:]


def _shuffle_lines(source, dice, _sources):
    lines = source.splitlines(keepends=True) or [b""]
    line = dice.randrange(len(lines))
    match dice.randrange(3):
        case 0:
            lines.insert(dice.randrange(len(lines) + 1), lines[line])
        case 1:
            del lines[line]
        case _:
            lines.insert(dice.randrange(len(lines)), lines.pop(line))
    return b"".join(lines)


def _change_charset(source, dice, _sources):
    return _CHARSET.sub(b"charset=" + dice.choice(_CHARSETS), source)


def _change_boundary(source, dice, _sources):
    return _BOUNDARY.sub(dice.choice((b"", b"boundary=", b"boundary=b", b"boundary=another")), source, count=1)


def _change_line_ends(source, dice, _sources):
    return source.replace(b"\r\n", dice.choice((b"\n", b"\r", b"\r\r\n", b"\n\r")))


def _splice(source, dice, sources):
    other = dice.choice(sources)[1]
    place = dice.randrange(len(source) + 1)
    return source[:place] + other[dice.randrange(len(other)) :]


_CHANGES = (_flip, _cut, _spice, _shuffle_lines, _change_charset, _change_boundary, _change_line_ends, _splice)


def long_ones(seed=105802):
    """Yield (description, source): headers of up to 1 MB, hundreds of thousands of parameters, thousands of parts."""
    dice = random.Random(seed)
    wide = "".join(chr(dice.randrange(0x10000, 0x1FFFE)) for _character in range(5000)).encode()
    head = b"From: mary@customer.example\r\nTo: sales@mycompany.example\r\n"
    for name in _LONG_HEADERS:
        piece = dice.choice(_LONG_PIECES)
        yield name.decode(), b"%s: %s\r\n%s\r\nHello\r\n" % (name, piece * (MEGABYTE // len(piece)), head)
        yield f"{name.decode()}, wide", b"%s: %s\r\n%s\r\nHello\r\n" % (name, wide * dice.choice((1, 10, 50)), head)
    kind = b"Content-Type: text/plain"
    yield "a million parameters", head + kind + b";a=b" * 1_000_000 + b"\r\n\r\nHello\r\n"
    yield "folded parameters", head + kind + b";\r\n a*0=b" * 100_000 + b"\r\n\r\nHello\r\n"
    yield "a megabyte of header lines", b"X-A: b\r\n" * 130_000 + head + b"\r\nHello\r\n"
    mixed = head + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
    yield "thousands of parts", mixed + b"--b\r\n\r\nHello\r\n" * 20_000
    yield "parts of wide text", mixed + (b"--b\r\nContent-Type: text/plain\r\n\r\n" + wide + b"\r\n") * 200
    yield (
        "parts of unknown charset",
        mixed + (b"--b\r\nContent-Type: text/plain\r\n\r\n" + dice.randbytes(20_000)) * 100,
    )
    named = b"--b\r\nContent-Type: a/b\r\nContent-Disposition: attachment; filename*=utf-8''%s\r\n\r\nx\r\n"
    yield "wide names", mixed + named % (b"%F0%9F%98%80" * 600) * 200
    yield (
        "parts of crowded parameters",
        mixed
        + b"".join(
            b"--b\r\nContent-Type: text/x%d; name=%s\r\n\r\nx\r\n" % (number, b'"' * 7900) for number in range(30)
        ),
    )
    texts = b"Content-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\n\r\nHello\r\n--b\r\n"
    texts += b"Content-Type: text/html\r\n\r\n"
    for piece in _HTML_PIECES:
        yield f"HTML of {piece.decode()}", head + texts + piece * (MEGABYTE // len(piece)) + b"\r\n--b--\r\n"
    yield "messages in messages", head + b"Content-Type: message/rfc822\r\n\r\n" * 20_000
    yield (
        "alternatives in alternatives",
        head
        + b"".join(b"Content-Type: multipart/alternative; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(90)),
    )


def nearly_too_long(seed=2822):
    """Yield (description, source): headers just below the length at which they are replaced, so that all code reads them."""
    dice = random.Random(seed)
    for name in (*_LONG_HEADERS, *_MORE_HEADERS):
        for most in (TRICKY_CHARS, _MAX_CHARS.get(name.lower().decode(), HEAD_CHARS - 500)):
            for piece in dice.sample((*_LONG_PIECES, *_MORE_PIECES), 3):
                value = (piece * (most // len(piece) + 1))[: most - 1]
                head = b"From: mary@customer.example\r\nTo: sales@mycompany.example\r\n"
                yield f"{name.decode()}: {most} of {piece}", b"%s: %s\r\n%s\r\nHello\r\n" % (name, value, head)


MEGABYTE = length(1024 * 1024)
_LONG_HEADERS = (
    *(b"Subject", b"From", b"To", b"Cc", b"Message-Id", b"References", b"Date", b"Content-Type"),
    *(b"Content-Disposition", b"Content-Transfer-Encoding", b"Content-Id", b"Reply-To", b"X-A", b"Delivered-To"),
    *(b"In-Reply-To", b"Return-Path", b"Authentication-Results", b"List-Id", b"Resent-To", b"Resent-Cc"),
    *(b"Resent-From", b"Resent-Sender", b"Resent-Date", b"Resent-Message-Id"),
)
_MORE_HEADERS = (
    *(b"Bcc", b"Sender", b"X-Original-To", b"X-Original-From", b"List-Post", b"Auto-Submitted", b"Precedence"),
    *(b"X-Auto-Response-Suppress", b"X-Autoreply", b"X-Spam-Status", b"X-Odoo-Message-Id", b"Mime-Version"),
)
# A longer header is replaced; all others are read up to the length of a head.
_MAX_CHARS = {
    **dict.fromkeys(READ_HEADERS, VALUE_CHARS),
    **dict.fromkeys(("content-type", "content-disposition", "content-transfer-encoding"), VALUE_CHARS),
    **dict.fromkeys((*RECIPIENTS, "delivered-to"), RECIPIENT_CHARS),
    "references": REFERENCES_CHARS,
}
_LONG_PIECES = (
    b"=?utf-8?q?=F0=9F?= ",
    b"=?gb2312?b?0Q==?=",
    b"(",
    b'"',
    b"a@b.example, ",
    b":@",
    b";a*=",
    b"\xff",
    b"<",
)
_MORE_PIECES = (
    *(
        b"<a@",
        b"a@ ",
        b"<a@b.example> ",
        b"a\\",
        b"[",
        b"=?",
        b"\r\n x",
        b"dmarc=fail;",
        b"@",
        b"\t",
        b"<mary@customer.example>, ",
    ),
)
_HTML_PIECES = (b"<", b"<img ", b"<img a=", b"<img a='", b"<!--", b"&#9", b"a=", b"<style")
# Seconds; generous, since each source takes less than one.
PATIENCE = 30


class TestReadingLengths(ToolsCase):
    def test_very_long_messages_become_readable_in_bounded_time(self):
        for name, source in some_of(long_ones()):
            started = time.thread_time()
            readable = self.read_all(source)
            self.assertLess(time.thread_time() - started, PATIENCE, name)
            self.assertFalse(find_defects(readable.source), name)
            self.assertDatabaseText(repr(read_headers(source)), name)

    def test_headers_just_below_their_limits_are_read_in_bounded_time(self):
        for name, source in some_of(nearly_too_long()):
            started = time.thread_time()
            self.read_all(source)
            self.assertLess(time.thread_time() - started, PATIENCE, name)

    def read_all(self, source):
        """Read all that is read of a message during its processing."""
        read_headers(source)
        find_remarks(source)
        recipients_in(source)
        readable = make_readable(source)
        message = email.message_from_bytes(readable.source, policy=email.policy.SMTP)
        normalize_headers(message)
        for name in READ_HEADERS:  # Odoo lets Python parse these; other headers might take gigabytes
            message.get_all(name)
        for reads in (automatic_reply, unanswerable, marked_as_spam, message_id_of, recipients_of, source_of):
            reads(message)
        failed_dmarc(message, ["mx.mycompany.example"])
        author_of(raw_values(message))
        nearest_first(raw_header(message, "in-reply-to"), raw_header(message, "references"))
        normalize_content(message)
        return readable


class TestReadingFuzz(ToolsCase):
    """tests/inbound/test_readable.py tests with Odoo that it processes the results."""

    def test_any_mutant_becomes_a_message_without_defects(self):
        for name, source in mutants(1000):
            readable = make_readable(source)
            self.assertFalse(find_defects(readable.source), (name, source))
            self.assertEqual(readable.source == source, not readable.defects, (name, source))

    def test_any_parsed_mutant_can_be_written_again(self):
        for name, source in mutants(300, seed=2046):
            with suppress(BoundExceeded):
                message = parse(source)
                self.assertIsInstance(source_of(message), bytes, name)
                self.assertEqual(source_of(message), source_of(parse(source)), name)

    def test_the_text_only_form_of_any_mutant_has_no_defects(self):
        for name, source in mutants(300, seed=822):
            readable = make_readable(source, text_only=True)
            self.assertFalse(find_defects(readable.source), (name, source))
            self.assertTrue(readable.defects)

    def test_a_defective_message_comes_with_the_original_byte_for_byte(self):
        for name, source in mutants(300, seed=2045):
            readable = make_readable(source)
            if readable.defects:
                message = email.message_from_bytes(readable.source, policy=email.policy.SMTP)
                self.assertEqual(list(message.iter_parts())[-1].get_content(), source, name)
