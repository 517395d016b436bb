from email import message_from_bytes, policy

from odoo.tests import new_test_user, tagged

from odoo.addons.mail_gateway.tests.addresses.former_common import FormerCommon
from odoo.addons.mail_gateway.tests.common import raw


@tagged("post_install", "-at_install")
class TestFormerOwners(FormerCommon):
    """Records that own an alias, such as projects and teams."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        if "project.project" not in cls.env:
            cls.skipTest(cls, "no app with such records is installed")
        cls.project = cls.env["project.project"].create({"name": "Moving", "alias_name": "moving"})

    def test_a_rename_by_a_manager_of_the_app_fills_the_list(self):
        manager = new_test_user(self.env, "former_manager", groups="project.group_project_manager")
        self.project.with_user(manager).alias_name = "relocation"
        self.assertEqual(self.entry("moving").leads_to, self.in_domain("relocation"))

    def test_mail_to_the_old_name_creates_a_task_in_the_project(self):
        self.project.alias_name = "relocation"
        message = self.deliver(raw(to=self.in_domain("moving"), subject="Boxes"))
        self.assertEqual(self.env[message.res_model].browse(message.res_id).project_id, self.project)

    def test_a_deleted_record_leaves_the_address_of_its_alias(self):
        self.project.unlink()
        self.assertTrue(self.entry("moving").deleted_date)
        self.assertEqual(self.deliver(raw(to=self.in_domain("moving"))).state, "held")

    def test_the_form_of_the_record_warns_of_a_former_address(self):
        self.alias.alias_name = "orders"
        manager = new_test_user(self.env, "former_manager", groups="project.group_project_manager")
        for project in (self.env["project.project"], self.project):
            with self.subTest(project):
                answer = project.with_user(manager).onchange(
                    {"alias_name": "inbound"}, ["alias_name"], {"alias_name": {}, "alias_domain_id": {}}
                )
                self.assertIn(f"So far, it redirects to {self.in_domain('orders')}.", answer["warning"]["message"])

    def test_taking_back_its_own_name_does_not_warn(self):
        self.project.alias_name = "relocation"
        answer = self.project.onchange({"alias_name": "moving"}, ["alias_name"], {"alias_name": {}})
        self.assertNotIn("warning", answer)


@tagged("post_install", "-at_install")
class TestFormerRouting(FormerCommon):
    """Messages to a former address are routed as if they were sent to the current one."""

    def test_mail_to_a_renamed_alias_is_delivered_and_marked(self):
        self.alias.alias_name = "orders"
        message = self.deliver(self.to_alias(subject="Old address"))
        self.assertEqual(message.state, "delivered")
        self.assertEqual(self.env["res.partner"].browse(message.res_id).name, "Old address")
        self.assertEqual(message.former_address, f"{self.in_domain('inbound')} → {self.in_domain('orders')}")
        self.assertEqual(message.former_address_ids, self.entry("inbound"))
        self.assertEqual(
            (self.entry("inbound").message_count, self.entry("inbound").last_message_date), (1, message.received_date)
        )

    def test_mail_to_a_current_address_is_not_marked(self):
        self.alias.alias_name = "orders"
        message = self.deliver(raw(to=self.in_domain("orders")))
        self.assertEqual((message.state, message.former_address), ("delivered", False))

    def test_case_does_not_matter(self):
        self.alias.alias_name = "orders"
        message = self.deliver(raw(to=f"Orders <{self.in_domain('INBOUND').upper()}>"))
        self.assertEqual(message.state, "delivered")

    def test_internationalised_domains_are_recognised_in_both_spellings(self):
        self.domain.name = "xn--caf-dma.example"
        self.domain.name = "new.example"
        for number, to in enumerate(("inbound@café.example", "inbound@xn--caf-dma.example")):
            message = self.deliver(raw(to=to, message_id=f"<idna-{number}@customer.example>"))
            self.assertEqual(message.state, "delivered")

    def test_the_source_is_not_changed(self):
        self.alias.alias_name = "orders"
        source = self.to_alias()
        self.assertEqual(self.deliver(source)._source_bytes(), source)

    def test_mail_to_an_alias_in_a_renamed_domain_is_delivered(self):
        self.domain.name = "new.example"
        message = self.deliver(self.to_alias())
        self.assertEqual(message.state, "delivered")
        self.assertEqual(message.former_address, f"{self.in_domain('inbound')} → inbound@new.example")

    def test_an_alias_renamed_before_and_after_its_domain_is_reached_by_every_old_address(self):
        self.alias.alias_name = "before"
        self.domain.name = "new.example"
        self.alias.alias_name = "after"
        for number, local in enumerate(("inbound", "before")):
            message = self.deliver(raw(to=self.in_domain(local), message_id=f"<{number}@customer.example>"))
            self.assertEqual(message.former_address, f"{self.in_domain(local)} → after@new.example")
            self.assertEqual(message.state, "delivered")
        # The last message still needs both entries.
        self.assertEqual(set(message.former_address_ids.mapped("address")), {self.alias_domain, "before@new.example"})

    def test_addresses_of_people_in_a_renamed_domain_are_not_redirected(self):
        self.domain.name = "new.example"
        person = self.env["res.partner"].create({"name": "Person", "email": self.in_domain("person")})
        message = self.deliver(raw(to="inbound@new.example", Cc=self.in_domain("person")))
        self.assertFalse(message.former_address)
        self.assertIn(person, message.mail_message_ids.partner_ids)

    def test_a_reply_to_the_old_catchall_is_delivered(self):
        partner = self.env["res.partner"].create({"name": "Record"})
        question = partner.message_post(body="Which colour?", message_type="comment")
        old = self.domain.catchall_email
        self.domain.catchall_alias = "answers"
        message = self.deliver(raw(to=old, In_Reply_To=question.message_id))
        self.assertEqual((message.state, message.res_id), ("delivered", partner.id))
        self.assertEqual(message.former_address, f"{old} → {self.in_domain('answers')}")

    def test_mail_to_the_old_catchall_that_replies_to_nothing_is_refused(self):
        old = self.domain.catchall_email
        self.domain.catchall_alias = "answers"
        message = self.deliver(raw(to=old))
        self.assertEqual(message.state, "rejected")
        self.assertIn("The catchall address accepts replies only", message.reason)
        self.assertTrue(message.former_address)

    def test_mail_to_the_old_bounce_address_is_a_bounce(self):
        old = self.domain.bounce_email
        self.domain.bounce_alias = "returns"
        message = self.deliver(raw(to=old))
        self.assertEqual(message.state, "delivered")
        self.assertIn("A bounce", message.reason)

    def test_the_catchall_of_a_renamed_domain_remains_a_catchall(self):
        old = self.domain.catchall_email
        self.domain.name = "new.example"
        self.assertEqual(self.deliver(raw(to=old)).state, "rejected")

    def test_the_contact_setting_of_an_alias_applies_to_its_old_address(self):
        self.alias.write({"alias_name": "orders", "alias_contact": "partners"})
        message = self.deliver(self.to_alias(sender="Unknown <unknown@customer.example>"))
        self.assertEqual(message.state, "rejected")
        self.assertIn(self.in_domain("orders"), message.reason)

    def test_old_and_new_address_in_one_message_make_one_record(self):
        self.alias.alias_name = "orders"
        message = self.deliver(raw(to=f"{self.in_domain('inbound')}, {self.in_domain('orders')}", subject="Once"))
        self.assertEqual(message.state, "delivered")
        self.assertEqual(self.env["res.partner"].search_count([("name", "=", "Once")]), 1)

    def test_several_former_addresses_each_reach_their_alias(self):
        other = self.new_alias("other", alias_defaults="{'is_company': True}")
        self.alias.alias_name, other.alias_name = "orders", "purchase"
        message = self.deliver(raw(to=self.in_domain("inbound"), Cc=self.in_domain("other"), subject="Both"))
        self.assertEqual(message.state, "delivered")
        made = self.env["res.partner"].search([("name", "=", "Both")])
        self.assertEqual(sorted(made.mapped("is_company")), [False, True])
        self.assertEqual(len(message.former_address_ids), 2)

    def test_a_former_name_that_counted_in_any_domain_still_does(self):
        alias = self.new_alias("anywhere", alias_incoming_local=True)
        alias.alias_name = "everywhere"
        message = self.deliver(raw(to="anywhere@whatever.example"))
        self.assertEqual((message.state, message.former_address_ids), ("delivered", self.entry("anywhere@*")))

    def test_a_former_name_counts_only_in_allowed_domains(self):
        alias = self.new_alias("anywhere", alias_incoming_local=True)
        alias.alias_name = "everywhere"
        self.env["ir.config_parameter"].set_param("mail.catchall.domain.allowed", "allowed.example")
        for number, (domain, state) in enumerate((("other.example", "held"), ("allowed.example", "delivered"))):
            message = self.deliver(raw(to=f"anywhere@{domain}", message_id=f"<{number}@customer.example>"))
            self.assertEqual(message.state, state)

    def test_a_current_address_comes_before_an_entry(self):
        self.alias.alias_name = "orders"
        taker = self.new_alias("inbound", alias_defaults="{'is_company': True}")
        self.entry("inbound").flush_recordset()
        self.env.cr.execute(
            "UPDATE mail_former_address SET active = TRUE"
        )  # as if taking the name over had not ended the entry
        self.env.invalidate_all()
        message = self.deliver(self.to_alias())
        self.assertTrue(self.env["res.partner"].browse(message.res_id).is_company)
        self.assertFalse(message.former_address)
        self.assertTrue(taker)

    def test_mail_to_a_retired_address_is_treated_like_mail_to_an_unknown_one(self):
        self.alias.alias_name = "orders"
        self.entry("inbound").action_archive()
        message = self.deliver(self.to_alias())
        self.assertEqual((message.state, message.former_address), ("held", False))
        self.assertIn("No recipient matches", message.reason)

    def test_a_program_that_hands_over_a_message_gets_the_record(self):
        self.alias.alias_name = "orders"
        record = self.env["mail.thread"].message_process(False, self.to_alias(subject="By program"))
        self.assertEqual(self.env["res.partner"].browse(record).name, "By program")

    def test_parsing_alone_gives_the_current_address(self):
        self.alias.alias_name = "orders"
        parsed = self.env["mail.thread"].message_parse(message_from_bytes(self.to_alias(), policy=policy.SMTP))
        self.assertEqual((parsed["to"], parsed["recipients"]), (self.in_domain("orders"),) * 2)
        self.assertEqual(parsed["to_filtered"], "")


@tagged("post_install", "-at_install")
class TestFormerLost(FormerCommon):
    """Messages to a deleted address are held."""

    def test_mail_to_a_deleted_alias_is_held_with_that_reason(self):
        self.alias.unlink()
        message = self.deliver(self.to_alias())
        self.assertEqual(message.state, "held")
        self.assertIn(f"The alias {self.in_domain('inbound')} was deleted on", message.reason)
        self.assertIn("the address redirects nowhere", message.reason)
        self.assertEqual(message.former_address, f"{self.in_domain('inbound')} → (nothing)")
        self.assertEqual(self.entry("inbound").message_count, 1)

    def test_held_mail_is_delivered_once_the_address_has_a_target(self):
        self.alias.unlink()
        message = self.deliver(self.to_alias())
        self.entry("inbound").alias_id = self.new_alias("orders")
        message.action_process_again()
        self.run_lane()
        self.assertEqual(message.state, "delivered")
        self.assertEqual(message.former_address, f"{self.in_domain('inbound')} → {self.in_domain('orders')}")

    def test_another_recipient_still_gets_its_mail(self):
        self.alias.unlink()
        self.new_alias("orders")
        message = self.deliver(raw(to=self.in_domain("inbound"), Cc=self.in_domain("orders")))
        self.assertEqual(message.state, "delivered")

    def test_a_reply_to_a_deleted_alias_is_delivered(self):
        partner = self.env["res.partner"].create({"name": "Record"})
        question = partner.message_post(body="Which colour?", message_type="comment")
        self.alias.unlink()
        message = self.deliver(self.to_alias(In_Reply_To=question.message_id))
        self.assertEqual((message.state, message.res_id), ("delivered", partner.id))

    def test_the_model_of_the_incoming_server_does_not_replace_a_deleted_alias(self):
        self.server.object_id = self.partner_model
        self.alias.unlink()
        message = self.deliver(self.to_alias(Delivered_To="everything@mail.example"))
        self.assertEqual(message.state, "held")
        self.assertIn("was deleted on", message.reason)

    def test_the_model_of_the_incoming_server_takes_mail_that_also_names_others(self):
        self.server.object_id = self.partner_model
        self.alias.unlink()
        message = self.deliver(raw(to="office@mail.example", Cc=self.in_domain("inbound"), subject="For the office"))
        self.assertEqual(message.state, "delivered")

    def test_mail_to_a_deleted_alias_and_the_catchall_is_held_and_not_refused(self):
        self.alias.unlink()
        message = self.deliver(raw(to=f"{self.domain.catchall_email}, {self.in_domain('inbound')}"))
        self.assertEqual(message.state, "held")

    def test_mail_to_an_alias_without_a_name_is_held(self):
        self.alias.alias_name = False
        message = self.deliver(self.to_alias())
        self.assertEqual(message.state, "held")
        self.assertIn("redirects to an alias that has no name any more", message.reason)

    def test_mail_to_a_deleted_domain_is_held(self):
        self.env["mail.alias.domain"].create({"name": "other.example"}).unlink()
        message = self.deliver(raw(to="anybody@other.example"))
        self.assertEqual(message.state, "held")
        self.assertIn("The domain of anybody@other.example was deleted", message.reason)

    def test_a_mailbox_in_a_deleted_domain_still_feeds_its_model(self):
        self.server.object_id = self.partner_model
        self.env["mail.alias.domain"].create({"name": "other.example"}).unlink()
        self.assertEqual(self.deliver(raw(to="info@other.example")).state, "delivered")

    def test_mail_to_a_deleted_alias_and_a_deleted_domain_goes_to_the_model(self):
        self.server.object_id = self.partner_model
        self.env["mail.alias.domain"].create({"name": "other.example"}).unlink()
        self.alias.unlink()
        message = self.deliver(raw(to=f"info@other.example, {self.in_domain('inbound')}"))
        self.assertEqual(message.state, "delivered")

    def test_the_reason_says_that_the_target_of_a_former_address_was_deleted(self):
        self.alias.alias_name = "orders"
        self.entry("inbound").since = "2024-05-01 12:00:00"
        self.alias.unlink()
        message = self.deliver(self.to_alias())
        self.assertIn(f"The target of {self.in_domain('inbound')} was deleted on", message.reason)

    def test_mail_to_an_alias_deleted_by_sql_is_held(self):
        self.alias.alias_name = "orders"
        self.env.flush_all()
        self.env.cr.execute("DELETE FROM mail_alias WHERE id = %s", [self.alias.id])
        self.env.invalidate_all()
        message = self.deliver(self.to_alias())
        self.assertEqual(message.state, "held")
        self.assertIn("no longer exists", message.reason)


@tagged("post_install", "-at_install")
class TestFormerOwn(FormerCommon):
    """Former addresses are ours: Odoo creates no contact for them, and sends no message to them."""

    def own(self, *addresses):
        return self.env["mail.alias.domain"].sudo()._find_aliases(list(addresses))

    def test_former_addresses_are_our_own(self):
        old = [self.in_domain("inbound"), self.domain.catchall_email, self.domain.bounce_email]
        self.alias.alias_name = "orders"
        self.domain.write({"catchall_alias": "answers", "bounce_alias": "returns"})
        self.assertEqual(self.own("mary@customer.example", *old), old)

    def test_addresses_of_deleted_aliases_are_our_own(self):
        self.alias.unlink()
        self.assertEqual(self.own(self.in_domain("inbound")), [self.in_domain("inbound")])

    def test_only_addresses_in_use_of_a_renamed_domain_are_our_own(self):
        self.domain.name = "new.example"
        self.assertEqual(self.own(self.in_domain("person"), self.in_domain("inbound")), [self.in_domain("inbound")])

    def test_addresses_of_people_in_a_deleted_domain_are_not_our_own(self):
        self.env["mail.alias.domain"].create({"name": "other.example"}).unlink()
        self.assertEqual(self.own("person@other.example"), [])

    def test_retired_addresses_are_not_our_own(self):
        self.alias.alias_name = "orders"
        self.entry("inbound").action_archive()
        self.assertEqual(self.own(self.in_domain("inbound")), [])

    def test_without_entries_no_query_is_added(self):
        self.own("mary@customer.example")  # fills caches
        self.env.invalidate_all()
        with self.assertQueryCount(3):  # alias domains, the parameter, aliases: core's own
            self.own("mary@customer.example")
        self.assertFalse(self.former._any())
