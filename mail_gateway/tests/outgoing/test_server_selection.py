from email import message_from_string, policy
from unittest.mock import patch

from odoo.exceptions import ValidationError
from odoo.tools import config, email_normalize

from odoo.addons.mail_gateway.tests.common import OutgoingCommon
from odoo.addons.mail_gateway.tools.server_selection import OutgoingServer, select


class TestFilters(OutgoingCommon):
    def test_a_bad_entry_in_a_filter_is_refused(self):
        for bad in ("*.mycompany.com", "sales@", "my company.com", "@mycompany.com", "sales@@mycompany.com"):
            with (
                self.subTest(bad=bad),
                self.assertRaisesRegex(ValidationError, "neither a domain nor an e-mail address"),
            ):
                self.server("S", f"mycompany.com, {bad}")

    def test_the_error_names_the_server_and_the_bad_entries(self):
        with self.assertRaises(ValidationError) as caught:
            self.server("Post Office", "mycompany.com, *.x.com, a b")
        self.assertIn("Post Office", str(caught.exception))
        self.assertIn("“*.x.com”, “a b”", str(caught.exception))

    def test_domains_addresses_and_empty_filters_are_accepted(self):
        for fine in (
            False,
            "",
            " , ",
            "mycompany.com",
            " A@MyCompany.com ,b.com",
            "café.example",
            "xn--caf-dma.example",
        ):
            with self.subTest(fine=fine):
                self.assertFalse(self.server("S", fine).from_filter_problem)

    def test_an_existing_bad_entry_is_shown_and_does_not_prevent_sending(self):
        server = self.server("S")
        self.env.cr.execute("UPDATE ir_mail_server SET from_filter = '*.mycompany.com' WHERE id = %s", [server.id])
        server.invalidate_recordset()
        self.assertIn("“*.mycompany.com”", server.from_filter_problem)
        server.write({"name": "Renamed"})
        self.assertEqual(self.send(self.mail()), [(server.id, f'"Admin" <{self.default}>', self.default)])


