from odoo.exceptions import AccessError
from odoo.tests import Form, tagged

from odoo.addons.mail_gateway.tests.wizards.explain_common import BOUNCE, CATCHALL, DOMAIN, NOTIFICATIONS, ExplainCommon

MALFORMED = ("foo", "foo@", "@bar", "<", '"', "(", "foo <bar", "x@-bad-", "a@b@c", "\x00@x", ",", "<>", "@", ";", "\n")


@tagged("post_install", "-at_install")
class TestExplainServer(ExplainCommon):
    """The server that sends, and the reasons why others do not."""

    def test_the_chosen_server_is_shown_with_the_reasons_against_the_others(self):
        own, anything = self.server("Own", DOMAIN, sequence=20), self.server("Anything", sequence=10)
        answer = self.explain(f"Sales <sales@{DOMAIN}>")
        self.assertEqual((answer.server_name, answer.step), ("Own", "Its filter contains the author's domain."))
        self.assertEqual(answer.line_ids.mapped("name"), ["Anything", "Own"])
        self.assertEqual(answer.line_ids.mapped("is_chosen"), [False, True])
        self.assertIn("the filter of another server matches the author", self.line(answer, anything).reason)
        self.assertEqual(self.line(answer, own).reason, answer.step)

    def test_the_kind_of_mail_decides_about_the_server(self):
        mass, transactional = self.server("Mass", traffic="mass"), self.server("Other", traffic="transactional")
        answers = {kind: self.explain(traffic=kind) for kind in ("mass", "transactional")}
        self.assertEqual([answers[kind].server_name for kind in answers], ["Mass", "Other"])
        self.assertEqual(self.line(answers["mass"], transactional).reason, "It sends transactional mail only.")
        self.assertEqual(self.line(answers["transactional"], mass).reason, "It sends mass mail only.")

    def test_a_server_that_the_message_names_sends_it(self):
        self.server("Own", DOMAIN)
        named = self.server("Named", "elsewhere.example")
        answer = self.explain(f"Sales <sales@{DOMAIN}>", named_server=str(named.id))
        self.assertEqual((answer.server_name, answer.from_after), ("Named", f"Sales <{NOTIFICATIONS}>"))
        self.assertIn("The filter of this server (elsewhere.example) does not match the From", answer.warnings)

    def test_an_archived_server_is_listed_with_its_reason(self):
        archived = self.server("Old", DOMAIN, active=False)
        answer = self.explain()
        self.assertEqual(self.line(answer, archived).reason, "It is archived.")

    def test_without_a_server_the_filter_of_odoo_bin_is_shown(self):
        self.env["ir.config_parameter"].set_param("mail.default.from_filter", f"{DOMAIN}, other.example")
        answer = self.explain()
        self.assertTrue(answer.uses_odoo_bin)
        self.assertEqual(answer.odoo_bin_filter, f"{DOMAIN}, other.example")
        self.assertEqual((answer.server_name, answer.from_after), ("Settings of odoo-bin", f"Sales <{NOTIFICATIONS}>"))

    def test_the_alias_domains_that_replace_a_missing_filter_are_named(self):
        anything = self.server("Anything")
        for author, sent in (
            (f"Mary <mary@{DOMAIN}>", f"Mary <mary@{DOMAIN}>"),
            ("Mary <mary@customer.example>", f"Mary <{NOTIFICATIONS}>"),
        ):
            answer = self.explain(author)
            self.assertEqual((answer.server_name, answer.from_after, answer.return_path), ("Anything", sent, BOUNCE))
            self.assertIn(DOMAIN, answer.without_filter)
            self.assertFalse(answer.warnings or answer.remarks)
        anything.active = False
        self.assertIn(DOMAIN, self.explain().without_filter)  # the settings of odoo-bin have no filter either
        self.server("Own", DOMAIN)
        self.assertFalse(self.explain().without_filter)

    def test_a_remark_names_the_personal_server_that_would_serve_its_owner(self):
        owner = self.user("mary")
        own = self.server("Mary's", owner.email, owner_user_id=owner.id)
        self.server("Shared", DOMAIN)
        answer = self.explain(owner.email_formatted)
        self.assertEqual(answer.server_name, "Shared")
        self.assertIn("It belongs to a user", self.line(answer, own).reason)
        self.assertIn("If Mary writes it, their personal server sends it: “Mary's”.", answer.remarks)

    def test_a_remark_says_that_a_disabled_personal_server_sends_nothing(self):
        self.env["ir.config_parameter"].set_param("mail.disable_personal_mail_servers", "True")
        owner = self.user("mary")
        self.server("Mary's", owner.email, owner_user_id=owner.id)
        self.assertIn("would not send this message even if Mary wrote it", self.explain(owner.email_formatted).remarks)

    def test_personal_servers_of_others_are_not_mentioned(self):
        owner = self.user("mary")
        self.server("Mary's", owner.email, owner_user_id=owner.id)
        self.assertFalse(self.explain(f"sales@{DOMAIN}").remarks)

    def test_the_answer_equals_the_server_that_core_finds(self):
        self.server("Elsewhere", "elsewhere.example")
        self.server("Default", NOTIFICATIONS)
        self.server("Customer", "customer.example")
        for author in ("Sales <sales@customer.example>", f"me@{DOMAIN}", "Anna <anna@third.example>"):
            server, _smtp_from = self.env["ir.mail_server"]._find_mail_server(author)
            self.assertEqual(self.explain(author).server_name, server.name)


