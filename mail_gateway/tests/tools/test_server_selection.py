"""This reads like the documentation of Odoo's e-mail servers: the servers of a company, a From, and the result."""

from unittest import skipUnless

from odoo.addons.mail_gateway.tests.tools.tools_common import ToolsCase
from odoo.addons.mail_gateway.tools.server_selection import (
    OutgoingServer,
    Reason,
    Step,
    Traffic,
    header_from,
    select,
)

try:
    from odoo.tools.mail import encapsulate_email, formataddr
except ImportError:  # plain pytest, without Odoo: `make test-tools`
    encapsulate_email = formataddr = None

DEFAULT = "notifications@mycompany.com"


def servers(*filters, **named):
    """Return servers in the order of their priority, numbered from 1."""
    return [OutgoingServer(number, from_filter, **named) for number, from_filter in enumerate(filters, start=1)]


class TestTheServer(ToolsCase):
    """(From, filters by priority) -> (number of the server, step), with the default From notifications@mycompany.com."""

    CASES = (
        # 1. the filter names the address
        ("test@example.com", ["", "example.com", "test@example.com"], 3, Step.ADDRESS),
        # 2. the filter names the domain
        ("test@example.com", ["", "mycompany.com", "example.com"], 3, Step.DOMAIN),
        # 3. no filter
        ("test@example.com", ["mycompany.com", DEFAULT, "other.com", ""], 4, Step.NO_FILTER),
        # 4. the filter names the default From, first its address, then its domain
        ("test@example.com", ["other.com", "mycompany.com", DEFAULT], 3, Step.DEFAULT_ADDRESS),
        ("test@example.com", ["other.com", "mycompany.com"], 2, Step.DEFAULT_DOMAIN),
        # 5. the first server
        ("test@example.com", ["other.com", "third.com"], 1, Step.FIRST),
        # the settings of odoo-bin
        ("test@example.com", [], None, Step.ODOO_BIN),
        # the lowest priority number wins if several servers fit
        ("test@example.com", ["example.com", "example.com"], 1, Step.DOMAIN),
        ("test@example.com", ["", ""], 1, Step.NO_FILTER),
        # several entries in a filter
        ("test@example.com", ["a.com, example.com", "b.com,test@example.com"], 2, Step.ADDRESS),
        ("test@example.com", ["", " a.com ,, Example.COM "], 2, Step.DOMAIN),
        # a comma alone is no filter
        ("test@example.com", ["mycompany.com", " , "], 2, Step.NO_FILTER),
        # case and encoding do not count
        ("TEST@Example.Com", ["", "test@example.com"], 2, Step.ADDRESS),
        ("test@café.example", ["", "xn--caf-dma.example"], 2, Step.DOMAIN),
        ("test@xn--caf-dma.example", ["", "Café.example"], 2, Step.DOMAIN),
        # a subdomain is another domain
        ("test@mail.example.com", ["example.com", ""], 2, Step.NO_FILTER),
        # a malformed entry never matches, but it counts as a filter
        ("test@example.com", ["*.example.com", "mycompany.com"], 2, Step.DEFAULT_DOMAIN),
        ("test@example.com", ["@example.com"], 1, Step.FIRST),
        # display names are ignored
        ('"a@other.com" <test@example.com>', ["other.com", "example.com"], 2, Step.DOMAIN),
        ('"Doe, John" <test@example.com>', ["", "example.com"], 2, Step.DOMAIN),
        ("Zoë <test@example.com>", ["", "example.com"], 2, Step.DOMAIN),
        # the first of several addresses counts
        ("test@example.com, b@other.com", ["other.com", "example.com"], 2, Step.DOMAIN),
        # OdooBot has no address
        ("", ["", DEFAULT], 1, Step.NO_FILTER),
        ("", ["other.com", DEFAULT], 2, Step.DEFAULT_ADDRESS),
        (None, ["other.com"], 1, Step.FIRST),
    )

    def test_servers_are_chosen_in_the_documented_order(self):
        for author, filters, number, step in self.CASES:
            with self.subTest(author=author, filters=filters):
                selection = select(author, servers(*filters), DEFAULT)
                self.assertEqual((selection.server and selection.server.id, selection.step), (number, step))

    def test_without_a_default_from_step_4_finds_nothing(self):
        self.assertEqual(select("a@example.com", servers("x.com", "mycompany.com"), None).step, Step.FIRST)


