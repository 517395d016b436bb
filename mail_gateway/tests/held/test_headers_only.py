from odoo.exceptions import UserError
from odoo.tests import tagged

from odoo.addons.mail_gateway.tests.inbound.test_headers_only import KEY, LargeCase


@tagged("post_install", "-at_install")
class TestDecisionsAboutHeaders(LargeCase):
    """The answers to a postmaster who decides about a message of which only the headers are stored."""

    def test_a_release_says_that_the_message_has_to_be_fetched_first(self):
        self.assertEqual(
            self.store_head().action_release()["params"]["message"],
            "Released: 1 message. Only headers are stored: Odoo has to fetch the full message from the mail server first.",
        )

    def test_a_release_of_several_messages_reports_how_many_have_only_headers(self):
        head = self.store_head()
        whole = self.store(self.to_alias())
        whole._move_to("held", "Because.", cause="size")
        self.assertEqual(
            (head + whole).action_release()["params"]["message"],
            "Released: 2 messages. Delivery follows in a moment. Only the headers of 1 message are stored: Odoo has to "
            "fetch the rest from the mail server first.",
        )

    def test_a_request_to_fetch_a_released_message_says_that_it_waits_for_delivery(self):
        head = self.store_head()
        head.action_release()
        with self.assertRaisesRegex(UserError, "“Large” is already waiting for delivery. Unless a rule holds it"):
            head.action_fetch_whole()

    def test_a_second_request_to_fetch_says_that_there_is_nothing_to_fetch(self):
        for number, decide in enumerate(("action_fetch_whole", "action_release")):
            head = self.store_head(key=f"{KEY}{number}")
            getattr(head, decide)()
            self.run_lane()
            with self.subTest(decide), self.assertRaisesRegex(UserError, "is not requested yet"):
                head.action_fetch_whole()
