from odoo.tests import new_test_user, tagged

from odoo.addons.mail_gateway.tests.common import InboundCommon, raw


@tagged("post_install", "-at_install")
class TestLimitsAllowed(InboundCommon):
    """Whom no limit counts, however their address is spelled."""

    def setUp(self):
        super().setUp()
        self.env["ir.config_parameter"].set_param("mail.incoming.limit.alias", 1)

    def allow(self, address):
        return self.env["mail.gateway.allowed"].create({"email": address})

    def orders(self, *senders):
        """Messages that make a record each."""
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

    def test_a_local_part_of_any_letters_is_allowed_in_upper_and_lower_case(self):
        self.allow("JÖRG@customer.example")
        self.assertEqual(self.states(*["jörg@customer.example"] * 2), ["delivered"] * 2)

    def test_who_is_allowed_is_with_an_address_for_each_case(self):
        self.allow("Support <support@customer.example>")
        senders = ["support+case1@customer.example", "support+case2@customer.example"]
        self.assertEqual(self.states(*senders), ["delivered"] * 2)

    def test_an_address_for_one_case_allows_no_others(self):
        self.allow("support+case1@customer.example")
        states = self.states(
            "support@customer.example", "support+case2@customer.example", "support+case1@customer.example"
        )
        self.assertEqual(states, ["delivered", "held", "delivered"])

    def test_whoever_has_no_address_is_spared_by_no_entry(self):
        self.allow("nobody at all")
        self.assertFalse(self.env["mail.gateway.allowed"]._is_exempt("undisclosed"))
        self.assertFalse(self.env["mail.gateway.allowed"]._is_exempt(False))

    def test_a_changed_entry_counts_as_it_is_now(self):
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

    def test_looking_somebody_up_takes_one_query(self):
        self.env.flush_all()
        with self.assertQueryCount(1):
            self.env["mail.gateway.allowed"]._is_exempt("a+b@café.example")

    def test_senders_without_an_address_are_called_so(self):
        held = self.orders("undisclosed", "undisclosed")[1]
        self.assertEqual((held.state, held.cause), ("held", "limit"))
        self.assertIn(
            "A sender without an address has reached the limit of new records: 1 within 60 minutes.",
            held.reason,
        )

    # ------------------------------------------------------------------ who decides about it

    def test_a_postmaster_sees_and_undoes_whom_they_allowed(self):
        postmaster = new_test_user(self.env, "allowing", groups="mail_gateway.group_postmaster")
        held = self.orders(*["mary@customer.example"] * 2).filtered(lambda message: message.state == "held")
        held.with_user(postmaster).action_allow_sender()
        allowed = self.env["mail.gateway.allowed"].with_user(postmaster).search([])
        self.assertIn("mary@customer.example", allowed.mapped("email"))
        allowed.unlink()
        self.assertFalse(self.env["mail.gateway.allowed"].search([]))

    def test_a_postmaster_finds_whom_they_allowed_in_the_menu(self):
        postmaster = new_test_user(self.env, "looking", groups="mail_gateway.group_postmaster")
        menu = self.env.ref("mail_gateway.mail_gateway_allowed_discuss_menu")
        self.assertIn(menu, self.env["ir.ui.menu"].with_user(postmaster).search([("id", "=", menu.id)]))
        self.assertIn(menu.id, self.env["ir.ui.menu"].with_user(postmaster)._visible_menu_ids())
