from unittest.mock import patch

from odoo import SUPERUSER_ID, api
from odoo.exceptions import AccessError
from odoo.tests import tagged

from odoo.addons.mail.models import mail_thread
from odoo.addons.mail_gateway.tests.common import raw
from odoo.addons.mail_gateway.tests.dry_run.dry_run_common import DryRunCommon
from odoo.addons.mail_gateway.tools.dry_run import begin_dry_run


@tagged("post_install", "-at_install")
class TestDryRun(DryRunCommon):
    """The answers of a dry run about a stored message and its recipients."""

    def test_a_dry_run_of_a_held_message_tells_what_would_happen_now(self):
        message = self.deliver(raw(to=f"later@{self.alias_domain}"))
        self.assertEqual(message.state, "held")
        self.assertEqual(self.ask(message).state, "held")
        self.alias.copy({"alias_name": "later"})
        self.assertEqual(self.ask(message).state, "delivered")
        self.assertEqual(message.state, "held")

    def test_a_delivered_message_is_not_a_duplicate_of_itself(self):
        message = self.deliver(self.to_alias())
        before = self.rows()
        answer = self.ask(message)
        self.assertEqual(self.rows(), before)
        self.assertEqual((answer.state, answer.targets[0].is_new), ("delivered", True))
        self.assertIn("processed this message already", answer.remarks[0])

    def test_a_delivered_message_does_not_count_against_its_own_limit(self):
        self.env["ir.config_parameter"].set_param("mail.incoming.limit.alias", 1)
        message = self.deliver(self.to_alias())
        self.assertEqual(self.ask(message).state, "delivered")
        self.assertEqual(self.dry_run(self.to_alias(subject="Another")).state, "held")

    def test_a_rejected_message_is_not_a_repetition_of_itself(self):
        source = raw("Hello", to=self.catchall)
        message = self.deliver(source)
        self.assertEqual(message.state, "rejected")
        before = self.rows()
        self.assertEqual(self.ask(message).state, "rejected")
        self.assertEqual(self.rows(), before)
        self.assertEqual(self.dry_run(source.replace(b"Message-Id: <", b"Message-Id: <again")).state, "discarded")

    def test_a_rejected_message_from_a_tagged_address_is_not_a_repetition_of_itself(self):
        message = self.deliver(raw("Hello", "Mary <mary+x@customer.example>", self.catchall))
        self.assertEqual((message.state, self.ask(message).state), ("rejected", "rejected"))

    def test_the_notice_about_a_rejected_message_does_not_count_against_its_own_limit(self):
        self.env["ir.config_parameter"].set_param("mail_gateway.notice_limit", 1)
        message = self.deliver(raw("Hello", to=self.catchall))
        before = self.rows()
        self.assertEqual((message.state, self.ask(message).state), ("rejected", "rejected"))
        self.assertEqual(self.rows(), before)
        other = raw("Another", "Bob <bob@customer.example>", self.catchall)
        self.assertEqual(self.dry_run(other).state, "held")

    def test_a_released_message_passes_the_rules_that_held_it(self):
        self.env["ir.config_parameter"].set_param("mail.incoming.limit.alias", 1)
        self.deliver(self.to_alias())
        message = self.deliver(self.to_alias(subject="Second"))
        self.assertEqual(message.cause, "limit")
        self.assertEqual(self.ask(message).state, "held")
        self.assertEqual(self.ask(message, released=True).state, "delivered")

    def test_a_waiting_message_goes_to_the_record_that_a_person_chose(self):
        message = self.deliver(raw())
        message.write({"state": "received", "route_model": "res.partner", "route_res_id": self.order.id})
        answer = self.ask(message)
        self.assertEqual(answer.targets[0].res_id, self.order.id)
        self.assertIn("As decided by a person", answer.routes[0])

    def test_defects_of_a_message_are_reported(self):
        answer = self.dry_run(self.to_alias(Content_Type="text/plain; charset=klingon"))
        self.assertIn("names no charset, or the wrong one", "\n".join(answer.remarks))

    def test_a_changed_value_is_shown_with_its_former_value(self):
        self.env["ir.default"].set("res.partner", "function", "Buyer")
        before = self.env["mail.inbound.dry.run"]._values_of(self.order, self.env)
        changed = {**before, "name": before["name"]._replace(text="Other")}
        [(name, value)] = self.env["mail.inbound.dry.run"]._differences(before, changed)
        self.assertEqual((name, value.text, value.before), ("name", "Other", "Order"))

    # ------------------------------------------------------------------ recipients

    def matches(self, to, **headers):
        return [recipient.matches for recipient in self.dry_run(raw(to=to, **headers)).recipients]

    def test_each_recipient_is_described(self):
        alias, domain = f"inbound@{self.alias_domain}", self.alias_domain
        words = self.matches(f"{alias}, {self.catchall}, {self.bounce}, nobody@{domain}, broken", Cc=f"Us <{alias}>")
        self.assertEqual(words[0], "Alias that creates a record of Contact; accepts messages from: Everyone")
        self.assertEqual(words[1], "Catchall address: accepts replies only")
        self.assertEqual(words[2], "Bounce address")
        self.assertEqual(words[3], "Nothing in Odoo")
        self.assertEqual(words[-1], words[0])

    def test_addresses_only_in_transport_headers_are_recipients(self):
        alias = f"inbound@{self.alias_domain}"
        [first, second] = self.dry_run(raw(Delivered_To=alias)).recipients
        self.assertEqual((first.header, second.header, second.address), ("To", "Delivered-To", alias))

    def test_addresses_in_transport_headers_are_shown_as_not_used_if_to_names_one_of_ours(self):
        alias, domain = f"inbound@{self.alias_domain}", self.alias_domain
        recipients = self.dry_run(
            raw(to=alias, Delivered_To=self.catchall, X_Original_To=f"nobody@{domain}")
        ).recipients
        self.assertEqual([recipient.counts for recipient in recipients], [True, False, False])
        self.assertEqual(
            [recipient.matches for recipient in recipients[1:]],
            [
                "Nothing in Odoo",
                "Not used, because To or Cc names an address of Odoo: Catchall address: accepts replies only",
            ],
        )

    def test_an_alias_that_writes_to_one_record_is_shown_with_the_record(self):
        self.alias.alias_force_thread_id = self.order.id
        self.assertIn("“Order”", self.matches(f"inbound@{self.alias_domain}")[0])


