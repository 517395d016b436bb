from unittest.mock import patch

from odoo.tools import config

from odoo.addons.base.models.ir_mail_server import IrMail_Server
from odoo.addons.mail.models.mail_mail import MailMail
from odoo.addons.mail_gateway.tests.common import OutgoingCommon
from odoo.addons.mail_gateway.tools.sending_log import Sending


class TestWhatIsWrittenDown(OutgoingCommon):
    def test_the_sending_details_of_an_email_are_stored_with_its_message(self):
        server = self.server("Post Office", "test.mycompany.com")
        self.server("Archive", "archive.example")
        mail = self.mail(reply_to="sales@test.mycompany.com")
        self.send(mail)
        rows = self.env["mail.outgoing.selection"]
        rows._record(self._written)
        row = rows.search([("mail_mail_id", "=", mail.id)])
        self.assertRecordValues(
            row,
            [
                {
                    "mail_message_id": mail.mail_message_id.id,
                    "mail_server_id": server.id,
                    "server_name": "Post Office",
                    "step": "default_domain",
                    "traffic": "transactional",
                    "from_before": "Admin <admin@example.com>",
                    "return_path": self.bounce,
                    "reply_to": "sales@test.mycompany.com",
                }
            ],
        )
        self.assertIn(self.default, row.from_after)
        self.assertIn("Archive: Its filter (archive.example) matches neither", row.passed_over)

    def test_the_details_of_a_later_try_replace_those_of_an_earlier_one(self):
        self.server("First", sequence=1)
        mail = self.mail()
        rows = self.env["mail.outgoing.selection"]
        for name in ("First", "Second"):
            self.env["ir.mail_server"].search([]).name = name
            mail.state = "outgoing"
            self.send(mail)
            rows._record(self._written)
            self._written.clear()
        self.assertEqual(rows.search([("mail_mail_id", "=", mail.id)]).mapped("server_name"), ["Second"])

    def test_no_details_are_stored_for_deleted_messages(self):
        self.server("S")
        mail = self.mail()
        self.send(mail)
        mail.unlink()
        self.env["mail.outgoing.selection"]._record(self._written)
        self.assertFalse(self.env["mail.outgoing.selection"].search([("from_before", "ilike", "admin@example.com")]))

    def test_a_failed_try_is_recorded_as_failed(self):
        server = self.server("S", "test.mycompany.com")
        mail = self.mail()
        self.fail_to_connect(mail)
        [row] = self._written
        self.assertTrue(row["failed"])
        self.assertEqual((row["mail_server_id"], row["step"], row["return_path"]), (server.id, "default_domain", False))
        self.assertEqual(row["from_after"], f'"Admin" <{self.default}>')

    def fail_to_connect(self, mails):
        with patch.object(IrMail_Server, "_connect__", side_effect=OSError("refused")):
            mails.send()

    def test_the_details_of_a_retry_that_deletes_the_email_replace_the_failed_try(self):
        self.server("S", "test.mycompany.com")
        message = self.env["res.partner"].create({"name": "P", "email": "p@customer.example"}).message_post(body="x")
        mail = self.mail(auto_delete=True, is_notification=True, mail_message_id=message.id)
        rows = self.env["mail.outgoing.selection"]
        self.fail_to_connect(mail)
        rows._record(self._written)
        self._written.clear()
        mail.mark_outgoing()
        self.send(mail)
        self.assertFalse(mail.exists())
        rows._record(self._written)
        self.assertEqual(rows.search([("mail_message_id", "=", message.id)]).mapped("failed"), [False])

    def test_an_error_after_one_email_was_sent_does_not_lose_the_details_of_others(self):
        self.server("S")
        mails = self.mail() + self.mail()
        original, troubles = MailMail._postprocess_sent_message, []

        def once(records, *args, **kwargs):
            if records == mails[1] and not troubles:
                troubles.append(records)
                raise RuntimeError("the bus is down")
            return original(records, *args, **kwargs)

        with (
            patch.object(MailMail, "_postprocess_sent_message", once),
            self.mock_smtplib_connection(),
            self.assertLogs("odoo.addons.mail.models.mail_mail", "ERROR"),
        ):
            mails.send()
        self.env["mail.outgoing.selection"]._record(self._written)
        self.assertEqual(self.env["mail.outgoing.selection"].search_count([("mail_mail_id", "in", mails.ids)]), 2)

    def test_a_named_server_that_was_passed_over_is_recorded_with_its_reason(self):
        named, _other = self.server("Named"), self.server("Other", "test.mycompany.com")
        mail = self.mail(mail_server_id=named.id)
        named.active = False
        self.send(mail)
        self.assertEqual(self._written[-1]["passed_over"], "Named: It is archived.")

    def test_a_context_from_outside_does_not_replace_the_run_of_sending(self):
        self.server("S")
        with self.mock_smtplib_connection():
            self.mail().with_context(**{Sending.KEY: {"rows": []}}).send()
        self.assertEqual(len(self._written), 1)