class TestSending(OutgoingCommon):
    def test_a_server_without_a_filter_comes_before_that_of_the_default_from(self):
        self.server("Notifications", self.default, sequence=1)
        everyone = self.server("Everyone", sequence=2)
        self.assertEqual(self.send(self.mail()), [(everyone.id, f'"Admin" <{self.default}>', self.bounce)])

    def test_priority_10_comes_before_20(self):
        self.server("Later", "example.com", sequence=20)
        first = self.server("First", "example.com", sequence=10)
        self.assertEqual(self.send(self.mail()), [(first.id, '"Admin" <admin@example.com>', "admin@example.com")])

    def test_a_server_that_the_message_names_applies_its_own_filter(self):
        self.server("Own", "example.com")
        for from_filter, sender in (
            ("test.mycompany.com", self.default),
            (self.default, self.default),
            (False, self.default),  # the alias domains replace the missing filter
            ("example.com", "admin@example.com"),
        ):
            with self.subTest(from_filter=from_filter):
                named = self.server("Named", from_filter)
                [(server_id, header_from, _envelope)] = self.send(self.mail(mail_server_id=named.id))
                self.assertEqual((server_id, header_from), (named.id, f'"Admin" <{sender}>'))

    def test_an_archived_server_that_the_message_names_is_passed_over(self):
        named, other = self.server("Named"), self.server("Other")
        mail = self.mail(mail_server_id=named.id)
        named.active = False
        self.assertEqual(self.send(mail)[0][0], other.id)

    def test_a_message_without_an_author_leaves_under_the_default_from(self):
        server = self.server("S", "other.com")
        for author in (False, ""):
            with self.subTest(author=author):
                mail = self.mail()
                mail.email_from = author
                self.assertEqual(self.send(mail), [(server.id, self.default, self.default)])

    def test_without_a_server_the_filter_of_odoo_bin_counts(self):
        parameters = self.env["ir.config_parameter"].sudo()
        for from_filter, expected in (
            ("example.com", '"Admin" <admin@example.com>'),
            ("a.com, test.mycompany.com", f'"Admin" <{self.default}>'),
        ):
            with self.subTest(from_filter=from_filter), patch.dict(config.options, {"smtp_server": "localhost"}):
                parameters.set_param("mail.default.from_filter", from_filter)
                self.assertEqual(self.send(self.mail())[0][:2], (False, expected))

    def test_each_alias_domain_has_its_own_default_from_and_bounce_address(self):
        server = self.server("S", "test.mycompany2.com, test.mycompany.com")
        domains = (self.mail_alias_domain, self.mail_alias_domain_c2)
        self.assertEqual(
            self.send(*(self.mail(record_alias_domain_id=domain.id) for domain in domains)),
            [(server.id, f'"Admin" <{domain.default_from_email}>', domain.bounce_email) for domain in domains],
        )

    def test_the_bounce_address_belongs_to_the_company_whose_server_sends(self):
        self.server("Second company", "test.mycompany2.com")
        mail = self.mail("clerk@test.mycompany2.com", record_alias_domain_id=self.mail_alias_domain.id)
        self.assertEqual(self.send(mail)[0][2], self.mail_alias_domain_c2.bounce_email)

    def test_international_domains_are_compared_in_their_encoded_form(self):
        server = self.server("S", "café.example")
        self.server("Everyone")
        [(server_id, _header, envelope)] = self.send(self.mail("clerk@xn--caf-dma.example"))
        self.assertEqual((server_id, envelope), (server.id, "clerk@xn--caf-dma.example"))

    def test_an_alias_domain_without_a_default_from_uses_no_other_default_from(self):
        self.server("S", "test.mycompany2.com, test.mycompany.com")
        self.mail_alias_domain_c2.default_from = False
        mail = self.mail('"Clerk" <clerk@customer.example>', record_alias_domain_id=self.mail_alias_domain_c2.id)
        self.assertEqual(self.send(mail)[0][1], '"Clerk" <clerk@customer.example>')

    def test_bounces_of_a_company_without_an_alias_domain_go_to_the_address_of_the_parameters(self):
        self.server("S", "test.mycompany.com")
        self.company_2.alias_domain_id = False
        mail = self.mail().with_company(self.company_2)
        self.assertEqual(self.send(mail)[0][1:], (f'"Admin" <{self.default}>', self.bounce))

    def test_a_company_without_an_alias_domain_uses_the_default_from_of_the_parameters(self):
        servers = self.env["ir.mail_server"].with_company(self.company_2)
        self.company_2.alias_domain_id = False
        parameters = self.env["ir.config_parameter"].sudo()
        self.assertEqual(servers._get_default_from_address(), self.default)
        parameters.set_param("mail.default.from", "robot@mycompany.example")
        self.assertEqual(servers._get_default_from_address(), "robot@mycompany.example")

    def test_a_local_part_alone_is_not_used_as_the_default_from(self):
        self.env["res.company"].search([]).alias_domain_id = False
        self.assertFalse(self.env["ir.mail_server"]._get_default_from_address())