@tagged("post_install", "-at_install")
class TestDryRunRights(DryRunCommon):
    """The users who may make dry runs, and what they are told."""

    def setUp(self):
        super().setUp()
        groups = self.env.ref("base.group_user") + self.env.ref("mail_gateway.group_postmaster")
        self.postmaster = (
            self.env["res.users"]
            .with_context(no_reset_password=True)
            .create(
                {"name": "Post", "login": "post", "email": "post@mycompany.example", "group_ids": [(6, 0, groups.ids)]}
            )
        )

    def forbid(self, domain):
        self.env["ir.rule"].create(
            {
                "name": "Secret",
                "model_id": self.env["ir.model"]._get_id("res.partner"),
                "groups": [(4, self.env.ref("mail_gateway.group_postmaster").id)],
                "domain_force": domain,
            }
        )

    def told(self, source, **values):
        """Return the answer, and all its words as text."""
        answer = self.dry_run(source, user=self.postmaster, **values)
        with self.enter_registry_test_mode():
            return answer, str(self.env["mail.inbound.explain"].with_user(self.postmaster).new()._in_words(answer))

    def test_only_postmasters_may_make_a_dry_run(self):
        with self.assertRaises(AccessError):
            self.dry_run(self.to_alias(), user=self.agent)

    def test_a_postmaster_without_further_rights_gets_the_answer(self):
        answer, text = self.told(self.reply())
        self.assertEqual((answer.state, answer.targets[0].name), ("delivered", "Order"))
        self.assertIn("Carl", text)

    def test_the_record_is_withheld_from_a_postmaster_who_may_not_read_it(self):
        self.order.name = "Hidden Plan"
        self.forbid("[('name', 'not like', 'Hidden')]")
        answer, text = self.told(self.reply(subject="Re: yours"))
        self.assertEqual((answer.targets[0].name, answer.targets[0].values), ("", {}))
        self.assertNotIn("Hidden", text)
        self.assertIn(f"res.partner,{self.order.id}", text)

    def test_the_values_of_a_new_record_are_withheld_from_a_postmaster_who_may_not_read_it(self):
        self.alias.alias_defaults = "{'comment': 'Hidden', 'function': 'Secret'}"
        self.forbid("[('function', '!=', 'Secret')]")
        answer, text = self.told(self.to_alias())
        self.assertEqual((answer.state, answer.targets[0].values), ("delivered", {}))
        self.assertNotIn("Hidden", text)

    def test_the_names_of_contacts_are_withheld_from_a_postmaster_who_may_not_read_them(self):
        self.forbid(f"[('id', '!=', {self.carl.id})]")
        _answer, text = self.told(self.reply())
        self.assertNotIn("Carl", text)
        self.assertNotIn("carl@", text)
        self.assertIn("Agent", text)

    def test_another_message_about_an_unreadable_record_is_withheld(self):
        self.order.name = "Hidden Plan"
        self.forbid("[('name', 'not like', 'Hidden')]")
        partners = type(self.env["res.partner"])
        update = partners.message_update

        def update_and_acknowledge(records, msg_dict, update_vals=None):
            updated = update(records, msg_dict, update_vals)
            values = {"subject": "Hidden", "body": "Hidden", "partner_ids": self.carl.ids, "model": "res.partner"}
            records.message_notify(**values, res_id=records.id)
            return updated

        with patch.object(partners, "message_update", update_and_acknowledge):
            answer, text = self.told(self.reply(subject="Re: yours"))
        self.assertEqual(len(answer.leaving), 2)
        self.assertNotIn("Hidden", text)
        self.assertIn("(hidden)", text)

    def test_an_alias_is_withheld_from_a_postmaster_who_may_not_read_it(self):
        self.env["ir.rule"].create(
            {
                "name": "Secret",
                "model_id": self.env["ir.model"]._get_id("mail.alias"),
                "domain_force": f"[('id', '!=', {self.alias.id})]",
            }
        )
        answer, _text = self.told(self.to_alias())
        self.assertIn(f"mail.alias,{self.alias.id}", answer.recipients[0].matches)
        self.assertIn(f"mail.alias,{self.alias.id}", answer.routes[0])

    def test_fields_for_other_groups_are_withheld(self):
        self.alias.alias_defaults = "{'comment': 'Hidden'}"
        self.patch(type(self.env["res.partner"])._fields["comment"], "groups", "base.group_system")
        answer, text = self.told(self.to_alias())
        self.assertTrue(answer.targets[0].values)
        self.assertNotIn("Hidden", text)