class TestTheFrom(ToolsCase):
    """(author, filter of the server that sends, default From) -> From"""

    CASES = (
        # the documentation's own example
        ('"Admin" <admin@example.com>', "mycompany.com", DEFAULT, '"Admin" <notifications@mycompany.com>'),
        # an author in the server's domain or with its address keeps it
        ('"Admin" <admin@mycompany.com>', "mycompany.com", DEFAULT, '"Admin" <admin@mycompany.com>'),
        ("admin@example.com", "x.com, admin@example.com", DEFAULT, "admin@example.com"),
        # the filter is the default From, which replaces everybody else
        ('"Admin" <admin@mycompany.com>', DEFAULT, DEFAULT, '"Admin" <notifications@mycompany.com>'),
        ('"Robot" <notifications@mycompany.com>', DEFAULT, DEFAULT, '"Robot" <notifications@mycompany.com>'),
        # the local part replaces a missing name
        ("admin@example.com", "mycompany.com", DEFAULT, '"admin" <notifications@mycompany.com>'),
        # everybody keeps their address without a filter and an alias domain
        ('"Admin" <admin@example.com>', "", DEFAULT, '"Admin" <admin@example.com>'),
        ("admin@example.com", " , ", DEFAULT, "admin@example.com"),
        # a server for other domains
        ('"Admin" <admin@example.com>', "other.com", DEFAULT, '"Admin" <notifications@mycompany.com>'),
        # nothing replaces the author without a default From
        ('"Admin" <admin@example.com>', "mycompany.com", None, '"Admin" <admin@example.com>'),
        ('"Admin" <admin@example.com>', "", "", '"Admin" <admin@example.com>'),
        # a message without an author
        ("", "mycompany.com", DEFAULT, DEFAULT),
        (None, "", DEFAULT, DEFAULT),
        ("", "", None, ""),
        # names
        ('"Doe, John" <john@example.com>', "x.com", DEFAULT, '"Doe, John" <notifications@mycompany.com>'),
        (
            '"J \\"Joe\\" \\\\ Doe" <j@example.com>',
            "x.com",
            DEFAULT,
            '"J \\"Joe\\" \\\\ Doe" <notifications@mycompany.com>',
        ),
        ("Zoë Müller <z@example.com>", "x.com", DEFAULT, '"Zoë Müller" <notifications@mycompany.com>'),
    )

    def test_the_filter_decides_about_the_from(self):
        for author, from_filter, default, expected in self.CASES:
            with self.subTest(author=author, from_filter=from_filter, default=default):
                self.assertEqual(header_from(author, from_filter, default), expected)

    @skipUnless(encapsulate_email, "compares with Odoo")
    def test_the_from_equals_that_of_core(self):
        for author, _from_filter, default, expected in self.CASES:
            if author and default and expected != author:
                with self.subTest(author=author):
                    name, address = expected.rsplit(" ", 1)
                    name = name[1:-1].replace('\\"', '"').replace("\\\\", "\\")
                    self.assertEqual(encapsulate_email(author, default), formataddr((name, address.strip("<>"))))

    def test_the_odoo_bin_filter_counts_when_no_server_may_send(self):
        for from_filter, expected in (
            ("example.com", "a@example.com"),
            ("mycompany.com", '"a" <notifications@mycompany.com>'),
            ("", "a@example.com"),
        ):
            with self.subTest(from_filter=from_filter):
                selection = select("a@example.com", [], DEFAULT, odoo_bin_filter=from_filter)
                self.assertEqual((selection.step, selection.header_from), (Step.ODOO_BIN, expected))

    def test_a_server_uses_its_own_filter_and_not_that_of_odoo_bin(self):
        selection = select("a@example.com", servers("other.com"), DEFAULT, odoo_bin_filter="example.com")
        self.assertEqual(selection.header_from, '"a" <notifications@mycompany.com>')

    def test_authors_are_encapsulated_at_every_step_that_does_not_match_them(self):
        for author, filters, _number, step in TestTheServer.CASES:
            with self.subTest(author=author, filters=filters):
                selection = select(author, servers(*filters), DEFAULT, alias_domains=("mycompany.com",))
                self.assertEqual(selection.is_encapsulated, step not in (Step.ADDRESS, Step.DOMAIN))


