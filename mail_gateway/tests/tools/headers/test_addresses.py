from odoo.addons.mail_gateway.tests.tools.tools_common import ToolsCase
from odoo.addons.mail_gateway.tools.headers.addresses import (
    author_address,
    bad_entries,
    counted_address,
    filter_entries,
    filter_matches,
    normalize_address,
    normalize_domain,
    split_author,
)


class TestAddresses(ToolsCase):
    def test_case_and_surrounding_spaces_do_not_count(self):
        self.assertEqual(normalize_domain(" MyCompany.Example "), "mycompany.example")
        self.assertEqual(normalize_address(" Sales@MyCompany.Example "), "sales@mycompany.example")

    def test_an_international_domain_equals_its_encoded_form(self):
        for domain in (
            "café.example",
            "CAFÉ.example",
            "cafe\u0301.example",
            "xn--caf-dma.example",
            "XN--CAF-DMA.example",
        ):
            with self.subTest(domain=domain):
                self.assertEqual(normalize_domain(domain), "xn--caf-dma.example")

    def test_invalid_domains_are_rejected(self):
        for text in (
            None,
            "",
            " ",
            ".",
            "my company.example",
            ".example",
            "example.",
            "a..b",
            "*.example",
            "http://x",
            "-a.example",
            "a-.example",
            "a" * 64 + ".example",
            "a." * 127 + "example",
            "a@b",
            "é\u2028.example",
            "a,b",
            "<x.example>",
            "x.example:25",
        ):
            with self.subTest(text=text):
                self.assertIsNone(normalize_domain(text))

    def test_common_domains_that_are_not_host_names_are_accepted(self):
        for text in ("localhost", "example_2.com", "1.2.3.4", "x.y.z.example"):
            with self.subTest(text=text):
                self.assertEqual(normalize_domain(text), text)

    def test_invalid_addresses_are_rejected(self):
        for text in (
            None,
            "",
            "sales",
            "@x.example",
            "sales@",
            "sa les@x.example",
            "a@b@x.example",
            "Sales <a@x.example>",
            ".a@x.example",
            "a.@x.example",
            "a..b@x.example",
            "a" * 65 + "@x.example",
            "a@x..example",
        ):
            with self.subTest(text=text):
                self.assertIsNone(normalize_address(text))

    def test_authors_are_split_into_name_and_address(self):
        for text, expected in (
            ('"Admin" <admin@example.com>', ("Admin", "admin@example.com")),
            ("admin@example.com", ("", "admin@example.com")),
            ("<admin@example.com>", ("", "admin@example.com")),
            ('"Doe, John" <john@x.example>', ("Doe, John", "john@x.example")),
            ('"John \\"Joe\\" Doe" <john@x.example>', ('John "Joe" Doe', "john@x.example")),
            ('"other@evil.example" <john@x.example>', ("other@evil.example", "john@x.example")),
            ("Zoë Müller <zoe@x.example>", ("Zoë Müller", "zoe@x.example")),
            ("Doe, John <john@x.example>", ("Doe, John", "john@x.example")),
            ("a@x.example, b@y.example", ("", "a@x.example")),
            ("Odoo", ("", "")),
            ("", ("", "")),
            (None, ("", "")),
        ):
            with self.subTest(text=text):
                self.assertEqual(split_author(text), expected)

    def test_an_author_may_have_a_local_part_that_no_standard_allows(self):
        self.assertEqual(author_address("Taro <ta..ro.@Mobile.example>"), "ta..ro.@mobile.example")
        self.assertIsNone(author_address("taro@mo..bile.example"))
        self.assertIsNone(author_address("@mobile.example"))

    def test_a_filter_is_a_list_of_domains_and_addresses(self):
        self.assertEqual(filter_entries(" a.example,,b@c.example , "), ("a.example", "b@c.example"))
        for nothing in (None, "", " ", ",", " , "):
            self.assertEqual(filter_entries(nothing), ())

    def test_bad_entries_are_named_as_they_were_typed(self):
        self.assertEqual(
            bad_entries("a.example, *.b.example, c@@d.example, É.example"), ("*.b.example", "c@@d.example")
        )
        self.assertEqual(bad_entries(None), ())

    def test_a_filter_matches_its_entries_and_an_empty_filter_matches_all(self):
        for address, from_filter in (
            ("admin@mail.example", "mail.example"),
            ("ADMIN@Mail.Example", "mail.EXAMPLE"),
            ('"x@y.example" <admin@mail.example>', " other.example ,Admin@mail.example"),
            ("admin@café.example", "xn--caf-dma.example"),
            ("admin@xn--caf-dma.example", "CAFÉ.example"),
            ("admin@mail.example", ""),
            ("admin@mail.example", " , "),
        ):
            with self.subTest(address=address, from_filter=from_filter):
                self.assertTrue(filter_matches(address, from_filter))

    def test_a_filter_does_not_match_other_addresses(self):
        for address, from_filter in (
            ("admin@mail.example", "test@mail.example"),
            ("admin@sub.mail.example", "mail.example"),
            ("admin@mail.example", "sub.mail.example"),
            ('"admin@mail.example" <x@y.example>', "mail.example"),
            ("admin@mail.example", "*.example"),
            ("admin@*.example", "*.example"),
            ("", "mail.example"),
            (None, "mail.example"),
            ("nobody", "nobody"),
        ):
            with self.subTest(address=address, from_filter=from_filter):
                self.assertFalse(filter_matches(address, from_filter))

    def test_texts_that_exhaust_the_library_contain_no_address(self):
        for text in (":" * 2000, "(" * 5000, "<" * 5000, "[" * 5000, '"' * 5000, "@" * 1000):
            with self.subTest(text=text[:3]):
                self.assertIsNone(author_address(text))

    def test_a_tag_after_a_plus_sign_does_not_make_another_sender(self):
        for text in ("Mary <mary+orders@customer.example>", "MARY+a+b@Customer.example", "mary@customer.example"):
            self.assertEqual(counted_address(text), "mary@customer.example")
        self.assertEqual(counted_address("+orders@customer.example"), "+orders@customer.example")
        self.assertIsNone(counted_address("nobody"))