@tagged("post_install", "-at_install")
class TestDryRunLeavesNothing(DryRunCommon):
    """A dry run does nothing that a rollback cannot undo."""

    def device(self):
        """Register a browser of the agent for notifications."""
        parameters = self.env["ir.config_parameter"]
        parameters.set_param("mail.web_push_vapid_private_key", "private")
        parameters.set_param("mail.web_push_vapid_public_key", "public")
        self.env["mail.push.device"].create(
            {"partner_id": self.agent.partner_id.id, "endpoint": "https://push.example/1", "keys": "{}"}
        )

    def test_no_browser_is_notified(self):
        self.device()
        with patch.object(mail_thread, "push_to_end_point") as push:
            self.assertEqual(self.dry_run(self.reply()).state, "delivered")
            self.assertFalse(push.called)
            self.deliver(self.reply())
            self.assertTrue(push.called)

    def test_mail_is_not_sent_during_a_dry_run_even_without_its_context(self):
        with self.enter_registry_test_mode(), self.registry.cursor() as cr:
            begin_dry_run(cr)
            env = api.Environment(cr, SUPERUSER_ID, {})
            mail = env["mail.mail"].create({"email_to": "mary@customer.example", "email_from": "us@mycompany.example"})
            with self.mock_smtplib_connection():
                mail.send()
                mail.send_after_commit()
                message = env["ir.mail_server"]._build_email__("us@mycompany.example", ["m@customer.example"], "S", "B")
                env["ir.mail_server"].send_email(message)
            self.assertFalse(self.emails)
            self.assertEqual(mail.state, "outgoing")

    def test_mail_is_sent_again_after_a_dry_run(self):
        self.dry_run(self.reply())
        mail = self.env["mail.mail"].create({"email_to": "mary@customer.example", "email_from": "us@mycompany.example"})
        with self.mock_smtplib_connection():
            mail.send()
        self.assertEqual(len(self.emails), 1)

    def test_a_dry_run_leaves_no_postcommit_hooks(self):
        before = [*self.env.cr.postcommit._funcs]
        self.dry_run(self.reply())
        self.assertEqual([*self.env.cr.postcommit._funcs], before)

    def test_no_cache_keeps_values_of_a_dry_run(self):
        parameters = self.env["ir.config_parameter"]
        parameters.set_param("mail_gateway.test", "before")
        partners = type(self.env["res.partner"])
        create = partners.create

        def create_and_set(records, vals_list):
            records.env["ir.config_parameter"].sudo().set_param("mail_gateway.test", "tried")
            records.env["ir.config_parameter"].sudo().get_param("mail_gateway.test")
            return create(records, vals_list)

        with patch.object(partners, "create", api.model_create_multi(create_and_set)):
            self.assertEqual(self.dry_run(self.to_alias()).state, "delivered")
        self.assertEqual(parameters.get_param("mail_gateway.test"), "before")
