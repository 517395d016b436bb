from unittest.mock import patch

from odoo.exceptions import ValidationError
from odoo.tools import config

from odoo.addons.mail_gateway.tests.common import OutgoingCommon


class TestFilters(OutgoingCommon):
    def test_a_bad_entry_is_refused_by_name(self):
        for bad in ("*.mycompany.com", "sales@", "my company.com", "@mycompany.com", "sales@@mycompany.com"):
            with self.subTest(bad=bad), self.assertRaisesRegex(ValidationError, "neither a domain nor an e-mail address"):
                self.server("S", f"mycompany.com, {bad}")

    def test_the_message_names_what_is_wrong_and_where(self):
        with self.assertRaises(ValidationError) as caught:
            self.server("Post Office", "mycompany.com, *.x.com, a b")
        self.assertIn("Post Office", str(caught.exception))
        self.assertIn("“*.x.com”, “a b”", str(caught.exception))

    def test_domains_and_addresses_are_fine(self):
        for fine in (False, "", " , ", "mycompany.com", " A@MyCompany.com ,b.com", "café.example", "xn--caf-dma.example"):
            with self.subTest(fine=fine):
                self.assertFalse(self.server("S", fine).from_filter_problem)

    def test_a_bad_entry_from_earlier_days_is_shown_and_stops_nothing(self):
        server = self.server("S")
        self.env.cr.execute("UPDATE ir_mail_server SET from_filter = '*.mycompany.com' WHERE id = %s", [server.id])
        server.invalidate_recordset()
        self.assertIn("“*.mycompany.com”", server.from_filter_problem)
        server.write({"name": "Renamed"})
        self.assertEqual(self.send(self.mail()), [(server.id, f'"Admin" <{self.default}>', self.default)])


class TestSending(OutgoingCommon):
    def test_a_server_without_filter_comes_before_that_of_the_default_from(self):
        self.server("Notifications", self.default, sequence=1)
        everyone = self.server("Everyone", sequence=2)
        self.assertEqual(self.send(self.mail()), [(everyone.id, f'"Admin" <{self.default}>', self.bounce)])

    def test_priority_10_comes_before_20(self):
        self.server("Later", "example.com", sequence=20)
        first = self.server("First", "example.com", sequence=10)
        self.assertEqual(self.send(self.mail()), [(first.id, '"Admin" <admin@example.com>', "admin@example.com")])

    def test_the_server_that_the_message_names_follows_its_own_filter(self):
        self.server("Own", "example.com")
        for from_filter, sender in (
            ("test.mycompany.com", self.default),
            (self.default, self.default),
            (False, self.default),
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

    def test_through_another_companys_server_its_bounce_address_takes_the_bounces(self):
        self.server("Second company", "test.mycompany2.com")
        mail = self.mail("clerk@test.mycompany2.com", record_alias_domain_id=self.mail_alias_domain.id)
        self.assertEqual(self.send(mail)[0][2], self.mail_alias_domain_c2.bounce_email)

    def test_international_domains_are_compared_as_they_are_meant(self):
        server = self.server("S", "café.example")
        self.server("Everyone")
        [(server_id, _header, envelope)] = self.send(self.mail("clerk@xn--caf-dma.example"))
        self.assertEqual((server_id, envelope), (server.id, "clerk@xn--caf-dma.example"))

    def test_an_alias_domain_without_a_default_from_borrows_none(self):
        self.server("S", "test.mycompany2.com, test.mycompany.com")
        self.mail_alias_domain_c2.default_from = False
        mail = self.mail('"Clerk" <clerk@customer.example>', record_alias_domain_id=self.mail_alias_domain_c2.id)
        self.assertEqual(self.send(mail)[0][1], '"Clerk" <clerk@customer.example>')

    def test_bounces_of_a_company_without_an_alias_domain_go_to_the_parameters_address(self):
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

    def test_a_local_part_alone_is_no_default_from(self):
        self.env["res.company"].search([]).alias_domain_id = False
        self.assertFalse(self.env["ir.mail_server"]._get_default_from_address())


class TestTraffic(OutgoingCommon):
    def setUp(self):
        super().setUp()
        self.transactional = self.server("Transactional", traffic="transactional", sequence=1)
        self.mass = self.server("Mass", traffic="mass", sequence=2)

    def test_what_says_bulk_is_mass_mail(self):
        for headers, traffic in (
            ({"Precedence": "bulk"}, "mass"),
            ({"precedence": "BULK"}, "mass"),
            ({"Precedence": "list"}, "transactional"),
            ({}, "transactional"),
        ):
            with self.subTest(headers=headers):
                self.assertEqual(self.mail(headers=repr(headers)).traffic, traffic)

    def test_headers_that_cannot_be_read_make_no_mass_mail(self):
        for headers in ("Precedence: bulk", "{", "[1]", "__import__('os')"):
            self.assertEqual(self.mail(headers=headers).traffic, "transactional")

    def test_what_is_written_to_many_records_at_once_is_mass_mail(self):
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

    def test_a_message_that_a_program_sends_for_a_record_is_no_mass_mail(self):
        model = self.env["ir.model"]._get_id("res.partner")
        template = self.env["mail.template"].create(
            {"name": "T", "model_id": model, "email_to": "a@customer.example", "subject": "Done", "body_html": "<p>Done</p>"}
        )
        before = self.env["mail.mail"].search([])
        self.env["res.partner"].create([{"name": "A"}, {"name": "B"}]).message_mail_with_source(template)
        self.assertEqual((self.env["mail.mail"].search([]) - before).mapped("traffic"), ["transactional"] * 2)

    def test_each_kind_leaves_through_its_server(self):
        sent = self.send(self.mail(), self.mail(headers="{'Precedence': 'bulk'}"))
        self.assertEqual([server for server, *_addresses in sent], [self.transactional.id, self.mass.id])

    def test_both_kinds_in_one_run_leave_through_their_servers(self):
        mails = self.mail(headers="{'Precedence': 'bulk'}") + self.mail()
        with self.mock_smtplib_connection():
            mails.send()
        self.assertEqual(
            {row["mail_mail_id"]: row["mail_server_id"] for row in self._written},
            dict(zip(mails.ids, (self.mass.id, self.transactional.id), strict=True)),
        )

    def test_what_was_queued_before_the_addon_was_installed_is_told_apart_too(self):
        mail = self.mail(headers="{'Precedence': 'bulk'}")
        mail.traffic = False
        self.assertEqual(self.send(mail)[0][0], self.mass.id)

    def test_a_server_for_the_other_kind_is_passed_over_even_when_the_message_names_it(self):
        mail = self.mail(headers="{'Precedence': 'bulk'}", mail_server_id=self.transactional.id)
        self.assertEqual(self.send(mail)[0][0], self.mass.id)
        self.assertIn("Transactional: It carries transactional mail only.", self._written[-1]["passed_over"])

    def test_mass_mail_without_a_server_of_its_kind_leaves_by_odoo_bin_and_through_no_other(self):
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