class TestWithoutAFilter(OutgoingCommon):
    """The alias domains of all companies replace a missing filter."""

    def without_alias_domain(self):
        self.env["mail.alias"].with_context(active_test=False).search([]).alias_domain_id = False
        self.env["mail.alias.domain"].search([]).unlink()

    def from_header(self, author, **values):
        return self.send(self.mail(author, **values))[0][1]

    def test_a_colleague_keeps_their_address_and_a_customer_does_not(self):
        self.server("S")
        for author, expected in (
            ('"Mary" <mary@test.mycompany.com>', '"Mary" <mary@test.mycompany.com>'),
            ('"Mary" <mary@Test.MyCompany.com>', '"Mary" <mary@test.mycompany.com>'),
            ('"Mary" <mary@customer.example>', f'"Mary" <{self.default}>'),
            ('"Mary" <mary@sub.test.mycompany.com>', f'"Mary" <{self.default}>'),
        ):
            with self.subTest(author=author):
                self.assertEqual(self.from_header(author), expected)

    def test_the_domains_of_all_companies_count(self):
        self.server("S")
        mail = self.mail('"Clerk" <clerk@test.mycompany2.com>', record_alias_domain_id=self.mail_alias_domain.id)
        self.assertEqual(self.send(mail)[0][1:], ('"Clerk" <clerk@test.mycompany2.com>', self.bounce))

    def test_a_company_without_an_alias_domain_uses_those_of_the_others(self):
        self.server("S")
        self.company_2.alias_domain_id = False
        mails = [
            self.mail(author).with_company(self.company_2)
            for author in ('"Clerk" <clerk@test.mycompany.com>', '"Clerk" <clerk@customer.example>')
        ]
        self.assertEqual(
            [header for _server, header, _envelope in self.send(*mails)],
            ['"Clerk" <clerk@test.mycompany.com>', f'"Clerk" <{self.default}>'],
        )

    def test_every_address_in_an_alias_domain_keeps_its_from(self):
        self.server("S")
        catchall = self.mail_alias_domain.catchall_email
        for address in (catchall, self.bounce, self.default, "sales@test.mycompany.com"):
            with self.subTest(address=address):
                self.assertEqual(self.from_header(f'"We" <{address}>'), f'"We" <{address}>')

    def test_the_alias_domains_apply_to_the_settings_of_odoo_bin(self):
        with patch.dict(config.options, {"smtp_server": "localhost", "from_filter": False}):
            self.assertEqual(self.from_header("Mary <mary@test.mycompany.com>"), '"Mary" <mary@test.mycompany.com>')
            self.assertEqual(self.from_header("Mary <mary@customer.example>"), f'"Mary" <{self.default}>')
        with patch.dict(config.options, {"smtp_server": "localhost", "from_filter": "customer.example"}):
            self.assertEqual(self.from_header("Mary <mary@test.mycompany.com>"), f'"Mary" <{self.default}>')
            self.assertEqual(self.from_header("Mary <mary@customer.example>"), '"Mary" <mary@customer.example>')

    def test_the_alias_domains_apply_to_a_server_that_the_message_names(self):
        self.server("Own", "customer.example")
        named = self.server("Named")
        for domain, keeps in (("test.mycompany.com", True), ("customer.example", False)):
            header = self.from_header(f"Mary <mary@{domain}>", mail_server_id=named.id)
            self.assertEqual(header, f'"Mary" <mary@{domain}>' if keeps else f'"Mary" <{self.default}>')

    def test_an_alias_domain_counts_from_its_creation_until_its_deletion(self):
        self.server("S")
        author, encapsulated = '"Mary" <mary@new.example>', f'"Mary" <{self.default}>'
        self.assertEqual(self.from_header(author), encapsulated)
        domain = self.env["mail.alias.domain"].create({"name": "new.example"})
        self.assertEqual(self.from_header(author), author)
        domain.name = "newer.example"
        self.assertEqual(self.from_header(author), encapsulated)
        self.assertEqual(self.from_header("mary@newer.example"), "mary@newer.example")
        domain.unlink()
        self.assertEqual(self.from_header('"Mary" <mary@newer.example>'), encapsulated)

    def test_an_international_domain_counts_in_both_forms(self):
        self.server("S")
        self.env["mail.alias.domain"].create({"name": "xn--caf-dma.example"})
        for domain in ("café.example", "xn--caf-dma.example"):
            self.assertNotIn(self.default, self.from_header(f"Mary <mary@{domain}>"))

    def test_an_invalid_alias_domain_does_not_count(self):
        domain = self.env["mail.alias.domain"].create({"name": "new.example"})
        self.env.cr.execute("UPDATE mail_alias_domain SET name = 'a b' WHERE id = %s", [domain.id])
        self.env.registry.clear_cache()
        self.env.invalidate_all()
        self.assertNotIn("a b", self.env["ir.mail_server"]._alias_domains())

    def test_without_an_alias_domain_everybody_keeps_their_address(self):
        self.server("S")
        self.without_alias_domain()
        self.env["ir.config_parameter"].sudo().set_param("mail.default.from", "robot@relay.example")
        self.assertEqual(self.env["ir.mail_server"]._get_default_from_address(), "robot@relay.example")
        self.assertEqual(self.from_header('"Mary" <mary@customer.example>'), '"Mary" <mary@customer.example>')

    def test_a_default_from_elsewhere_lets_colleagues_keep_their_address(self):
        self.server("S")
        self.mail_alias_domain.default_from = "robot@relay.example"
        self.assertEqual(self.from_header('"Mary" <mary@test.mycompany.com>'), '"Mary" <mary@test.mycompany.com>')
        self.assertEqual(self.from_header('"Mary" <mary@relay.example>'), '"Mary" <robot@relay.example>')

    def test_bounces_never_go_to_an_encapsulated_author(self):
        self.server("S")
        self.company_2.alias_domain_id = False
        servers = self.env["ir.mail_server"].with_company(self.company_2)
        self.patch(type(servers), "_get_default_bounce_address", lambda _servers: None)
        self.patch(type(servers), "_get_default_from_address", lambda _servers: "robot@relay.example")
        mail = self.mail('"Mary" <mary@customer.example>').with_company(self.company_2)
        self.assertEqual(self.send(mail)[0][1:], ('"Mary" <robot@relay.example>', "robot@relay.example"))

    def test_a_server_without_a_filter_says_which_domains_count(self):
        server = self.server("S")
        self.assertIn("test.mycompany.com", server.without_filter)
        self.assertIn("test.mycompany2.com", server.without_filter)
        server.from_filter = "x.example"
        self.assertFalse(server.without_filter)
        server.from_filter = " , "
        self.assertTrue(server.without_filter)

    def test_only_the_first_of_many_domains_are_named(self):
        self.env["mail.alias.domain"].create([{"name": f"d{number:03}.example"} for number in range(100)])
        words = self.server("S").without_filter
        self.assertRegex(words, r"test\.mycompany\.com.* and \d+ more")
        self.assertLess(len(words), 300)

    def test_without_an_alias_domain_a_server_says_that_everybody_keeps_their_address(self):
        server = self.server("S")
        self.without_alias_domain()
        server.invalidate_recordset()
        self.assertEqual(server.without_filter, "There is no alias domain, so every author keeps their address.")

    def test_email_marketing_gets_the_same_answer_about_a_server(self):
        server = self.server("S")
        self.assertTrue(server._match_from_filter("mary@test.mycompany.com", server.from_filter))
        self.assertFalse(server._match_from_filter("mary@customer.example", server.from_filter))

    def test_the_filter_or_the_alias_domains_that_counted_are_recorded(self):
        server = self.server("S")
        for from_filter, expected in (
            (False, r"^None, so the alias domains apply: .*test\.mycompany\.com"),
            ("a.example, b.example", r"^a\.example, b\.example$"),
        ):
            server.from_filter = from_filter
            self.send(self.mail())
            self.assertRegex(self._written[-1]["from_filter"], expected)