class TestTheAliasDomains(ToolsCase):
    """The alias domains replace a missing filter."""

    DOMAINS = ("mycompany.com", "xn--caf-dma.example", "mycompany.fr")
    # author -> whether they keep their address
    AUTHORS = (
        ("Mary <mary@mycompany.com>", True),
        ("Mary <MARY@MyCompany.COM>", True),
        ("mary@mycompany.fr", True),
        ("Mary <mary@café.example>", True),
        ("Mary <mary@CAFÉ.example>", True),
        ("Mary <mary@xn--caf-dma.example>", True),
        ("Mary <mary@customer.example.com>", False),
        ("Mary <mary@mail.mycompany.com>", False),  # a subdomain is another domain
        ("Mary <mary@notmycompany.com>", False),
        ("Mary <mary@com>", False),
        ('"mary@mycompany.com" <mary@customer.example.com>', False),
        ("bounce@mycompany.com", True),
        ("mary..smith@mycompany.com", True),  # no standard allows it, but it occurs
        ("Mary <mary@customer.example.com>, joe@mycompany.com", False),  # the first counts
        ('"a\r\nX: mary@mycompany.com" <mary@customer.example.com>', False),
    )

    def header(self, author, from_filter="", default=DEFAULT, domains=DOMAINS):
        return header_from(author, from_filter, default, domains)

    def test_only_authors_in_an_alias_domain_keep_their_address(self):
        for author, keeps in self.AUTHORS:
            for from_filter in ("", None, " , ,"):
                with self.subTest(author=author, from_filter=from_filter):
                    header = self.header(author, from_filter)
                    self.assertEqual(header == author, keeps)
                    self.assertEqual(f"<{DEFAULT}>" in header, not keeps)

    def test_alias_domains_are_compared_in_their_encoded_form(self):
        for domain in ("CAFÉ.Example", " café.example ", "XN--CAF-DMA.example"):
            self.assertEqual(self.header("a@café.example", domains=(domain,)), "a@café.example")

    def test_invalid_alias_domains_do_not_count(self):
        self.assertEqual(self.header("a@x.com", domains=("my company", "", "@")), "a@x.com")
        self.assertEqual(self.header("a@x.com", domains=("my company", "mycompany.com")), f'"a" <{DEFAULT}>')

    def test_without_an_alias_domain_everybody_keeps_their_address(self):
        self.assertEqual(self.header("a@example.com", domains=()), "a@example.com")

    def test_without_a_default_from_everybody_keeps_their_address(self):
        self.assertEqual(self.header("a@example.com", default=None), "a@example.com")

    def test_a_filter_counts_instead_of_the_alias_domains(self):
        for from_filter in (DEFAULT, "other.com", "*.mycompany.com"):  # a malformed entry counts as a filter
            with self.subTest(from_filter=from_filter):
                self.assertEqual(self.header("a@mycompany.com", from_filter), f'"a" <{DEFAULT}>')
        self.assertEqual(self.header("a@other.com", "other.com"), "a@other.com")

    def test_a_default_from_elsewhere_replaces_only_authors_elsewhere(self):
        default = "robot@relay.example"
        for author, expected in (
            ("a@mycompany.com", "a@mycompany.com"),
            ("a@relay.example", f'"a" <{default}>'),
            (f"Robot <{default}>", f"Robot <{default}>"),
            ("", default),
        ):
            with self.subTest(author=author):
                self.assertEqual(self.header(author, default=default), expected)

    def test_the_alias_domains_apply_however_a_server_without_a_filter_is_found(self):
        for expected, author in (("a@mycompany.com",) * 2, (f'"a" <{DEFAULT}>', "a@example.com")):
            for options in (
                {"servers": servers("")},
                {"servers": servers("other.com", ""), "forced_id": 2},
                {"servers": []},
                {"servers": [], "odoo_bin_filter": " , "},
            ):
                with self.subTest(author=author, options=options):
                    selection = select(author, default_from=DEFAULT, alias_domains=self.DOMAINS, **options)
                    self.assertEqual((selection.header_from, selection.alias_domains), (expected, self.DOMAINS))

    def test_alias_domains_do_not_affect_the_choice_of_the_server(self):
        for author, filters, number, step in TestTheServer.CASES:
            with self.subTest(author=author, filters=filters):
                selection = select(author, servers(*filters), DEFAULT, alias_domains=("example.com", "mycompany.com"))
                self.assertEqual((selection.server and selection.server.id, selection.step), (number, step))

    def test_no_alias_domains_are_reported_for_a_server_with_a_filter(self):
        self.assertEqual(select("a@x.com", servers("x.com"), DEFAULT, alias_domains=self.DOMAINS).alias_domains, ())

    def test_any_bounce_address_passes_without_a_filter(self):
        selection = select("a@mycompany.com", servers(""), DEFAULT, alias_domains=self.DOMAINS)
        for own in ("bounce@mycompany.com", "bounces+7@bounce.mycompany.com", "bounce@relay.example"):
            self.assertEqual(selection.envelope_sender(own, ["bounce@mycompany.fr"]), own)
        self.assertEqual(selection.envelope_sender(None, ["bounce@mycompany.fr"]), "a@mycompany.com")


