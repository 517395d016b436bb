"""Names beside the default From, and the effects of display names on headers."""

import email.policy
from email.message import EmailMessage

from hypothesis import given, settings
from hypothesis import strategies as st

from odoo.addons.mail_gateway.tests.tools.tools_common import ToolsCase, rounds, some_of
from odoo.addons.mail_gateway.tools.headers.display_names import (
    MAX_NAME,
    clean_author,
    clean_name,
    clean_recipients,
    contains_address,
    name_beside_another_address,
)
from odoo.addons.mail_gateway.tools.server_selection import encapsulate

DEFAULT = "notifications@mycompany.com"
WIDE = "\U0001d4b3"


class TestNamesWithAddresses(ToolsCase):
    """Each case is a display name, as it is meant, and whether it contains an address."""

    NAMES = (
        ("mary@customer.example", True),
        ("Mary (mary@customer.example)", True),
        ("mary@customer.example via Shop", True),
        ("Mary <mary@customer.example>", True),
        ("'mary@customer.example'", True),
        ('"mary@customer.example"', True),
        ("mary@a.example, joe@b.example", True),
        ("MARY@CUSTOMER.EXAMPLE", True),
        ("mary @ customer.example", True),
        ("mary@\tcustomer.example", True),
        ("mailto:mary@customer.example", True),
        ("mary@[192.0.2.1]", True),
        ("mary@münchen.example", True),
        ("mary@例え.テスト", True),
        # letters that resemble others
        ("mary\uff20customer.example", True),
        ("mary\ufe6bcustomer\uff0eexample", True),
        ("mary@customer\u3002example", True),
        ("ｍａｒｙ＠ｃｕｓｔｏｍｅｒ．ｅｘａｍｐｌｅ", True),
        # letters that are invisible
        ("mary@\u200bcustomer.exam\u00adple", True),
        ("mary\u2060@customer.example", True),
        ("\u202emary@customer.example\u202c", True),
        # encoded words, also in quotes and nested
        ("=?utf-8?q?mary=40customer=2Eexample?=", True),
        ("=?utf-8?b?bWFyeUBjdXN0b21lci5leGFtcGxl?=", True),
        ("=?utf-8?q?=3D=3Futf-8=3Fq=3Fmary=3D40customer.example=3F=3D?=", True),
        # names with an @ that contain no address
        ("Sales @ Company", False),
        ("Sales @ St. Gallen", False),
        ("Bike@Home", False),
        ("@mary", False),
        ("Mary @", False),
        ("Mary at customer.example", False),
        ("Dr. Mary", False),
        ("customer.example", False),
        ("O'Hara (Sales)", False),
        ("日本 太郎", False),
        ("Zoë", False),
    )

    def test_the_local_part_replaces_a_name_that_contains_an_address(self):
        for name, replaced in self.NAMES:
            with self.subTest(name=name):
                quoted = name.replace("\\", "\\\\").replace('"', '\\"')
                found = name_beside_another_address(f'"{quoted}" <mary.smith@customer.example>')
                self.assertEqual(found, "mary.smith" if replaced else name)

    def test_a_name_equal_to_the_address_is_replaced_even_without_a_dot(self):
        self.assertEqual(name_beside_another_address('"Mary@Intranet" <mary@intranet>'), "mary")

    def test_addresses_are_found_in_cleaned_names(self):
        for name, replaced in self.NAMES:
            with self.subTest(name=name):
                self.assertEqual(contains_address(clean_name(name)), replaced)

    def test_the_local_part_replaces_an_invisible_name(self):
        for name in ("", " ", "\u00a0\u3000", "\u200b\u2060", "\u3164", "\u2800", "\u202e", "\r\n", "=?utf-8?q?_?="):
            with self.subTest(name=name):
                self.assertEqual(name_beside_another_address(f'"{name}" <mary@customer.example>'), "mary")

    def test_a_local_part_that_contains_an_address_is_shortened_or_left_out(self):
        for local, expected in (
            ('"a@b.example"', "a"),
            ('"a\uff20b.example"', "a"),
            ('"John Doe"', "John Doe"),
            ("=?utf-8?q?mary=40x.example?=", ""),
        ):
            with self.subTest(local=local):
                author = f"{local}@customer.example"
                self.assertEqual(name_beside_another_address(author), expected)
                self.assertEqual(encapsulate(author, DEFAULT), f'"{expected}" <{DEFAULT}>' if expected else DEFAULT)