@tagged("post_install", "-at_install")
class TestExplainAddresses(ExplainCommon):
    """The addresses under which a message is sent."""

    def test_an_author_elsewhere_is_encapsulated(self):
        self.server("Own", DOMAIN)
        answer = self.explain()
        self.assertEqual(answer.from_after, f"Sales <{NOTIFICATIONS}>")
        self.assertEqual((answer.return_path, answer.default_from), (BOUNCE, NOTIFICATIONS))
        self.assertIn(CATCHALL, answer.reply_to)
        self.assertFalse(answer.warnings or answer.remarks)

    def test_a_remark_names_a_bounce_address_that_the_filter_does_not_match(self):
        self.server("Own", NOTIFICATIONS)
        answer = self.explain()
        self.assertEqual(answer.return_path, NOTIFICATIONS)
        self.assertIn(f"does not match the bounce address {BOUNCE}", answer.remarks)

    def test_the_chosen_company_counts(self):
        other = self.env["res.company"].create({"name": "Other"})
        other.alias_domain_id = self.env["mail.alias.domain"].create({"name": "other.example", "default_from": "hello"})
        self.postmaster.company_ids |= other
        self.server("Any")
        answer = self.explain(company_id=other.id)
        self.assertEqual(answer.from_after, "Sales <hello@other.example>")
        self.assertEqual(answer.return_path, other.bounce_email)
        self.assertIn(other.catchall_email, answer.reply_to)

    def test_the_company_of_the_record_takes_precedence(self):
        other = self.env["res.company"].create({"name": "Other"})
        other.alias_domain_id = self.env["mail.alias.domain"].create({"name": "other.example", "default_from": "hello"})
        self.postmaster.company_ids |= other
        self.server("Any")
        record = self.env["res.partner"].create({"name": "Reader", "company_id": other.id})
        answer = self.explain(
            record=f"res.partner,{record.id}",
            user=self.postmaster.with_context(allowed_company_ids=self.postmaster.company_ids.ids),
        )
        self.assertEqual(answer.from_after, "Sales <hello@other.example>")
        self.assertIn("The company of the record applies: Other", answer.remarks)

    def test_the_alias_of_a_record_takes_the_replies(self):
        record = self.env["res.partner"].create({"name": "Reader"})
        model = self.env["ir.model"]._get_id("res.partner")
        self.env["mail.alias"].create(
            {
                "alias_name": "reader",
                "alias_model_id": model,
                "alias_domain_id": self.company.alias_domain_id.id,
                "alias_parent_model_id": model,
                "alias_parent_thread_id": record.id,
            }
        )
        self.assertIn(f"reader@{DOMAIN}", self.explain(record=f"res.partner,{record.id}").reply_to)

    def test_a_record_that_the_user_may_not_read_is_left_out(self):
        record = self.env["res.partner"].create(
            {"name": "Hidden", "company_id": self.env["res.company"].create({"name": "Closed"}).id}
        )
        answer = self.explain(record=f"res.partner,{record.id}")
        self.assertIn("You may not read this record", answer.warnings)
        self.assertEqual(answer.from_after, f"Sales <{NOTIFICATIONS}>")

    def test_the_default_from_replaces_an_empty_from(self):
        answer = self.explain(False)
        self.assertEqual(answer.from_after, NOTIFICATIONS)
        self.assertIn("The default From replaces an empty From", answer.remarks)

    def test_the_first_of_several_addresses_counts(self):
        self.server("Own", "customer.example")
        answer = self.explain("Mary <mary@customer.example>, joe@other.example")
        self.assertEqual(answer.server_name, "Own")
        self.assertIn("The first of several addresses applies", answer.remarks)

    def test_an_invalid_address_is_explained(self):
        self.server("Any")
        for author in MALFORMED:
            with self.subTest(author=author):
                answer = self.explain(author)
                self.assertTrue(answer.step)
                if author.strip():
                    self.assertIn("contains no valid e-mail address", answer.warnings)

    def test_a_message_without_a_valid_from_is_predicted_to_fail(self):
        self.company.alias_domain_id = False
        self.env["ir.config_parameter"].search([("key", "in", ("mail.default.from", "mail.catchall.domain"))]).unlink()
        answer = self.explain("foo")
        self.assertIn("Sending a message with this From would fail", answer.warnings)
        self.assertIn("There is no default From", answer.warnings)
        self.assertFalse(answer.from_after)

    def test_the_explanation_agrees_with_the_message_that_is_sent(self):
        self.server("Own", DOMAIN)
        for author in (
            "Sales <sales@customer.example>",
            f'"Müller, Jürgen" <jm@{DOMAIN}>',
            "plain@customer.example",
            '"sales@customer.example" <sales@customer.example>',
            '"Sales\nX-Evil: yes" <sales@customer.example>',
            '"  " <sales@customer.example>',
        ):
            mail = self.env["mail.mail"].create(
                {
                    "email_from": author,
                    "email_to": "reader@customer.example",
                    "body_html": "<p>Ten</p>",
                    "subject": "Chairs",
                }
            )
            with self.mock_smtplib_connection():
                mail.send()
            [sent] = self.emails
            answer = self.explain(author)
            self.assertEqual(answer.from_after.replace('"', ""), sent["msg_from"].replace('"', ""))
            self.assertEqual(answer.return_path, sent["smtp_from"])