class TestTheReturnPath(ToolsCase):
    def test_the_return_path_is_the_bounce_address_if_the_filter_allows_it(self):
        for from_filter, expected in (
            ("mycompany.com", "bounce@mycompany.com"),
            ("", "bounce@mycompany.com"),
            (DEFAULT, DEFAULT),
            ("other.com", DEFAULT),
        ):
            with self.subTest(from_filter=from_filter):
                selection = select("a@example.com", servers(from_filter), DEFAULT)
                self.assertEqual(selection.envelope_sender("bounce@mycompany.com"), expected)

    def test_the_return_path_is_the_bounce_address_of_another_company_if_only_that_is_allowed(self):
        selection = select("a@other.com", servers("other.com"), DEFAULT)
        others = ["bounce@third.com", "bounce@other.com"]
        self.assertEqual(selection.envelope_sender("bounce@mycompany.com", others), "bounce@other.com")
        self.assertEqual(selection.envelope_sender("bounce@mycompany.com", others[:1]), "a@other.com")
        self.assertEqual(selection.envelope_sender(None, others), "a@other.com")

    def test_the_return_path_is_the_from_without_a_bounce_address(self):
        self.assertEqual(select('"A" <a@example.com>', servers("")).envelope_sender(None), "a@example.com")


class TestWhoMaySend(ToolsCase):
    AUTHOR = "anna@mycompany.com"

    def choose(self, *candidates, author=AUTHOR, **options):
        selection = select(author, candidates, DEFAULT, **options)
        return selection.server and selection.server.id, selection.step

    def reasons(self, *candidates, author=AUTHOR, **options):
        return [(over.server.id, over.reason) for over in select(author, candidates, DEFAULT, **options).passed_over]

    def test_an_archived_server_never_sends(self):
        archived = OutgoingServer(1, self.AUTHOR, active=False)
        self.assertEqual(self.choose(archived, OutgoingServer(2)), (2, Step.NO_FILTER))
        self.assertEqual(self.choose(archived, OutgoingServer(2), forced_id=1), (2, Step.NO_FILTER))
        self.assertEqual(self.reasons(archived, OutgoingServer(2)), [(1, Reason.ARCHIVED)])

    def test_a_personal_server_serves_its_owners_address(self):
        personal = OutgoingServer(1, "Anna@MyCompany.com", owner=self.AUTHOR)
        self.assertEqual(self.choose(personal, OutgoingServer(2)), (1, Step.ADDRESS))

    def test_a_personal_server_serves_only_its_owner(self):
        for from_filter in (self.AUTHOR, "mycompany.com", ""):
            with self.subTest(from_filter=from_filter):
                personal = OutgoingServer(1, from_filter, owner=self.AUTHOR)
                self.assertEqual(self.choose(personal, author="bob@mycompany.com"), (None, Step.ODOO_BIN))
                self.assertEqual(self.reasons(personal, author="bob@mycompany.com"), [(1, Reason.NOT_THE_OWNER)])
                self.assertEqual(self.choose(personal, author="", forced_id=1), (None, Step.ODOO_BIN))

    def test_a_personal_server_is_not_chosen_by_the_domain_in_its_filter(self):
        personal = OutgoingServer(1, "mycompany.com", owner=self.AUTHOR)
        self.assertEqual(self.choose(personal, OutgoingServer(2)), (2, Step.NO_FILTER))

    def test_a_personal_server_whose_owner_has_no_address_serves_no_author(self):
        self.assertEqual(self.choose(OutgoingServer(1, self.AUTHOR, owner="")), (None, Step.ODOO_BIN))

    def test_somebody_elses_message_does_not_use_a_personal_server(self):
        personal = OutgoingServer(1, self.AUTHOR, owner=self.AUTHOR, offered=False)
        self.assertEqual(self.choose(personal, OutgoingServer(2)), (2, Step.NO_FILTER))
        self.assertEqual(self.reasons(personal, OutgoingServer(2)), [(1, Reason.NOT_THE_OWNER)])

    def test_mass_mail_leaves_through_no_server_for_transactional_mail(self):
        transactional = OutgoingServer(1, self.AUTHOR, traffic="transactional")
        mass = OutgoingServer(2, "other.com", traffic="mass")
        self.assertEqual(self.choose(transactional, mass), (1, Step.ADDRESS))
        self.assertEqual(self.choose(transactional, mass, traffic=Traffic.MASS), (2, Step.FIRST))
        self.assertEqual(self.choose(transactional, traffic=Traffic.MASS), (None, Step.ODOO_BIN))
        self.assertEqual(self.reasons(transactional, mass, traffic=Traffic.MASS), [(1, Reason.TRAFFIC)])

    def test_transactional_mail_leaves_through_no_server_for_mass_mail(self):
        mass = OutgoingServer(1, self.AUTHOR, traffic="mass")
        self.assertEqual(self.choose(mass, OutgoingServer(2)), (2, Step.NO_FILTER))
        self.assertEqual(self.choose(mass), (None, Step.ODOO_BIN))

    def test_a_server_for_any_mail_carries_both(self):
        for traffic in Traffic:
            self.assertEqual(self.choose(OutgoingServer(1), traffic=traffic), (1, Step.NO_FILTER))

    def test_the_server_that_a_message_names_sends_it(self):
        candidates = (OutgoingServer(1, self.AUTHOR), OutgoingServer(2, "other.com"))
        self.assertEqual(self.choose(*candidates, forced_id=2), (2, Step.FORCED))
        self.assertEqual(self.reasons(*candidates, forced_id=2), [(1, Reason.NOT_FORCED)])
        forced = select(self.AUTHOR, candidates, DEFAULT, forced_id=2)
        self.assertEqual(forced.header_from, '"anna" <notifications@mycompany.com>')

    def test_a_named_server_for_another_kind_of_mail_is_passed_over(self):
        candidates = (OutgoingServer(1), OutgoingServer(2, traffic="transactional"))
        self.assertEqual(self.choose(*candidates, forced_id=2, traffic=Traffic.MASS), (1, Step.NO_FILTER))