class TestAuthorsNames(OutgoingCommon):
    """Names of authors and recipients, and how they arrive in the recipient's mailbox."""

    def sent(self, author, **values):
        """Return the only message of an e-mail, parsed."""
        mail = self.mail(author, **values)
        with self.mock_smtplib_connection():
            mail.send()
        self.assertEqual(mail.state, "sent", mail.failure_reason)
        [sent] = self.emails
        return message_from_string(sent["message"], policy=policy.default), sent

    def test_a_name_that_contains_an_address_is_replaced_by_the_local_part(self):
        self.server("S", "test.mycompany.com")
        for name in (
            "mary@customer.example",
            "Mary (mary@customer.example)",
            "mary@other.example via Shop",
            "=?utf-8?q?mary=40customer.example?=",
            "mary\uff20customer.example",
        ):
            with self.subTest(name=name):
                message, _sent = self.sent(f'"{name}" <mary.smith@customer.example>')
                [address] = message["From"].addresses
                self.assertEqual((address.display_name, address.addr_spec), ("mary.smith", self.default))

    def test_a_contact_named_by_their_address_is_called_by_the_local_part(self):
        self.server("S", "test.mycompany.com")
        author = self.env["res.partner"].create({"name": "john@customer.example", "email": "john@customer.example"})
        message, _sent = self.sent(author.email_formatted)
        self.assertEqual(str(message["From"]), f"john <{self.default}>")

    def test_an_author_who_keeps_their_address_keeps_their_name(self):
        self.server("S")
        message, _sent = self.sent('"mary@test.mycompany.com" <mary@test.mycompany.com>')
        self.assertEqual(message["From"].addresses[0].display_name, "mary@test.mycompany.com")

    def test_the_chosen_from_is_the_one_that_is_sent(self):
        self.server("S", "test.mycompany.com")
        for author in (
            '" " <a@customer.example>',
            '"a@b.example" <c@customer.example>',
            '"A\u202eB" <d@customer.example>',
        ):
            with self.subTest(author=author):
                message, _sent = self.sent(author)
                selection = self.env["ir.mail_server"]._selection_of(author)
                chosen = select(author, [OutgoingServer(1, "test.mycompany.com")], self.default)
                self.assertEqual(str(message["From"]).replace('"', ""), chosen.header_from.replace('"', ""))
                self.assertEqual(selection.author, author)

    def test_no_name_of_an_author_adds_a_header_or_prevents_sending(self):
        for from_filter in (False, "test.mycompany.com"):
            self.env["ir.mail_server"].search([]).unlink()
            self.server("S", from_filter)
            for name in (
                "a\nBcc: x@y.example",
                "a\r\nX-Evil: yes",
                "a\x0bb",
                "a\u2028b",
                "a\x00b".replace("\0", "\x01"),
            ):
                for address in ("mary@test.mycompany.com", "mary@customer.example"):
                    with self.subTest(from_filter=from_filter, name=name, address=address):
                        message, sent = self.sent(f'"{name}" <{address}>')
                        self.assertFalse({"Bcc", "X-Evil"} & set(message.keys()))
                        self.assertEqual(sent["smtp_to_list"], ["mary@customer.example"])

    def test_no_name_of_a_recipient_adds_a_header(self):
        self.server("S")
        reader = self.env["res.partner"].create({"name": "a\nX-Evil: yes", "email": "reader@customer.example"})
        message, sent = self.sent("Mary <mary@test.mycompany.com>", email_to=False, recipient_ids=reader.ids)
        self.assertNotIn("X-Evil", message)
        self.assertEqual(sent["smtp_to_list"], ["reader@customer.example"])

    def test_a_message_is_built_from_named_parameters_as_core_passes_them(self):
        self.server("S")
        mail = self.mail(email_cc="Joe <joe@customer.example>")
        with self.mock_mail_gateway():
            mail.send()
        self.assertEqual(mail.state, "sent", mail.failure_reason)
        self.assertTrue(self._mails)

    def test_a_carriage_return_in_a_name_does_not_change_the_author(self):
        self.server("S")
        author = self.env["res.partner"].create(
            {"name": "x\rboss@test.mycompany.com,\r", "email": "mary@customer.example"}
        )
        message = author.message_post(body="Hello", author_id=author.id, email_from=author.email_formatted)
        self.assertIn("<mary@customer.example>", message.email_from)
        mail = self.mail(author.email_formatted)
        self.assertEqual(self.send(mail)[0][1], f'"mary" <{self.default}>')
        mail.write({"email_from": author.email_formatted})
        mail.invalidate_recordset()
        self.assertEqual(email_normalize(mail.email_from), "mary@customer.example")


