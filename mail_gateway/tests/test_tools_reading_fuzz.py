"""Messages that nobody wrote: the fixtures, changed in ways that parsers trip over. The same ones each time."""

import email
import email.policy
import random
import re
import time

from odoo.addons.mail_gateway.tests.test_tools_helpers import DATA, ToolsCase
from odoo.addons.mail_gateway.tools.headers import read_headers
from odoo.addons.mail_gateway.tools.reading import find_remarks, make_readable
from odoo.addons.mail_gateway.tools.reading_check import find_flaws

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
    """Yield (name of the fixture, changed source)."""
    dice = random.Random(seed)
    sources = [(file.stem, file.read_bytes()) for file in sorted(DATA.glob("*.eml"))]
    for _round in range(count):
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
    """Yield (what it is, source): headers of up to 1 MB, parameters by the hundred thousand, parts by the thousand."""
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
    yield "messages in messages", head + b"Content-Type: message/rfc822\r\n\r\n" * 20_000
    yield (
        "alternatives in alternatives",
        head
        + b"".join(b"Content-Type: multipart/alternative; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(90)),
    )


MEGABYTE = 1024 * 1024
_LONG_HEADERS = (
    *(b"Subject", b"From", b"To", b"Cc", b"Message-Id", b"References", b"Date", b"Content-Type"),
    *(b"Content-Disposition", b"Content-Transfer-Encoding", b"Content-Id", b"Reply-To", b"X-A", b"Delivered-To"),
)
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
# Generous: each takes less than a second.
PATIENCE = 30


class TestReadingLengths(ToolsCase):
    def test_what_is_long_has_no_flaws_either_and_takes_bounded_time(self):
        for name, source in long_ones():
            started = time.thread_time()
            readable = make_readable(source)
            taken = time.thread_time() - started
            self.assertFalse(find_flaws(readable.source), name)
            self.assertLess(taken, PATIENCE, name)
            find_remarks(source)
            self.assertDatabaseText(repr(read_headers(source)), name)


class TestReadingFuzz(ToolsCase):
    """That Odoo gets through what comes out is tested with Odoo, in test_reading."""

    def test_what_comes_out_has_no_flaws_whatever_goes_in(self):
        for name, source in mutants(1000):
            readable = make_readable(source)
            self.assertFalse(find_flaws(readable.source), (name, source))
            self.assertEqual(readable.source == source, not readable.flaws, (name, source))

    def test_the_plainest_form_has_no_flaws_either(self):
        for name, source in mutants(300, seed=822):
            readable = make_readable(source, plainest=True)
            self.assertFalse(find_flaws(readable.source), (name, source))
            self.assertTrue(readable.flaws)

    def test_what_has_flaws_comes_with_the_original_byte_for_byte(self):
        for name, source in mutants(300, seed=2045):
            readable = make_readable(source)
            if readable.flaws:
                message = email.message_from_bytes(readable.source, policy=email.policy.SMTP)
                self.assertEqual(list(message.iter_parts())[-1].get_content(), source, name)
