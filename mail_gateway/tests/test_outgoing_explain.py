from odoo.exceptions import AccessError
from odoo.tests import Form, tagged

from odoo.addons.mail.tests.common import MailCommon
from odoo.addons.mail.tools.discuss import Store
from odoo.addons.mail_gateway.tools.server_selection import Step

DOMAIN = "mycompany.example"
NOTIFICATIONS, BOUNCE, CATCHALL = f"notifications@{DOMAIN}", f"bounce@{DOMAIN}", f"catchall@{DOMAIN}"
MALFORMED = ("foo", "foo@", "@bar", "<", '"', "(", "foo <bar", "x@-bad-", "a@b@c", "\x00@x", ",", "<>", "@", ";", "\n")


class ExplainCommon(MailCommon):
    """A company with the domain mycompany.example and no server but those of the test."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env["ir.mail_server"].search([]).unlink()
        cls.company = cls.env.company
        cls.company.alias_domain_id = cls.env["mail.alias.domain"].create(
            {"name": DOMAIN, "bounce_alias": "bounce", "catchall_alias": "catchall", "default_from": "notifications"}
        )
        cls.postmaster = cls.user("postmaster", "base.group_user,mail_gateway.group_postmaster")

    @classmethod
    def user(cls, login, groups="base.group_user", **values):
        """A user with these groups; further values go to the record."""
        groups = [cls.env.ref(name).id for name in groups.split(",")]
        users = cls.env["res.users"].with_context(no_reset_password=True)
        return users.create(
            {
                "name": login.title(),
                "login": login,
                "email": f"{login}@{DOMAIN}",
                "group_ids": [(6, 0, groups)],
                **values,
            }
        )

    @classmethod
    def server(cls, name, from_filter="", **values):
        """An outgoing server."""
        return cls.env["ir.mail_server"].create(
            {"name": name, "smtp_host": "127.0.0.1", "from_filter": from_filter, **values}
        )

    def explain(self, email_from="Sales <sales@customer.example>", user=None, **values):
        """The answer, as the dialog shows it."""
        wizards = self.env["mail.outgoing.explain"].with_user(user or self.postmaster)
        return wizards.new({**wizards.default_get(list(wizards._fields)), "email_from": email_from, **values})

    def line(self, answer, server):
        """The line about one server."""
        [line] = answer.line_ids.filtered(lambda line: line.name == server.name)
        return line


@tagged("post_install", "-at_install")
class TestExplainServer(ExplainCommon):
    """Which server, and why not the others."""

    def test_the_chosen_server_and_why_the_others_are_not(self):
        own, anything = self.server("Own", DOMAIN, sequence=20), self.server("Anything", sequence=10)
        answer = self.explain(f"Sales <sales@{DOMAIN}>")
        self.assertEqual((answer.server_name, answer.step), ("Own", "Its filter names the domain of the author."))
        self.assertEqual(answer.line_ids.mapped("name"), ["Anything", "Own"])
        self.assertEqual(answer.line_ids.mapped("is_chosen"), [False, True])
        self.assertIn("the filter of another names the author", self.line(answer, anything).reason)
        self.assertEqual(self.line(answer, own).reason, answer.step)

    def test_the_kind_of_mail_counts(self):
        mass, transactional = self.server("Mass", traffic="mass"), self.server("Other", traffic="transactional")
        answers = {kind: self.explain(traffic=kind) for kind in ("mass", "transactional")}
        self.assertEqual([answers[kind].server_name for kind in answers], ["Mass", "Other"])
        self.assertEqual(self.line(answers["mass"], transactional).reason, "It carries transactional mail only.")
        self.assertEqual(self.line(answers["transactional"], mass).reason, "It carries mass mail only.")

    def test_a_server_that_the_message_names_sends_it(self):
        self.server("Own", DOMAIN)
        named = self.server("Named", "elsewhere.example")
        answer = self.explain(f"Sales <sales@{DOMAIN}>", named_server=str(named.id))
        self.assertEqual((answer.server_name, answer.from_after), ("Named", f"Sales <{NOTIFICATIONS}>"))
        self.assertIn("The filter of what sends (elsewhere.example) does not name the From", answer.warnings)

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

    def test_a_personal_server_serves_its_owner(self):
        owner = self.user("mary")
        own = self.server("Mary's", owner.email, owner_user_id=owner.id)
        self.server("Shared", DOMAIN)
        answer = self.explain(owner.email_formatted)
        self.assertEqual(answer.server_name, "Shared")
        self.assertIn("It belongs to a user", self.line(answer, own).reason)
        self.assertIn("If Mary writes it, it leaves through their own server, “Mary's”.", answer.remarks)

    def test_a_personal_server_that_is_switched_off_is_said_to_send_nothing(self):
        self.env["ir.config_parameter"].set_param("mail.disable_personal_mail_servers", "True")
        owner = self.user("mary")
        self.server("Mary's", owner.email, owner_user_id=owner.id)
        self.assertIn("would not send it even if Mary wrote it", self.explain(owner.email_formatted).remarks)

    def test_nothing_is_said_about_the_personal_servers_of_others(self):
        owner = self.user("mary")
        self.server("Mary's", owner.email, owner_user_id=owner.id)
        self.assertFalse(self.explain(f"sales@{DOMAIN}").remarks)

    def test_the_answer_is_what_core_asks_for_when_it_sends(self):
        self.server("Elsewhere", "elsewhere.example")
        self.server("Default", NOTIFICATIONS)
        self.server("Customer", "customer.example")
        for author in ("Sales <sales@customer.example>", f"me@{DOMAIN}", "Anna <anna@third.example>"):
            server, _smtp_from = self.env["ir.mail_server"]._find_mail_server(author)
            self.assertEqual(self.explain(author).server_name, server.name)


@tagged("post_install", "-at_install")
class TestExplainAddresses(ExplainCommon):
    """The addresses that a message leaves with."""

    def test_an_author_elsewhere_is_encapsulated(self):
        self.server("Own", DOMAIN)
        answer = self.explain()
        self.assertEqual(answer.from_after, f"Sales <{NOTIFICATIONS}>")
        self.assertEqual((answer.return_path, answer.default_from), (BOUNCE, NOTIFICATIONS))
        self.assertIn(CATCHALL, answer.reply_to)
        self.assertFalse(answer.warnings or answer.remarks)

    def test_a_bounce_address_that_the_filter_does_not_name_is_remarked_upon(self):
        self.server("Own", NOTIFICATIONS)
        answer = self.explain()
        self.assertEqual(answer.return_path, NOTIFICATIONS)
        self.assertIn(f"does not name the bounce address {BOUNCE}", answer.remarks)

    def test_the_company_of_the_question_counts(self):
        other = self.env["res.company"].create({"name": "Other"})
        other.alias_domain_id = self.env["mail.alias.domain"].create({"name": "other.example", "default_from": "hello"})
        self.postmaster.company_ids |= other
        self.server("Any")
        answer = self.explain(company_id=other.id)
        self.assertEqual(answer.from_after, "Sales <hello@other.example>")
        self.assertEqual(answer.return_path, other.bounce_email)
        self.assertIn(other.catchall_email, answer.reply_to)

    def test_the_company_of_the_record_wins(self):
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
        self.assertIn("The company of the record counts: Other", answer.remarks)

    def test_a_records_alias_takes_the_replies(self):
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

    def test_no_from_means_the_default_from(self):
        answer = self.explain(False)
        self.assertEqual(answer.from_after, NOTIFICATIONS)
        self.assertIn("the default From takes its place", answer.remarks)

    def test_of_several_addresses_the_first_counts(self):
        self.server("Own", "customer.example")
        answer = self.explain("Mary <mary@customer.example>, joe@other.example")
        self.assertEqual(answer.server_name, "Own")
        self.assertIn("Of several addresses the first counts", answer.remarks)

    def test_what_is_no_address_is_explained_in_words(self):
        self.server("Any")
        for author in MALFORMED:
            with self.subTest(author=author):
                answer = self.explain(author)
                self.assertTrue(answer.step)
                if author.strip():
                    self.assertIn("contains no valid e-mail address", answer.warnings)

    def test_what_could_not_leave_is_said_to_fail(self):
        self.company.alias_domain_id = False
        self.env["ir.config_parameter"].search([("key", "in", ("mail.default.from", "mail.catchall.domain"))]).unlink()
        answer = self.explain("foo")
        self.assertIn("it would fail", answer.warnings)
        self.assertIn("There is no default From", answer.warnings)
        self.assertFalse(answer.from_after)

    def test_the_explanation_agrees_with_how_the_message_leaves(self):
        self.server("Own", DOMAIN)
        for author in ("Sales <sales@customer.example>", f'"Müller, Jürgen" <jm@{DOMAIN}>', "plain@customer.example"):
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
    """The dialog itself, and who may open it."""

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

    def test_no_two_entries_of_the_discuss_menu_share_a_place(self):
        names = "inbound_message", "outgoing_selection", "outgoing_explain", "former_address"
        places = [self.env.ref(f"mail_gateway.mail_{name}_discuss_menu").sequence for name in names]
        self.assertEqual(places, sorted(set(places)))

    def test_an_ordinary_user_may_not_ask(self):
        with self.assertRaises(AccessError):
            Form(self.env["mail.outgoing.explain"].with_user(self.user("clerk")))

    def test_nobody_else_is_told_the_names_of_servers_with_the_fields_of_the_dialog(self):
        server = self.server("Own", DOMAIN)
        choice = (str(server.id), "Own")
        portal = self.user("customer", "base.group_portal")
        for user, expected in ((portal, []), (self.user("clerk"), []), (self.postmaster, [choice])):
            fields = self.env["mail.outgoing.explain"].with_user(user).fields_get(["named_server"])
            self.assertEqual(fields["named_server"]["selection"], expected)

    def test_a_postmaster_learns_names_and_filters_but_no_server(self):
        server = self.server("Own", DOMAIN, smtp_user="secret-user", smtp_pass="secret-word")
        answer = self.explain()
        self.assertEqual(self.line(answer, server).from_filter, DOMAIN)
        shown = str([answer.read()] if answer.id else [answer[name] for name in answer._fields])
        self.assertNotIn("secret", shown + str([line[name] for line in answer.line_ids for name in line._fields]))
        with self.assertRaises(AccessError):
            server.with_user(self.postmaster).read(["name"])

    def test_a_server_leads_to_the_dialog_with_a_from_of_its_filter(self):
        self.server("Any", sequence=1)
        mass = self.server("Mass", f"news@{DOMAIN}", traffic="mass")
        action = mass.action_explain_outgoing()
        form = Form(self.env["mail.outgoing.explain"].with_context(**action["context"]))
        self.assertEqual((form.email_from, form.traffic, form.server_name), (f"news@{DOMAIN}", "mass", "Mass"))

    def test_a_server_leads_to_the_company_whose_default_from_it_sends(self):
        other = self.env["res.company"].create({"name": "Other"})
        other.alias_domain_id = self.env["mail.alias.domain"].create({"name": "other.example"})
        self.env.user.company_ids |= other
        context = self.server("Other's", "other.example").action_explain_outgoing()["context"]
        self.assertEqual(context["default_company_id"], other.id)

    def test_a_server_without_filter_of_a_user_without_address_leads_to_the_dialog_too(self):
        self.env.user.email = False
        self.assertEqual(self.server("Any").action_explain_outgoing()["context"]["default_email_from"], "")


@tagged("post_install", "-at_install")
class TestSendingDetails(ExplainCommon):
    """From a chatter message to how its e-mails were sent."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.record = cls.env["res.partner"].create({"name": "Reader", "email": "reader@customer.example"})

    def comment(self):
        """A comment that is e-mailed to the contact."""
        with self.mock_mail_gateway():
            return self.record.message_post(
                body="Ten", message_type="comment", subtype_xmlid="mail.mt_comment", partner_ids=self.record.ids
            )

    def row(self, message):
        """How an e-mail of this message was sent."""
        return self.env["mail.outgoing.selection"].create(
            {"mail_message_id": message.id, "server_name": "Own", "step": Step.DOMAIN.value, "traffic": "transactional"}
        )

    def note(self):
        """A message that no one was told by e-mail."""
        return self.record.message_post(body="Ten")

    def offered_to(self, user, message):
        """What the chatter is told about sending details."""
        store = Store().add(message.with_user(user))
        [data] = [data for data in store.get_result()["mail.message"] if data["id"] == message.id]
        return data.get("hasSendingDetails")

    def test_the_chatter_offers_details_of_what_was_mailed_to_a_postmaster(self):
        self.assertIs(self.offered_to(self.postmaster, self.comment()), True)

    def test_the_chatter_offers_details_where_there_are_some(self):
        note = self.note()
        self.assertIs(self.offered_to(self.postmaster, note), False)
        self.row(note)
        self.env.invalidate_all()
        self.assertIs(self.offered_to(self.postmaster, note), True)

    def test_the_chatter_tells_ordinary_users_nothing_about_it(self):
        message = self.comment()
        self.row(message)
        self.assertIsNone(self.offered_to(self.user("clerk"), message))

    def test_one_query_serves_all_messages_of_a_chatter(self):
        messages = self.note() | self.note() | self.note()
        self.env.invalidate_all()
        with self.assertQueryCount(1):
            messages.with_user(self.postmaster).sudo().mapped("outgoing_selection_count")

    def test_the_only_row_opens_in_a_dialog(self):
        message = self.comment()
        row = self.row(message)
        action = message.with_user(self.postmaster).action_open_sending_details()
        self.assertEqual((action["res_id"], action["target"]), (row.id, "new"))

    def test_several_rows_open_as_a_list(self):
        message = self.comment()
        rows = self.row(message) | self.row(message)
        action = message.with_user(self.postmaster).action_open_sending_details()
        self.assertEqual(self.env["mail.outgoing.selection"].search(action["domain"]), rows.sorted(reverse=True))

    def test_a_message_without_rows_says_so(self):
        action = self.note().with_user(self.postmaster).action_open_sending_details()
        self.assertIn("No e-mail of this message has left", action["params"]["message"])

    def test_an_ordinary_user_may_not_open_them(self):
        message = self.comment()
        self.row(message)
        clerk = self.user("clerk")
        with self.assertRaises(AccessError):
            message.with_user(clerk).action_open_sending_details()
        with self.assertRaises(AccessError):
            message.with_user(clerk).read(["outgoing_selection_count"])

    # ------------------------------------------------------------------ what a postmaster may not read

    def private(self):
        """How a message was sent that concerns nobody but those who talk."""
        channel = self.env["discuss.channel"].create({"name": "Private", "channel_type": "group"})
        message = channel.message_post(body="Ten", subject="Salary of Mary", message_type="comment")
        return self.row(message).with_user(self.postmaster)

    def test_what_the_user_may_not_read_is_not_shown(self):
        row = self.private()
        with self.assertRaises(AccessError):
            row.sudo().mail_message_id.with_env(row.env).read(["subject"])
        self.assertFalse(row.subject or row.author_id or row.res_model or row.res_id)
        self.assertEqual(row.display_name, "Own")
        self.assertEqual(row.sudo().subject, "Salary of Mary")

    def test_what_the_user_may_read_is_shown(self):
        message = self.comment()
        message.subject = "Chairs"
        row = self.row(message).with_user(self.postmaster)
        self.assertEqual((row.subject, row.display_name, row.author_id), ("Chairs", "Chairs", message.author_id))
        self.assertEqual((row.res_model, row.res_id), ("res.partner", self.record.id))

    def test_what_the_user_may_not_read_is_not_called_by_its_subject(self):
        row = self.private()
        for names in (["mail_message_id"], ["mail_mail_id"]):
            with self.assertRaises(AccessError):
                row.read(names)
        self.assertNotIn("Salary", str(row.read()))

    def test_what_the_user_may_not_read_is_not_found(self):
        row, rows = self.private(), self.env["mail.outgoing.selection"].with_user(self.postmaster)
        message = row.sudo().mail_message_id
        for domain in (
            [("subject", "ilike", "salary")],
            [("author_id", "=", message.author_id.id)],
            [("res_model", "=", "discuss.channel")],
            [("res_id", "=", message.res_id), ("res_model", "=", "discuss.channel")],
        ):
            with self.subTest(domain):
                self.assertNotIn(row, rows.search(domain))
                self.assertIn(row.sudo(), rows.sudo().search(domain))
        self.assertIn(row, rows.search([("subject", "not ilike", "salary")]))

    def test_what_the_user_may_not_read_leads_nowhere(self):
        with self.assertRaises(AccessError):
            self.private().action_open_record()

    def test_an_ordinary_user_is_led_nowhere(self):
        with self.assertRaises(AccessError):
            self.row(self.comment()).with_user(self.user("clerk")).action_open_record()

    def test_a_message_about_a_model_that_is_gone_is_not_shown(self):
        message = self.comment()
        row = self.row(message).with_user(self.postmaster)
        message.flush_recordset()
        self.env.cr.execute("UPDATE mail_message SET model = 'no.such.model' WHERE id = %s", [message.id])
        self.env.invalidate_all()
        self.assertFalse(row.subject or row.res_model)

    def test_more_rows_cost_no_more_queries(self):
        def count(rows):
            self.env.invalidate_all()
            before = self.cr.sql_log_count
            rows.with_user(self.postmaster).read(["subject", "author_id", "res_model", "res_id", "server_name"])
            return self.cr.sql_log_count - before

        rows = self.env["mail.outgoing.selection"].union(*(self.row(self.comment()) for _number in range(12)))
        count(rows)
        self.assertEqual(count(rows), count(rows[:1]))

    def test_a_row_leads_to_its_record(self):
        action = self.row(self.comment()).with_user(self.postmaster).action_open_record()
        self.assertEqual((action["res_model"], action["res_id"]), ("res.partner", self.record.id))

    def test_rows_are_found_by_the_subject_of_the_message(self):
        message = self.comment()
        message.subject = "Chairs in blue"
        row = self.row(message)
        found = self.env["mail.outgoing.selection"].with_user(self.postmaster).search([("subject", "ilike", "in blue")])
        self.assertEqual(found, row)