@tagged("post_install", "-at_install")
class TestExplainDialog(ExplainCommon):
    """The dialog itself, and the users who may open it."""

    def test_the_dialog_answers_at_once_and_leaves_nothing_behind(self):
        own = self.server("Own", DOMAIN)
        mails, messages = self.env["mail.mail"].search_count([]), self.env["mail.message"].search_count([])
        form = Form(self.env["mail.outgoing.explain"].with_user(self.postmaster))
        self.assertEqual(form.email_from, self.postmaster.email_formatted)
        self.assertEqual((form.server_name, form.from_after), (own.name, f"Postmaster <postmaster@{DOMAIN}>"))
        form.email_from = "Mary <mary@customer.example>"
        self.assertEqual(form.from_after, f"Mary <{NOTIFICATIONS}>")
        self.env.flush_all()
        self.assertFalse(self.env["mail.outgoing.explain"].search_count([]))
        self.assertFalse(self.env["mail.outgoing.explain.line"].search_count([]))
        self.assertEqual(self.env["mail.mail"].search_count([]), mails)
        self.assertEqual(self.env["mail.message"].search_count([]), messages)

    def test_no_two_entries_of_the_discuss_menu_share_a_position(self):
        names = "inbound_message", "outgoing_selection", "outgoing_explain", "former_address"
        places = [self.env.ref(f"mail_gateway.mail_{name}_discuss_menu").sequence for name in names]
        self.assertEqual(places, sorted(set(places)))

    def test_an_ordinary_user_may_not_open_the_dialog(self):
        with self.assertRaises(AccessError):
            Form(self.env["mail.outgoing.explain"].with_user(self.user("clerk")))

    def test_the_fields_of_the_dialog_reveal_names_of_servers_only_to_postmasters(self):
        server = self.server("Own", DOMAIN)
        choice = (str(server.id), "Own")
        portal = self.user("customer", "base.group_portal")
        for user, expected in ((portal, []), (self.user("clerk"), []), (self.postmaster, [choice])):
            fields = self.env["mail.outgoing.explain"].with_user(user).fields_get(["named_server"])
            self.assertEqual(fields["named_server"]["selection"], expected)

    def test_a_postmaster_sees_names_and_filters_but_cannot_read_servers(self):
        server = self.server("Own", DOMAIN, smtp_user="secret-user", smtp_pass="secret-word")
        answer = self.explain()
        self.assertEqual(self.line(answer, server).from_filter, DOMAIN)
        shown = str([answer.read()] if answer.id else [answer[name] for name in answer._fields])
        self.assertNotIn("secret", shown + str([line[name] for line in answer.line_ids for name in line._fields]))
        with self.assertRaises(AccessError):
            server.with_user(self.postmaster).read(["name"])

    def test_a_server_opens_the_dialog_with_a_from_of_its_filter(self):
        self.server("Any", sequence=1)
        mass = self.server("Mass", f"news@{DOMAIN}", traffic="mass")
        action = mass.action_explain_outgoing()
        form = Form(self.env["mail.outgoing.explain"].with_context(**action["context"]))
        self.assertEqual((form.email_from, form.traffic, form.server_name), (f"news@{DOMAIN}", "mass", "Mass"))

    def test_a_server_opens_the_dialog_for_the_company_whose_default_from_it_sends(self):
        other = self.env["res.company"].create({"name": "Other"})
        other.alias_domain_id = self.env["mail.alias.domain"].create({"name": "other.example"})
        self.env.user.company_ids |= other
        context = self.server("Other's", "other.example").action_explain_outgoing()["context"]
        self.assertEqual(context["default_company_id"], other.id)

    def test_a_server_without_a_filter_opens_the_dialog_for_a_user_without_an_address(self):
        self.env.user.email = False
        self.assertEqual(self.server("Any").action_explain_outgoing()["context"]["default_email_from"], "")
