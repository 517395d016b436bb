from datetime import timedelta

from odoo import fields
from odoo.tests import tagged

from odoo.addons.mail_gateway.models.inbound import mail_inbound_message_next_due
from odoo.addons.mail_gateway.tests.common import InboundCommon, raw


@tagged("post_install", "-at_install")
class TestNextDue(InboundCommon):
    """The choice of the message that a lane takes next."""

    def setUp(self):
        super().setUp()
        self.patch(mail_inbound_message_next_due, "_OLDEST", 4)
        self.patch(mail_inbound_message_next_due, "_MAX_CONVERSATIONS", 3)

    def waiting(self, conversation, count=1, minutes=0):
        """Store messages of a conversation that have been due for so many minutes; negative ones are due later."""
        number = self.env["mail.inbound.message"].search_count([])
        messages = self.store(*(raw(f"{conversation} {number + n}") for n in range(count)))
        messages.write({"conversation": conversation, "next_try": fields.Datetime.now() - timedelta(minutes=minutes)})
        return messages

    def next_due(self):
        return self.env["mail.inbound.message"]._lock_next_due()

    def deliver_one(self, message):
        message._move_to("delivered")

    def test_the_message_that_waited_longest_comes_first(self):
        _young, old, _future = self.waiting("a"), self.waiting("b", minutes=5), self.waiting("c", minutes=-5)
        self.assertEqual(self.next_due(), old)

    def test_messages_that_are_not_due_are_not_taken(self):
        self.waiting("a", 3, minutes=-5)
        self.assertFalse(self.next_due())

    def test_a_message_waits_for_the_earlier_ones_of_its_conversation(self):
        first, second = self.waiting("a", 2, minutes=9)
        first.next_try = fields.Datetime.now() + timedelta(hours=1)
        self.assertFalse(self.next_due())
        self.deliver_one(first)
        self.assertEqual(self.next_due(), second)

    def test_a_message_that_no_lane_takes_does_not_delay_later_ones(self):
        handed_over, second = self.waiting("a", 2)
        handed_over.next_try = False
        self.assertEqual(self.next_due(), second)

    def test_many_waiting_messages_of_one_conversation_do_not_delay_others(self):
        first = self.waiting("a", 9, minutes=9)[0]
        first.next_try = fields.Datetime.now() + timedelta(hours=1)
        other = self.waiting("b")
        self.assertEqual(self.next_due(), other)
        self.deliver_one(other)
        self.assertFalse(self.next_due())

    def test_many_waiting_messages_of_one_conversation_do_not_delay_a_message_without_conversation(self):
        self.waiting("a", 9, minutes=9)[0].next_try = fields.Datetime.now() + timedelta(hours=1)
        _later, lone = self.waiting(False, minutes=-9), self.waiting(False)
        self.assertEqual(self.next_due(), lone)

    def test_many_waiting_conversations_do_not_delay_others(self):
        for number in range(9):
            first, _second = self.waiting(f"a{number}", 2, minutes=9)
            first.next_try = fields.Datetime.now() + timedelta(hours=1)
        other = self.waiting("z")
        self.assertEqual(self.next_due(), other)

    def oldest_behind_others(self, *others):
        """Check that the oldest messages come first, behind a waiting conversation and among those of `others`."""
        self.waiting("a", 9, minutes=9)[0].next_try = fields.Datetime.now() + timedelta(hours=1)
        for name in others:
            self.waiting(name)
        middle, old, young = self.waiting("y", 2, 3), self.waiting(False, 1, 5), self.waiting("z", 1, 2)
        taken = self.env["mail.inbound.message"]
        for _number in range(4):
            taken += self.next_due()
            self.deliver_one(taken[-1])
        self.assertEqual(taken, old + middle + young)

    def test_the_oldest_message_behind_a_waiting_conversation_comes_first(self):
        self.oldest_behind_others()

    def test_the_oldest_message_among_many_conversations_comes_first(self):
        self.oldest_behind_others(*"bcdefg")

    def test_every_message_is_taken_once_and_in_the_order_of_its_conversation(self):
        for number, name in enumerate(("a", False, "b", "a", "c", "b", "a", "d", "e")):
            self.waiting(name, 3, minutes=number % 4)
        taken = []
        while message := self.next_due():
            self.deliver_one(message)
            taken.append(message)
        self.assertEqual(len(taken), 27)
        for name in "abcde":
            ids = [message.id for message in taken if message.conversation == name]
            self.assertEqual(ids, sorted(ids))

    # ------------------------------------------------------------------ cost

    def test_the_cost_does_not_grow_with_the_messages_waiting_in_front(self):
        self.patch(mail_inbound_message_next_due, "_OLDEST", 100)
        first, second = self.waiting("a", 2, minutes=9)
        first.next_try = fields.Datetime.now() + timedelta(hours=1)
        other = self.waiting("z")
        read = []
        for count in (200, 5000):
            self.multiply(second, count)
            before = self.rows_read()
            self.assertEqual(self.next_due(), other)
            read.append(self.rows_read() - before)
        self.assertLess(read[1], read[0] + 50)

    def multiply(self, message, count):
        """Store copies of a message that waits."""
        self.env.flush_all()
        self.env.cr.execute(
            "INSERT INTO mail_inbound_message (transport, state, conversation, next_try)"
            " SELECT transport, state, conversation, next_try FROM mail_inbound_message, generate_series(1, %s)"
            " WHERE id = %s",
            (count, message.id),
        )

    def rows_read(self):
        """Return how many rows and index entries PostgreSQL has read in this transaction."""
        self.env.cr.execute(
            "SELECT sum(pg_stat_get_xact_tuples_returned(oid)) FROM pg_class"
            " WHERE relname = 'mail_inbound_message' OR oid IN"
            " (SELECT indexrelid FROM pg_index WHERE indrelid = 'mail_inbound_message'::regclass)"
        )
        return self.env.cr.fetchone()[0]