class TestTheSelectionTravels(OutgoingCommon):
    """The selection made for an e-mail is the one that is recorded."""

    def send_and_count(self, mails, smtp_server=None):
        """Send e-mails, and count the selections.

        :return: the selections that were made; the run of sending
        """
        servers = type(self.env["ir.mail_server"])
        made, original, sending = [], servers._select_server, Sending()

        def select(records, *args, **kwargs):
            made.append(original(records, *args, **kwargs))
            return made[-1]

        with (
            patch.object(servers, "_select_server", select),
            patch.dict(config.options, {"smtp_server": smtp_server}),
            self.mock_smtplib_connection(),
        ):
            mails.with_context(**{Sending.KEY: sending}).send()
        return made, sending

    def test_one_selection_is_made_for_an_email(self):
        self.server("S", "test.mycompany.com")
        mail = self.mail()
        [made], sending = self.send_and_count(mail)
        self.assertIs(sending.selections[mail.id], made)

    def test_one_selection_is_made_for_an_email_that_no_server_may_send(self):
        mail = self.mail()
        [made], sending = self.send_and_count(mail, smtp_server="localhost")
        self.assertIs(sending.selections[mail.id], made)
        self.assertEqual([row["step"] for row in self._written], ["odoo_bin"])

    def test_one_selection_is_made_instead_of_a_server_that_may_not_send(self):
        named, _other = self.server("Named"), self.server("Other", "test.mycompany.com")
        mail = self.mail(mail_server_id=named.id)
        named.active = False
        [made], sending = self.send_and_count(mail)
        self.assertIs(sending.selections[mail.id], made)

    def test_no_selection_is_made_for_an_email_that_specifies_its_server(self):
        named = self.server("Named")
        mail = self.mail(mail_server_id=named.id)
        made, _sending = self.send_and_count(mail)
        self.assertFalse(made)
        self.assertEqual([(row["step"], row["mail_server_id"]) for row in self._written], [("forced", named.id)])

    def test_emails_of_several_authors_share_a_batch_and_keep_their_own_selections(self):
        server = self.server("S", "test.mycompany.com")
        self.server("Other", "other.example")
        mails = self.mail("Mary <mary@customer.example>") + self.mail("Joe <joe@other.test>") + self.mail()
        sending = Sending()
        batches = [*mails.with_context(**{Sending.KEY: sending})._split_by_mail_configuration()]
        self.assertEqual(batches, [(server.id, False, self.default, mails._ids)])
        self.assertEqual([sending.selections[mail.id].author for mail in mails], [mail._author() for mail in mails])

    def test_the_selection_of_others_is_not_that_of_emails_for_which_an_addon_finds_the_server(self):
        server = self.server("S", "test.mycompany.com")
        mails = self.mail() + self.mail("Mary <mary@customer.example>")
        servers = type(self.env["ir.mail_server"])
        find = servers._find_mail_server

        def find_by_addon(records, email_from, mail_servers=None):
            return (server, self.default) if "mary@" in email_from else find(records, email_from, mail_servers)

        with patch.object(servers, "_find_mail_server", find_by_addon):
            _made, sending = self.send_and_count(mails)
        self.assertEqual([sending.selections[mail.id].author for mail in mails], [mail._author() for mail in mails])

    def test_the_server_of_an_addon_that_sends_through_another_one_is_recorded(self):
        self.server("Selected", "test.mycompany.com")
        other = self.server("Other")
        split = type(self.env["mail.mail"])._split_by_mail_configuration

        def split_by_addon(mails):
            for _server_id, alias_domain_id, smtp_from, ids in split(mails):
                yield other.id, alias_domain_id, smtp_from, ids

        with patch.object(type(self.env["mail.mail"]), "_split_by_mail_configuration", split_by_addon):
            self.send_and_count(self.mail())
        self.assertEqual([row["mail_server_id"] for row in self._written], [other.id])

    def test_a_batch_is_no_larger_than_core_allows(self):
        self.server("S", "test.mycompany.com")
        self.env["ir.config_parameter"].set_param("mail.session.batch.size", "2")
        mails = self.env["mail.mail"].union(*(self.mail(f"{name}@customer.example") for name in "abc"))
        batches = [batch for *_values, batch in mails._split_by_mail_configuration()]
        self.assertEqual(batches, [mails._ids[:2], mails._ids[2:]])

    def test_emails_of_the_same_author_in_two_alias_domains_have_a_selection_each(self):
        self.server("S", "test.mycompany.com, test.mycompany2.com")
        domains = self.mail_alias_domain | self.mail_alias_domain_c2
        mails = self.env["mail.mail"].union(*(self.mail(record_alias_domain_id=domain.id) for domain in domains))
        self.send_and_count(mails)
        self.assertEqual(
            [row["from_after"] for row in self._written],
            [f"Admin <{domain.default_from_email}>" for domain in domains],
        )

    def test_an_email_that_core_splits_by_recipients_shares_its_selection(self):
        email = self.user_employee.email
        personal = self.server("Personal", email, owner_user_id=self.user_employee.id, smtp_user=email)
        readers = self.env["res.partner"].create(
            [{"name": name, "email": f"{name}@customer.example"} for name in ("mary", "joe")]
        )
        mail = (
            self.env["mail.mail"]
            .with_user(self.user_employee)
            .sudo()
            .create({"subject": "Hello", "email_from": email, "recipient_ids": readers.ids, "auto_delete": False})
        )
        with patch.object(type(self.env["ir.mail_server"]), "_get_personal_mail_servers_limit", lambda _server: 1):
            [made], sending = self.send_and_count(mail)
        self.assertEqual(made.server.id, personal.id)
        [row] = self._written
        self.assertNotEqual(row["mail_key"], mail.id)
        self.assertIs(sending.selections[row["mail_key"]], made)
        self.assertEqual(row["step"], "address")