class TestTheReasons(ToolsCase):
    def test_each_server_passed_over_has_its_reason(self):
        candidates = [
            OutgoingServer(1, "example.com"),
            OutgoingServer(2, "other.com"),
            OutgoingServer(3, ""),
            OutgoingServer(4, "anna@example.com"),
            OutgoingServer(5, "anna@example.com, x.com"),
            OutgoingServer(6, "mycompany.com"),
            OutgoingServer(7, "", active=False),
            OutgoingServer(8, "", traffic="mass"),
            OutgoingServer(9, "bob@example.com", owner="bob@example.com"),
            OutgoingServer(10, "", offered=False),
        ]
        selection = select("anna@example.com", candidates, DEFAULT)
        self.assertEqual(selection.server.id, 4)
        self.assertEqual(
            [(over.server.id, over.reason, over.step) for over in selection.passed_over],
            [
                (1, Reason.LATER_STEP, Step.DOMAIN),
                (2, Reason.NO_MATCH, Step.FIRST),
                (3, Reason.LATER_STEP, Step.NO_FILTER),
                (5, Reason.LOWER_PRIORITY, Step.ADDRESS),
                (6, Reason.LATER_STEP, Step.DEFAULT_DOMAIN),
                (7, Reason.ARCHIVED, None),
                (8, Reason.TRAFFIC, None),
                (9, Reason.NOT_THE_OWNER, None),
                (10, Reason.NOT_OFFERED, None),
            ],
        )

    def test_servers_after_the_first_have_no_match_if_none_fits(self):
        selection = select("anna@example.com", servers("first.com", "second.com"), DEFAULT)
        self.assertEqual([over.reason for over in selection.passed_over], [Reason.NO_MATCH])