class TestNamesInHeaders(ToolsCase):
    """Display names with line feeds, control characters, reversed text, and megabytes."""

    HOSTILE = (
        "a\nBcc: victim@x.example",
        "a\r\nBcc: victim@x.example\r\n\r\nBody",
        "a\rBcc: victim@x.example",
        "a\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029b",
        "a\x00b\x07\x1b[31m\x7f",
        "\u202egro.elpmaxe@evil\u202c",
        "\u2066\u2067\u061c\u200e\u200f",
        "\ud800\udfff",
        '"; x@y.example; "',
        "\\",
        '\\"',
        "a, b@c.example",
        "=?utf-8?q?a=0D=0ABcc=3A_victim=40x=2Eexample?=",
        "=?utf-8?b?YQ0KQmNjOiB2aWN0aW1AeC5leGFtcGxl?=",
        "=?utf-8?q?=3D=3Futf-8=3Fq=3Fa=3D0ABcc=3A_x=3F=3D?=",
        "=?x?q?",
        "=?" * 1000,
        "<" * 1000,
        "(" * 1000,
        '"' * 1001,
        "@" * 1000,
        ":" * 1000,
        WIDE * 100_000,
        "e\u0301" * 1000,
        "\ufdfa" * 2000,
    )

    def header_lines(self, value, field="From"):
        """Return the head of a message with this header, as it is sent."""
        message = EmailMessage(policy=email.policy.SMTP)
        message[field] = value
        message["X-Last"] = "here"
        return message.as_bytes().split(b"\r\n\r\n")[0].decode("ascii")

    def names_of_fields(self, head):
        return [line.split(":")[0] for line in head.split("\r\n") if line[:1] not in (" ", "\t")]

    def check(self, value, field="From"):
        head = self.header_lines(value, field)
        self.assertEqual(self.names_of_fields(head), [field, "X-Last"])
        self.assertFalse([letter for letter in head.replace("\r\n", "") if not letter.isprintable() and letter != "\t"])
        self.assertLess(len(head), 4000)
        return head

    def authors(self):
        for name in some_of(self.HOSTILE):
            yield f'"{name}" <mary@customer.example>'
            quoted = name.replace("\\", "\\\\").replace('"', '\\"')
            yield f'"{quoted}" <mary@customer.example>'

    def test_no_name_breaks_the_from_of_an_encapsulated_author(self):
        for author in self.authors():
            with self.subTest(author=author[:60]):
                header = encapsulate(author, DEFAULT)
                self.check(header)
                self.assertTrue(header.endswith(f" <{DEFAULT}>") or header == DEFAULT, header)
                self.assertFalse(contains_address(header.removesuffix(f" <{DEFAULT}>").removesuffix(DEFAULT)))

    def test_no_name_breaks_the_from_of_an_author_who_keeps_their_address(self):
        for author in self.authors():
            with self.subTest(author=author[:60]):
                self.check(clean_author(author))

    def test_no_name_of_a_recipient_adds_a_header(self):
        for author in self.authors():
            with self.subTest(author=author[:60]):
                self.check(clean_recipients([author, "joe@customer.example"]), "To")

    def test_valid_values_are_not_changed(self):
        for fine in (
            "mary@customer.example",
            '"Mary" <mary@customer.example>',
            "Zoë Müller <zoe@customer.example>",
            "山田\u3000太郎 <taro@customer.example>",
            '"\U0001f469\u200d\U0001f467" <family@customer.example>',
            "a@b.example, c@d.example",
            "no address",
            "",
        ):
            with self.subTest(fine=fine):
                self.assertEqual(clean_author(fine), fine)
                if "@" in fine:
                    self.assertEqual(clean_recipients(fine), fine)
                    self.assertEqual(clean_recipients([fine]), [fine])

    def test_a_valid_list_in_one_text_is_not_changed(self):
        for fine in ('"Mary" <mary@customer.example>, joe@customer.example', "a@b.example,c@d.example"):
            self.assertEqual(clean_recipients(fine), fine)

    def test_recipients_without_an_address_are_left_out(self):
        self.assertEqual(clean_recipients(['"' * 99, "joe@customer.example"]), ["joe@customer.example"])
        self.assertEqual(clean_recipients('"' * 99), "")
        self.assertEqual(clean_recipients("Mary mary@customer.example, (joe"), '"Mary" <mary@customer.example>')

    def test_cleaning_an_author_without_an_address_adds_none(self):
        for author in ("foo", "foo@", '"' * 99, "<" * 99):
            self.assertNotIn("@", clean_author(author))

    def test_empty_recipients_are_not_changed(self):
        for nothing in (None, False, "", []):
            self.assertEqual(clean_recipients(nothing), nothing)

    def test_a_carriage_return_in_a_name_does_not_change_the_author(self):
        author = '"x\rboss@mycompany.com,\r" <mary@customer.example>'
        self.assertEqual(clean_author(author), '"x boss@mycompany.com," <mary@customer.example>')
        self.assertEqual(encapsulate(author, DEFAULT), f'"mary" <{DEFAULT}>')

    def test_an_author_without_an_address_becomes_the_name_of_the_default_from(self):
        self.assertEqual(encapsulate("Mary Smith", DEFAULT), f'"Mary Smith" <{DEFAULT}>')
        self.assertEqual(encapsulate("", DEFAULT), DEFAULT)

    def test_a_long_name_is_cut(self):
        for letter in ("a", "é", WIDE):
            name = clean_name(letter * 1_000_000)
            self.assertEqual(name, letter * (MAX_NAME - 1) + "…")
        self.assertEqual(clean_name("a" * MAX_NAME), "a" * MAX_NAME)

    @settings(max_examples=rounds(300), deadline=None, derandomize=True)
    @given(st.text(max_size=60), st.sampled_from(["mary@x.example", "", "@", "a b", '"a@b"@x.example', "<>", "\r\n"]))
    def test_any_name_of_an_author_results_in_one_header_with_one_address(self, name, address):
        header = encapsulate(f'"{name}" <{address}>', DEFAULT)
        self.check(header)
        message = EmailMessage(policy=email.policy.SMTP)
        message["From"] = header
        self.assertEqual([str(found.addr_spec) for found in message["From"].addresses], [DEFAULT])
