from odoo.tests import new_test_user, tagged

from odoo.addons.mail_gateway.tests.common import InboundCommon, raw


@tagged("post_install", "-at_install")
class TestLimitsAllowed(InboundCommon):
    """Allowed senders are exempt from limits in every spelling of their address."""

    def setUp(self):
        super().setUp()
        self.env["ir.config_parameter"].set_param("mail.incoming.limit.alias", 1)

    def allow(self, address):
        return self.env["mail.gateway.allowed"].create({"email": address})

    def orders(self, *senders):
        """Deliver messages that make a record each."""
        to = f"inbound@{self.alias_domain}"
        return self.deliver(*(raw(f"Order {number}", sender, to) for number, sender in enumerate(senders)))

    def states(self, *senders):
        return self.orders(*senders).sorted("id").mapped("state")

    def test_an_internationalised_domain_is_allowed_in_both_spellings(self):
        for number, (listed, written) in enumerate(
            (("@café.example", "@xn--caf-dma.example"), ("@xn--caf-dma.example", "@Café.example"))
        ):
            with self.subTest(listed):
                self.allow(f"a{number}{listed}")
                sender = f"Ann <a{number}{written}>"
                self.assertEqual(self.states(sender, sender), ["delivered"] * 2)

    def test_a_non_ascii_local_part_is_allowed_in_upper_and_lower_case(self):
        self.allow("JÖRG@customer.example")
        self.assertEqual(self.states(*["jörg@customer.example"] * 2), ["delivered"] * 2)

    def test_an_allowed_sender_is_allowed_with_any_tag(self):
        self.allow("Support <support@customer.example>")
        senders = ["support+case1@customer.example", "support+case2@customer.example"]
        self.assertEqual(self.states(*senders), ["delivered"] * 2)

    def test_an_allowed_address_with_a_tag_allows_no_other_tags(self):
        self.allow("support+case1@customer.example")
        states = self.states(
            "support@customer.example", "support+case2@customer.example", "support+case1@customer.example"
        )
        self.assertEqual(states, ["delivered", "held", "delivered"])

    def test_a_sender_without_an_address_is_never_exempt(self):
        self.allow("nobody at all")
        self.assertFalse(self.env["mail.gateway.allowed"]._is_exempt("undisclosed"))
        self.assertFalse(self.env["mail.gateway.allowed"]._is_exempt(False))

    def test_a_changed_entry_takes_effect_at_once(self):
        entry = self.allow("a@customer.example")
        entry.email = "b@customer.example"
        states = self.states(*["a@customer.example"] * 2, *["b@customer.example"] * 2)
        self.assertEqual(states, ["delivered", "held", "delivered", "delivered"])

    def test_a_sender_who_is_allowed_has_no_limit_in_another_spelling(self):
        sender, other = "a@café.example", "a@xn--caf-dma.example"
        held = self.orders(sender, sender)[1]
        self.assertEqual(held.cause, "limit")
        held.action_allow_sender()
        self.run_lane()
        self.assertEqual(self.states(other, other), ["delivered"] * 2)

    def test_looking_up_a_sender_takes_one_query(self):
        self.env.flush_all()
        with self.assertQueryCount(1):
            self.env["mail.gateway.allowed"]._is_exempt("a+b@café.example")

    def test_the_reason_mentions_a_sender_without_an_address(self):
        held = self.orders("undisclosed", "undisclosed")[1]
        self.assertEqual((held.state, held.cause), ("held", "limit"))
        self.assertIn(
            "A sender without an address has reached the limit of new records: 1 within 60 minutes.",
            held.reason,
        )

    # ------------------------------------------------------------------ who decides about the list

    def test_a_postmaster_sees_and_removes_the_senders_that_they_allowed(self):
        postmaster = new_test_user(self.env, "allowing", groups="mail_gateway.group_postmaster")
        held = self.orders(*["mary@customer.example"] * 2).filtered(lambda message: message.state == "held")
        held.with_user(postmaster).action_allow_sender()
        allowed = self.env["mail.gateway.allowed"].with_user(postmaster).search([])
        self.assertIn("mary@customer.example", allowed.mapped("email"))
        allowed.unlink()
        self.assertFalse(self.env["mail.gateway.allowed"].search([]))

    def test_a_postmaster_finds_the_allowed_senders_in_the_menu(self):
        postmaster = new_test_user(self.env, "looking", groups="mail_gateway.group_postmaster")
        menu = self.env.ref("mail_gateway.mail_gateway_allowed_discuss_menu")
        self.assertIn(menu, self.env["ir.ui.menu"].with_user(postmaster).search([("id", "=", menu.id)]))
        self.assertIn(menu.id, self.env["ir.ui.menu"].with_user(postmaster)._visible_menu_ids())