class TestTraffic(OutgoingCommon):
    def setUp(self):
        super().setUp()
        self.transactional = self.server("Transactional", traffic="transactional", sequence=1)
        self.mass = self.server("Mass", traffic="mass", sequence=2)

    def test_a_message_with_precedence_bulk_is_mass_mail(self):
        for headers, traffic in (
            ({"Precedence": "bulk"}, "mass"),
            ({"precedence": "BULK"}, "mass"),
            ({"Precedence": "list"}, "transactional"),
            ({}, "transactional"),
        ):
            with self.subTest(headers=headers):
                self.assertEqual(self.mail(headers=repr(headers)).traffic, traffic)

    def test_a_message_with_unreadable_headers_is_not_mass_mail(self):
        for headers in ("Precedence: bulk", "{", "[1]", "__import__('os')"):
            self.assertEqual(self.mail(headers=headers).traffic, "transactional")

    def test_a_message_written_to_several_records_at_once_is_mass_mail(self):
        partners = self.env["res.partner"].create([{"name": n, "email": f"{n}@customer.example"} for n in ("a", "b")])
        composer = self.env["mail.compose.message"].create(
            {
                "composition_mode": "mass_mail",
                "model": "res.partner",
                "res_ids": partners.ids,
                "subject": "News",
                "body": "<p>Hello</p>",
                "force_send": False,
            }
        )
        before = self.env["mail.mail"].search([])
        composer._action_send_mail()
        self.assertEqual((self.env["mail.mail"].search([]) - before).mapped("traffic"), ["mass", "mass"])

    def test_a_message_that_a_program_sends_for_a_record_is_not_mass_mail(self):
        model = self.env["ir.model"]._get_id("res.partner")
        template = self.env["mail.template"].create(
            {
                "name": "T",
                "model_id": model,
                "email_to": "a@customer.example",
                "subject": "Done",
                "body_html": "<p>Done</p>",
            }
        )
        before = self.env["mail.mail"].search([])
        self.env["res.partner"].create([{"name": "A"}, {"name": "B"}]).message_mail_with_source(template)
        self.assertEqual((self.env["mail.mail"].search([]) - before).mapped("traffic"), ["transactional"] * 2)

    def test_each_kind_of_mail_leaves_through_its_server(self):
        sent = self.send(self.mail(), self.mail(headers="{'Precedence': 'bulk'}"))
        self.assertEqual([server for server, *_addresses in sent], [self.transactional.id, self.mass.id])

    def test_both_kinds_of_mail_in_one_run_leave_through_their_servers(self):
        mails = self.mail(headers="{'Precedence': 'bulk'}") + self.mail()
        with self.mock_smtplib_connection():
            mails.send()
        self.assertEqual(
            {row["mail_mail_id"]: row["mail_server_id"] for row in self._written},
            dict(zip(mails.ids, (self.mass.id, self.transactional.id), strict=True)),
        )

    def test_mass_mail_queued_before_the_installation_is_recognized(self):
        mail = self.mail(headers="{'Precedence': 'bulk'}")
        mail.traffic = False
        self.assertEqual(self.send(mail)[0][0], self.mass.id)

    def test_a_server_for_the_other_kind_is_passed_over_even_when_the_message_names_it(self):
        mail = self.mail(headers="{'Precedence': 'bulk'}", mail_server_id=self.transactional.id)
        self.assertEqual(self.send(mail)[0][0], self.mass.id)
        self.assertIn("Transactional: It sends transactional mail only.", self._written[-1]["passed_over"])

    def test_mass_mail_without_a_server_of_its_kind_leaves_only_by_odoo_bin(self):
        self.mass.active = False
        with patch.dict(config.options, {"smtp_server": "localhost"}):
            self.assertFalse(self.send(self.mail(headers="{'Precedence': 'bulk'}"))[0][0])

    def test_the_dedicated_server_of_email_marketing_carries_mass_mail(self):
        parameters = self.env["ir.config_parameter"].sudo()
        with self.assertRaisesRegex(ValidationError, "dedicated server of Email Marketing"):
            parameters.set_param("mass_mailing.mail_server_id", self.transactional.id)
        parameters.set_param("mass_mailing.mail_server_id", self.mass.id)
        with self.assertRaisesRegex(ValidationError, "“Mass” is the dedicated server of Email Marketing"):
            self.mass.traffic = "transactional"
        self.mass.traffic = "any"
