import tracemalloc

from odoo.exceptions import AccessError, UserError
from odoo.tests import Form, new_test_user, tagged

from odoo.addons.mail_gateway.tests.common import InboundCommon, raw

NOBODY = "nobody@elsewhere.example"


class DecisionsCommon(InboundCommon):
    """A postmaster, and messages that wait for a decision."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.postmaster = new_test_user(
            cls.env, "postmaster", name="Paul", email="paul@mycompany.example", groups="mail_gateway.group_postmaster"
        )

    def held(self, *sources, **values):
        """Messages as they are when they are held for what `values` say, for the postmaster."""
        messages = self.store(*sources)
        messages._move_to("held", values.pop("reason", "Because."), cause=values.pop("cause", "no_route"), **values)
        return messages.with_user(self.postmaster)

    def queued(self):
        """What waits to be sent to senders."""
        return self.env["mail.mail"].search([("email_from", "=", self.postmaster.email_formatted)], order="id")


@tagged("post_install", "-at_install")
class TestDecisions(DecisionsCommon):
    # ------------------------------------------------------------------ history

    def test_each_decision_is_written_down_with_who_when_and_what_it_was_held_for(self):
        message = self.held(raw(to=NOBODY), reason="No one is at home.")
        message.action_process_again()
        decision = message.decision_ids
        self.assertEqual((decision.decision, decision.user_id), ("process_again", self.postmaster))
        self.assertEqual(decision.reason, "No one is at home.")
        self.assertTrue(decision.date)

    def test_the_last_one_who_decided_stands_on_the_message(self):
        message = self.held(raw(to=NOBODY))
        message.action_process_again()
        self.run_lane()
        self.assertEqual(message.state, "held")
        colleague = new_test_user(self.env, "colleague", groups="mail_gateway.group_postmaster")
        message.with_user(colleague).action_discard()
        self.assertEqual(message.decided_by_id, colleague)
        self.assertEqual(message.decision_ids.mapped("decision"), ["discard", "process_again"])

    def test_nobody_rewrites_or_deletes_history(self):
        message = self.held(raw(to=NOBODY))
        message.action_discard()
        with self.assertRaises(UserError):
            message.sudo().decision_ids.write({"note": "It was somebody else."})
        for decision in (message.decision_ids, message.decision_ids.with_user(self.env.ref("base.user_admin"))):
            with self.assertRaises(AccessError):
                decision.unlink()

    def test_a_decision_that_is_refused_leaves_no_trace(self):
        message = self.deliver(self.to_alias()).with_user(self.postmaster)
        with self.assertRaisesRegex(UserError, "is delivered and can't become discarded"):
            message.action_discard()
        self.assertFalse(message.decision_ids)

    def test_the_route_that_was_chosen_is_remembered(self):
        self.postmaster.group_ids += self.env.ref("base.group_partner_manager")
        partner = self.env["res.partner"].create({"name": "Chosen"})
        message = self.held(raw(to=NOBODY))
        wizard = self.env["mail.inbound.route"].with_user(self.postmaster)
        wizard.create({"inbound_message_ids": message.ids, "record": f"res.partner,{partner.id}"}).action_route()
        self.assertEqual(message.decision_ids.note, "Contact: Chosen")

    # ------------------------------------------------------------------ release

    def test_what_is_released_is_delivered_whatever_rule_held_it(self):
        self.env["mail.inbound.rule"].search([("check", "=", "size")]).action = "hold"
        self.env["ir.config_parameter"].set_param("mail_gateway.size_limit", "1")
        message = self.deliver(self.to_alias() + b"x" * 1024 * 1024)
        self.assertEqual((message.state, message.cause), ("held", "size"))
        message.with_user(self.postmaster).action_release()
        self.run_lane()
        self.assertEqual(message.state, "delivered")

    def test_a_duplicate_stays_one_when_it_is_released(self):
        self.env["mail.inbound.rule"].search([("check", "=", "duplicate")]).action = "hold"
        first = self.deliver(self.to_alias(message_id="<a@x>"))
        self.env["mail.inbound.rule"].search([("check", "=", "duplicate")]).action = "discard"
        second = self.held(self.to_alias(message_id="<a@x>"), cause="duplicate")
        second.action_release()
        self.run_lane()
        self.assertEqual((first.state, second.state), ("delivered", "discarded"))

    def test_what_no_rule_holds_is_not_released(self):
        for cause in ("no_route", "lost_address", "refused"):
            message = self.held(raw(to=NOBODY), cause=cause)
            with self.subTest(cause):
                self.assertFalse(message.is_releasable)
                with self.assertRaisesRegex(
                    UserError, "No rule holds this message: it leads nowhere. Route it instead."
                ):
                    message.action_release()
                self.assertEqual((message.state, len(message.decision_ids)), ("held", 0))

    def test_what_failed_is_processed_again_instead_of_released(self):
        message = self.store(raw(to=NOBODY)).with_user(self.postmaster)
        message.sudo()._move_to("failed", "Because.", cause="error")
        with self.assertRaisesRegex(UserError, "Process it again instead"):
            message.action_release()
        self.assertFalse(message.is_releasable)

    def test_what_a_rule_or_the_limit_of_odoo_holds_is_releasable(self):
        for cause in ("size", "limit", "replies"):
            self.assertTrue(self.held(self.to_alias(), cause=cause).is_releasable, cause)

    def test_of_several_those_that_a_rule_holds_are_released(self):
        by_rule = self.held(self.to_alias(), cause="size")
        nowhere = self.held(raw(to=NOBODY))
        action = (by_rule + nowhere).action_release()
        self.assertEqual((by_rule.state, nowhere.state), ("received", "held"))
        self.assertIn("Released: 1 message.", action["params"]["message"])
        self.assertIn("No rule holds the others (1).", action["params"]["message"])

    def test_several_that_no_rule_holds_are_not_released(self):
        with self.assertRaisesRegex(UserError, "No rule holds these messages"):
            self.held(raw(to=NOBODY), raw(to=NOBODY, subject="Again")).action_release()

    # ------------------------------------------------------------------ what is said

    def test_each_decision_says_what_it_did(self):
        for method, cause, words in (
            ("action_release", "size", "Released: 2 messages. Delivery follows in a moment."),
            ("action_process_again", "no_route", "Processed again: 2 messages. Delivery follows in a moment."),
            ("action_discard", "no_route", "Discarded: 2 messages"),
        ):
            messages = self.held(raw(to=NOBODY), raw(to=NOBODY, subject="Again"), cause=cause)
            self.assertEqual(getattr(messages, method)()["params"]["message"], words)

    def test_routing_says_where_to(self):
        message = self.held(raw(to=NOBODY))
        wizard = self.env["mail.inbound.route"].with_user(self.postmaster)
        values = {"inbound_message_ids": message.ids, "target": "alias", "alias_id": self.alias.id}
        words = wizard.create(values).action_route()["params"]["message"]
        self.assertEqual(words, f"Routed to {self.alias.display_name}: 1 message. Delivery follows in a moment.")

    # ------------------------------------------------------------------ the sender is allowed

    def test_allowing_a_sender_delivers_all_that_was_held_of_them_for_a_limit(self):
        messages = self.held(
            *(self.to_alias(subject=f"Order {n}", message_id=f"<{n}@x>") for n in range(3)), cause="limit"
        )
        action = messages[0].action_allow_sender()
        self.assertIn("mary@customer.example", action["params"]["message"])
        self.run_lane()
        self.assertEqual(set(messages.mapped("state")), {"delivered"})
        self.assertEqual(messages.decision_ids.mapped("decision"), ["allow"] * 3)

    def test_allowing_a_sender_leaves_others_and_other_causes_alone(self):
        limited = self.held(self.to_alias(), cause="limit")
        other_sender = self.held(self.to_alias(sender="eve@customer.example"), cause="limit")
        other_cause = self.held(raw(to=NOBODY), cause="no_route")
        limited.action_allow_sender()
        self.assertEqual((limited.state, other_sender.state, other_cause.state), ("received", "held", "held"))

    def test_a_sender_who_is_allowed_has_one_entry_in_the_list_and_no_limit(self):
        allowed = self.env["mail.gateway.allowed"]
        for _time in range(2):
            self.held(self.to_alias(), cause="limit").action_allow_sender()
        self.assertEqual(allowed.search_count([("email_normalized", "=", "mary@customer.example")]), 1)
        self.env["ir.config_parameter"].set_param("mail.incoming.limit.alias", "1")
        self.run_lane()
        later = self.deliver(*(self.to_alias(subject=f"More {n}", message_id=f"<more{n}@x>") for n in range(3)))
        self.assertEqual(set(later.mapped("state")), {"delivered"})

    def test_only_those_held_for_a_limit_have_their_sender_allowed(self):
        with self.assertRaisesRegex(UserError, "held for a limit"):
            self.held(raw(to=NOBODY)).action_allow_sender()
        self.assertFalse(self.env["mail.gateway.allowed"].search([("email_normalized", "=", "mary@customer.example")]))

    def test_nobody_is_allowed_without_an_address(self):
        with self.assertRaisesRegex(UserError, "contains no valid address"):
            self.held(self.to_alias(sender="undisclosed"), cause="limit").action_allow_sender()

    # ------------------------------------------------------------------ all like this

    def alike(self, message):
        """The dialog about what is held for the same."""
        return (
            self.env["mail.inbound.bulk.decision"]
            .with_user(self.postmaster)
            .browse(message.action_bulk_decision()["res_id"])
        )

    def test_for_a_limit_those_of_the_same_sender_are_alike(self):
        mine, also_mine, others = (
            self.held(self.to_alias(sender=sender, message_id=f"<{n}@x>"), cause="limit")
            for n, sender in enumerate(
                ("Mary <mary@customer.example>", "mary@customer.example", "eve@customer.example")
            )
        )
        self.assertEqual(self.alike(mine).decided_message_ids, mine + also_mine)
        self.assertEqual(self.alike(others).decided_message_ids, others)

    def test_where_nobody_is_at_home_those_to_the_same_recipients_are_alike(self):
        first, second, elsewhere = self.deliver(
            raw(to=NOBODY), raw(to=NOBODY, sender="eve@customer.example"), raw(to="else@elsewhere.example")
        ).with_user(self.postmaster)
        self.assertEqual(self.alike(first).decided_message_ids, first + second)
        self.assertEqual(self.alike(elsewhere).decided_message_ids, elsewhere)

    def test_for_other_rules_those_that_the_same_rule_held_are_alike(self):
        rules = self.env["mail.inbound.rule"].create(
            [{"name": name, "check": "automatic", "action": "hold"} for name in ("One", "Two")]
        )
        first, second, other = (
            self.held(self.to_alias(), cause="automatic", rule_id=rule.id) for rule in (rules[0], rules[0], rules[1])
        )
        self.assertEqual(self.alike(first).decided_message_ids, first + second)
        self.assertEqual(self.alike(other).decided_message_ids, other)

    def test_it_says_how_many_and_whose_before_anything_is_decided(self):
        messages = self.held(
            raw(to=NOBODY), raw(to=NOBODY, subject="Again"), raw(to=NOBODY, sender="eve@customer.example")
        )
        wizard = self.alike(messages[0])
        self.assertEqual(wizard.words, "Messages: 3, from mary@customer.example (2), eve@customer.example (1)")
        self.assertEqual(set(messages.mapped("state")), {"held"})

    def test_all_alike_are_released_processed_again_or_discarded_at_once(self):
        for method, state in (
            ("action_release", "received"),
            ("action_process_again", "received"),
            ("action_allow_sender", "received"),
            ("action_discard", "discarded"),
        ):
            messages = self.held(self.to_alias(), self.to_alias(subject="Again"), cause="limit")
            getattr(self.alike(messages[0]), method)()
            self.assertEqual(messages.mapped("state"), [state] * 2, method)

    def test_what_comes_in_or_is_decided_while_one_looks_is_left_alone(self):
        messages = self.held(raw(to=NOBODY), raw(to=NOBODY, subject="Again"))
        wizard = self.alike(messages[0])
        later = self.held(raw(to=NOBODY, subject="Later"))
        messages[1].action_discard()
        wizard.action_process_again()
        self.assertEqual([*messages.mapped("state"), later.state], ["received", "discarded", "held"])

    def test_all_alike_are_routed_or_rejected_through_the_dialogs(self):
        messages = self.held(raw(to=NOBODY), raw(to=NOBODY, subject="Again"))
        for method, model in (("action_route", "mail.inbound.route"), ("action_reject", "mail.inbound.reject")):
            action = getattr(self.alike(messages[0]), method)()
            dialog = self.env[action["res_model"]].with_user(self.postmaster).with_context(**action["context"])
            self.assertEqual(dialog._name, model)
            self.assertEqual(Form(dialog).inbound_message_ids.ids, messages.ids)

    def test_what_helps_as_a_rule_stands_out_in_the_dialog_about_all(self):
        for cause, usual, releasable in (
            ("no_route", "route", False),
            ("lost_address", "route", False),
            ("limit", "allow", True),
            ("replies", "allow", True),
            ("size", "process_again", True),
            ("refused", "process_again", False),
        ):
            wizard = self.alike(self.held(self.to_alias(), cause=cause))
            self.assertEqual((wizard.usual, wizard.is_releasable), (usual, releasable), cause)

    def test_nothing_is_decided_about_all_when_somebody_decided_about_all_meanwhile(self):
        message = self.held(raw(to=NOBODY))
        wizard = self.alike(message)
        message.action_discard()
        with self.assertRaisesRegex(UserError, "decided about all of them meanwhile"):
            wizard.action_process_again()

    # ------------------------------------------------------------------ where to route

    def test_what_leads_nowhere_is_routed_to_an_alias_as_a_rule(self):
        for cause, target in (("no_route", "alias"), ("lost_address", "alias"), ("size", "record")):
            action = self.held(raw(to=NOBODY), cause=cause).action_route()
            dialog = self.env[action["res_model"]].with_user(self.postmaster).with_context(**action["context"])
            self.assertEqual(Form(dialog).target, target, cause)

    def test_no_technical_model_is_offered_as_a_place_for_mail(self):
        offered = dict(self.env["mail.inbound.route"]._selection_models())
        chatter = set(self.env["ir.model"].search([("is_mail_thread", "=", True)]).mapped("model"))
        self.assertLessEqual({"mail.blacklist", "ir.cron"}, chatter)
        self.assertFalse(offered.keys() & {"mail.blacklist", "phone.blacklist", "iap.account"})
        self.assertFalse([model for model in offered if model.startswith(("ir.", "fetchmail."))])
        self.assertIn("res.partner", offered)

    # ------------------------------------------------------------------ keeping sources

    def test_a_source_that_a_postmaster_keeps_is_marked_and_let_go_again(self):
        message = self.deliver(self.to_alias()).with_user(self.postmaster)
        message.action_keep_source()
        self.assertTrue(message.keep_source)
        message.action_let_source_go()
        self.assertFalse(message.keep_source)
        self.assertEqual(message.decision_ids.mapped("decision"), ["let_go", "keep"])

    def test_keeping_a_source_decides_nothing_about_its_message(self):
        message = self.held(raw(to=NOBODY))
        message.action_keep_source()
        message.action_let_source_go()
        self.assertEqual(len(message.decision_ids), 2)
        self.assertFalse(message.decided_by_id)
        self.assertFalse(message.decided_date)

    def test_keeping_a_source_leaves_who_decided_before(self):
        message = self.held(raw(to=NOBODY))
        message.action_discard()
        decided = (message.decided_by_id, message.decided_date)
        colleague = new_test_user(self.env, "colleague", groups="mail_gateway.group_postmaster")
        message.with_user(colleague).action_keep_source()
        self.assertEqual((message.decided_by_id, message.decided_date), decided)
        self.assertEqual(message.decision_ids[0].user_id, colleague)

    def test_a_source_is_kept_and_let_go_once(self):
        message = self.deliver(self.to_alias()).with_user(self.postmaster)
        with self.assertRaisesRegex(UserError, "Nothing of what you chose is kept"):
            message.action_let_source_go()
        message.action_keep_source()
        with self.assertRaisesRegex(UserError, "kept already"):
            message.action_keep_source()

    def test_a_source_that_is_gone_cannot_be_kept(self):
        message = self.deliver(self.to_alias())
        message.source = False
        with self.assertRaisesRegex(UserError, "deleted already"):
            message.with_user(self.postmaster).action_keep_source()

    # ------------------------------------------------------------------ rights

    def test_whoever_is_no_postmaster_decides_nothing(self):
        message = self.held(raw(to=NOBODY), cause="limit").with_user(self.user_employee)
        for name in (
            "action_process_again",
            "action_release",
            "action_discard",
            "action_allow_sender",
            "action_route",
            "action_reject",
            "action_bulk_decision",
            "action_keep_source",
            "action_let_source_go",
        ):
            with self.subTest(name), self.assertRaisesRegex(UserError, "Only a postmaster"):
                getattr(message, name)()

    def test_a_postmaster_chooses_only_among_models_that_they_may_see(self):
        offered = dict(self.env["mail.inbound.route"].with_user(self.postmaster)._selection_models())
        self.assertIn("res.partner", offered)
        self.assertFalse(
            [model for model in offered if not self.env[model].with_user(self.postmaster).has_access("read")]
        )


@tagged("post_install", "-at_install")
class TestReject(DecisionsCommon):
    def dialog(self, messages):
        """The dialog as the browser fills it in."""
        action = messages.action_reject()
        return Form(self.env[action["res_model"]].with_user(self.postmaster).with_context(**action["context"]))

    def reject(self, messages, text=None):
        dialog = self.dialog(messages)
        if text is not None:
            dialog.body = text
        dialog.save().action_reject()

    def test_the_sender_is_told_what_the_postmaster_wrote(self):
        message = self.held(raw(to=NOBODY))
        self.reject(message, "Please write to sales <b>instead</b>.")
        mail = self.queued()
        self.assertEqual((mail.email_to, mail.subject), ("mary@customer.example", "Re: Order"))
        self.assertIn("Please write to sales &lt;b&gt;instead&lt;/b&gt;.", mail.body_html)
        self.assertEqual(mail.state, "outgoing")
        self.assertEqual(
            (message.state, message.reason), ("rejected", "Rejected by Paul. mary@customer.example was told.")
        )
        self.assertTrue(message.told_date)
        self.assertIn("Please write to sales", message.decision_ids.note)

    def test_the_text_starts_with_the_reason_in_words_for_the_sender(self):
        for cause, words in (
            ("no_route", f"There is no one at the address that you wrote to: {NOBODY}"),
            ("limit", "More messages came from your address"),
            ("size", "It is too large"),
            ("loop", "in another way"),
        ):
            with self.subTest(cause):
                dialog = self.dialog(self.held(raw(to=NOBODY), cause=cause))
                self.assertIn("your message “Order” could not be accepted.", dialog.body)
                self.assertIn(words, dialog.body)
                self.assertIn("Paul", dialog.body)

    def test_the_dialog_shows_to_and_subject_of_the_letter(self):
        dialog = self.dialog(self.held(raw(to=NOBODY)))
        self.assertEqual((dialog.told, dialog.subject), ("mary@customer.example", "Re: Order"))

    def test_it_says_who_was_told(self):
        for sources, words in (
            ([raw(to=NOBODY)], "Rejected; mary@customer.example was told."),
            (
                [raw(to=NOBODY), raw(to=NOBODY, sender="eve@customer.example")],
                "Rejected: 2 messages. Told: eve@customer.example, mary@customer.example",
            ),
        ):
            action = self.dialog(self.held(*sources)).save().action_reject()
            self.assertEqual(action["params"]["message"], words)

    def test_many_are_told_the_same_each_in_a_letter_of_their_own(self):
        messages = self.held(raw(to=NOBODY), raw(to=NOBODY, sender="eve@customer.example", subject="Offer"))
        dialog = self.dialog(messages)
        self.assertNotIn("Order", dialog.body)
        dialog.save().action_reject()
        self.assertEqual(
            {(mail.email_to, mail.subject) for mail in self.queued()},
            {("mary@customer.example", "Re: Order"), ("eve@customer.example", "Re: Offer")},
        )

    def test_the_envelope_sender_is_told_as_core_has_it(self):
        self.reject(self.held(raw(to=NOBODY, Return_Path="<SRS0=HaSh=x@relay.example>")))
        self.assertEqual(self.queued().email_to, "SRS0=HaSh=x@relay.example")

    def test_the_letter_belongs_to_the_thread_of_the_message(self):
        self.reject(self.held(raw(to=NOBODY, message_id="<own@x>", References="<root@x>\r\n <parent@x>")))
        mail = self.queued()
        self.assertEqual(mail.references, "<root@x> <parent@x> <own@x>")
        self.assertIn("'In-Reply-To': '<own@x>'", mail.headers)

    def test_the_letter_comes_from_the_postmaster_and_may_be_answered(self):
        self.reject(self.held(raw(to=NOBODY)))
        mail = self.queued()
        self.assertEqual((mail.email_from, mail.reply_to), (self.postmaster.email_formatted,) * 2)
        answer = self.to_alias(subject="Re: Re: Order", References=f"{mail.references} {mail.message_id}")
        self.assertEqual(self.deliver(answer).state, "delivered")

    def test_a_postmaster_without_an_address_writes_under_that_of_the_company(self):
        self.postmaster.email = False
        self.env.company.email = "office@mycompany.example"
        message = self.held(raw(to=NOBODY))
        self.reject(message)
        mail = self.env["mail.mail"].search([("references", "like", message.message_id)])
        self.assertEqual(mail.email_from, '"Paul" <office@mycompany.example>')

    def test_the_null_sender_is_never_told(self):
        message = self.held(raw(to=NOBODY, Return_Path="<>"))
        with self.assertRaisesRegex(UserError, "its Return-Path is empty"):
            self.reject(message)
        self.assertEqual((message.state, len(self.queued())), ("held", 0))

    def test_a_sender_without_an_address_is_named_and_nobody_is_told(self):
        messages = self.held(raw(to=NOBODY), raw(to=NOBODY, sender="undisclosed", subject="Who?"))
        with self.assertRaisesRegex(UserError, "“Who\\?” can't be answered: its sender, undisclosed"):
            self.reject(messages)
        self.assertEqual((set(messages.mapped("state")), len(self.queued())), ({"held"}, 0))

    def test_a_letter_without_text_is_refused(self):
        message = self.held(raw(to=NOBODY))
        with self.assertRaisesRegex(UserError, "Write what the senders are told"):
            self.reject(message, "  ")
        self.assertEqual(message.state, "held")

    def test_a_program_is_pointed_out(self):
        dialog = self.dialog(self.held(raw(to=NOBODY, Auto_Submitted="auto-generated")))
        self.assertIn("mary@customer.example (Auto-Submitted)", dialog.warning)
        self.assertFalse(self.dialog(self.held(raw(to=NOBODY))).warning)

    def test_a_message_that_nobody_can_parse_is_refused_all_the_same(self):
        message = self.held(raw(to=NOBODY, message_id="<[x@y]>", subject="=?x-unknown?B?////?="), cause="error")
        self.reject(message, "Once more, please.")
        self.assertEqual((message.state, self.queued().email_to), ("rejected", "mary@customer.example"))

    def test_a_subject_of_several_lines_makes_no_header_of_the_letter(self):
        self.reject(self.held(raw(to=NOBODY, subject="Order\r\n Bcc: eve@customer.example")))
        self.assertEqual(self.queued().subject, "Re: Order Bcc: eve@customer.example")
        self.assertFalse(self.queued().email_cc)

    def test_a_source_that_is_gone_cannot_be_answered(self):
        message = self.held(raw(to=NOBODY))
        message.sudo().source = False
        with self.assertRaisesRegex(UserError, "its source was deleted"):
            self.reject(message)

    def test_large_messages_take_no_more_memory_than_their_heads(self):
        large = 8 << 20
        messages = self.held(*(raw(to=NOBODY, subject=f"{n}") + b"x" * large for n in range(3)))
        self.env.invalidate_all()
        tracemalloc.start()
        self.addCleanup(tracemalloc.stop)
        self.reject(messages)
        _now, most = tracemalloc.get_traced_memory()
        self.assertEqual(set(messages.mapped("state")), {"rejected"})
        self.assertLess(most, large)

    def test_who_may_not_read_a_message_learns_nothing_of_its_sender(self):
        message = self.held(raw(to=NOBODY))
        dialog = self.env["mail.inbound.reject"].with_user(self.user_employee)
        with self.assertRaises(AccessError):
            _ = dialog.new({"inbound_message_ids": message.ids}).told