class TestPersonalServers(OutgoingCommon):
    def setUp(self):
        super().setUp()
        self.everyone = self.server("Everyone")
        email = self.user_employee.email
        self.personal = self.server("Personal", email, owner_user_id=self.user_employee.id, smtp_user=email, sequence=1)

    def mail_of(self, user, email_from):
        return (
            self.env["mail.mail"]
            .with_user(user)
            .sudo()
            .create(
                {
                    "subject": "Hello",
                    "email_from": email_from,
                    "email_to": "mary@customer.example",
                    "auto_delete": False,
                }
            )
        )

    def test_a_message_of_the_owner_leaves_through_their_server(self):
        mail = self.mail_of(self.user_employee, self.user_employee.email_formatted)
        self.assertEqual(self.send(mail)[0][0], self.personal.id)

    def test_a_message_of_the_owner_under_another_address_leaves_through_another_server(self):
        mail = self.mail_of(self.user_employee, "other@test.mycompany.com")
        self.assertEqual(self.send(mail)[0][0], self.everyone.id)

    def test_a_message_of_another_user_under_the_owners_address_leaves_through_another_server(self):
        mail = self.mail_of(self.user_admin, self.user_employee.email_formatted)
        self.assertEqual(self.send(mail)[0][0], self.everyone.id)

    def test_the_only_server_does_not_serve_others_if_it_is_personal(self):
        self.everyone.active = False
        with patch.dict(config.options, {"smtp_server": "localhost"}):
            self.assertFalse(self.send(self.mail())[0][0])

    def test_a_named_personal_server_for_the_other_kind_of_mail_is_passed_over(self):
        self.personal.traffic = "mass"
        self.user_employee.outgoing_mail_server_id = self.personal
        mail = self.mail_of(self.user_employee, self.user_employee.email_formatted)
        mail.mail_server_id = self.personal
        self.assertEqual(self.send(mail)[0][0], self.everyone.id)

    def test_messages_of_several_senders_that_name_an_archived_server_are_still_sent(self):
        named = self.server("Named")
        author = self.user_employee.email_formatted
        mails = self.mail_of(self.user_employee, author) + self.mail_of(self.user_admin, author) + self.mail()
        mails[:2].mail_server_id = named
        named.active = False
        with self.mock_smtplib_connection():
            self.env["mail.mail"].process_email_queue(email_ids=mails.ids)
        self.assertEqual(mails.mapped("state"), ["sent"] * 3)
