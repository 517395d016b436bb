"""Several sessions with one server side by side."""

import threading
import time
from collections import Counter
from unittest.mock import patch

from odoo.addons.mail_gateway.tests.tools.smtp.pipelining_server import CLOSE, HANG, PipeliningServer
from odoo.addons.mail_gateway.tests.tools.tools_common import ToolsCase
from odoo.addons.mail_gateway.tools.failures.categories import Category, Phase, Scope
from odoo.addons.mail_gateway.tools.smtp import sending as sending_module
from odoo.addons.mail_gateway.tools.smtp.connection_test_values import Plan
from odoo.addons.mail_gateway.tools.smtp.envelope import Envelope, Outcome
from odoo.addons.mail_gateway.tools.smtp.envelope_queue import EnvelopeQueue
from odoo.addons.mail_gateway.tools.smtp.sending import Sending

SENDER = "bounce@mycompany.example"


def envelope(number, content=b"Subject: Hello\r\n\r\nHello\r\n"):
    return Envelope(number, SENDER, (f"p{number}@x.example",), content)


class ThreadSafeJournal:
    def __init__(self):
        self.lock = threading.Lock()
        self.outcomes, self.opened_sessions, self.failures, self.order = {}, [], [], []

    def opened(self, connection, session):
        with self.lock:
            self.opened_sessions.append((connection, session))

    def about_to_end(self, connection, envelope):
        with self.lock:
            self.order.append((connection, envelope.key))

    def settle(self, connection, envelope, results):
        with self.lock:
            self.outcomes[envelope.key] = results[0].outcome

    def failed(self, connection, over):
        with self.lock:
            self.failures.append(over)


class TestSending(ToolsCase):
    def start(self, answers=None, port=None, login=None, secret="", **options):
        self.server = PipeliningServer(answers)
        self.addCleanup(self.server.stop)
        self.journal = ThreadSafeJournal()
        plan = Plan("127.0.0.1", port or self.server.port, "none", SENDER, "", login=login, secret=secret)
        self.sending = Sending(plan, self.journal, **options)
        self.addCleanup(self.sending.stop)
        return self.sending

    def test_all_messages_arrive_once(self):
        sending = self.start(connections=3)
        for number in range(200):
            self.assertTrue(sending.put(envelope(number)))
        self.assertEqual(sending.finish(), [])
        self.assertEqual(Counter(self.journal.outcomes.values()), {Outcome.ACCEPTED: 200})
        self.assertEqual(len({message[1][0] for message in self.server.messages}), 200)
        self.assertEqual(len(self.server.messages), 200)

    def test_messages_that_came_before_the_first_session_share_all_sessions(self):
        opened = threading.Event()

        def greet():
            opened.wait(10)
            return b"220 test\r\n"

        sending = self.start({"connect": greet}, connections=3)
        for number in range(100):
            sending.put(envelope(number))
        opened.set()
        sending.finish()
        self.assertEqual(self.server.connections, 3)
        self.assertEqual(len(self.server.messages), 100)

    def test_a_session_is_replaced_after_so_many_messages(self):
        sending = self.start(connections=1, max_messages=10)
        for number in range(25):
            sending.put(envelope(number))
        sending.finish()
        self.assertEqual(len(self.server.messages), 25)
        self.assertEqual(self.server.connections, 3)

    def test_a_server_that_is_down_costs_one_connection(self):
        sending = self.start(port=1, connections=5)
        sending.put(envelope(1))
        left = sending.finish()
        self.assertEqual([item.key for item in left], [1])
        self.assertEqual(len(self.journal.failures), 1)
        self.assertEqual(sending.over.failure.category, Category.UNREACHABLE)
        self.assertEqual(sending.over.phase, Phase.CONNECT)
        self.assertFalse(sending.put(envelope(2)))

    def test_a_server_that_refuses_everybody_fails_no_message(self):
        sending = self.start({"connect": b"554 5.7.1 go away\r\n"})
        sending.put(envelope(1))
        self.assertEqual([item.key for item in sending.finish()], [1])
        self.assertEqual(self.journal.outcomes, {})
        self.assertEqual((sending.over.failure.scope, sending.over.failure.permanent), (Scope.SERVER, False))
        self.assertEqual(sending.over.reply.text, "go away")

    def test_messages_after_a_lost_connection_stay(self):
        sending = self.start({".": [b"250 ok\r\n", CLOSE]}, connections=1)
        for number in range(6):
            sending.put(envelope(number))
        left = sending.finish()
        self.assertEqual(self.journal.outcomes[0], Outcome.ACCEPTED)
        self.assertEqual(self.journal.outcomes[1], Outcome.UNCERTAIN)
        self.assertEqual(len(self.journal.outcomes) + len(left), 6)
        self.assertEqual(Counter(self.journal.outcomes.values())[Outcome.UNCERTAIN], 1)

    def test_a_refused_login_is_the_servers_failure_and_shows_no_password(self):
        def login(connection):
            connection.user, connection.password = "box", "hunter2-secret"
            connection.docmd("AUTH", "PLAIN aHVudGVyMi1zZWNyZXQ=")

        answers = {"AUTH": b"535 5.7.8 wrong password hunter2-secret aHVudGVyMi1zZWNyZXQ=\r\n"}
        sending = self.start(answers, login=login, secret="hunter2-secret")
        sending.put(envelope(1))
        sending.finish()
        self.assertEqual((sending.over.failure.category, sending.over.phase), (Category.LOGIN, Phase.AUTH))
        self.assertNotIn("hunter2", str(sending.over.reply))
        self.assertNotIn("aHVudGVy", str(sending.over.reply))

    def test_a_bug_in_the_journal_reaches_the_caller(self):
        sending = self.start()

        def broken(connection, envelope):
            raise ZeroDivisionError

        self.journal.about_to_end = broken
        sending.put(envelope(1))
        with self.assertRaises(ZeroDivisionError):
            sending.finish()
        self.assertEqual(self.server.messages, [])

    def test_one_message_needs_one_session(self):
        sending = self.start(connections=5)
        sending.put(envelope(1))
        sending.finish()
        self.assertEqual(self.server.connections, 1)

    def test_a_server_that_allows_few_sessions_keeps_them(self):
        greetings = [b"220 test\r\n", b"421 too many connections\r\n", b"421 too many connections\r\n"]
        sending = self.start({"connect": greetings}, connections=3, max_messages=None)
        for number in range(100):
            sending.put(envelope(number))
        self.assertEqual(sending.finish(), [])
        self.assertEqual(Counter(self.journal.outcomes.values()), {Outcome.ACCEPTED: 100})
        self.assertIsNone(sending.over)

    def test_a_server_that_hangs_is_cut(self):
        for command in ("connect", "MAIL", "."):
            with self.subTest(command), patch.object(sending_module, "STOP_SECONDS", 0.2):
                sending = self.start({command: HANG})
                sending.put(envelope(1))
                began = time.monotonic()
                sending.stop()
                self.assertLess(time.monotonic() - began, 3)
                self.assertFalse(any(thread.name.startswith("mail sending") for thread in threading.enumerate()))

    def test_messages_that_a_session_gives_back_while_sending_stops_are_returned(self):
        received = threading.Event()

        def close():
            received.set()
            stopping.wait(10)
            return CLOSE

        stopping = threading.Event()
        sending = self.start({"MAIL": [b"250 ok\r\n", close]}, connections=1)
        sending.put(envelope(1))
        sending.put(envelope(2))
        self.assertTrue(received.wait(10))
        threading.Timer(0.2, stopping.set).start()
        self.assertEqual([left.key for left in sending.stop()], [2])
        self.assertEqual(self.journal.outcomes, {1: Outcome.ACCEPTED})

    def test_sending_ends_at_once_when_told_to(self):
        sending = self.start()
        sending.put(envelope(1))
        sending.stop()
        self.assertFalse(sending.put(envelope(2)))
        self.assertFalse(any(thread.name.startswith("mail sending") for thread in threading.enumerate()))


class TestEnvelopeQueue(ToolsCase):
    def test_memory_is_bounded(self):
        queue = EnvelopeQueue(max_bytes=1000)
        self.assertTrue(queue.put(envelope(1, b"x" * 600)))
        self.assertFalse(queue.put(envelope(2, b"x" * 600), timeout=0.01))
        self.assertEqual(queue.take(1).key, 1)
        self.assertTrue(queue.put(envelope(2, b"x" * 600), timeout=0.01))

    def test_a_message_beyond_the_limit_waits_alone(self):
        queue = EnvelopeQueue(max_bytes=1000)
        self.assertTrue(queue.put(envelope(1, b"x" * 5000)))
        self.assertFalse(queue.put(envelope(2), timeout=0.01))

    def test_a_closed_queue_gives_what_it_has_and_then_ends(self):
        queue = EnvelopeQueue(max_bytes=1000)
        queue.put(envelope(1))
        queue.close()
        self.assertFalse(queue.put(envelope(2)))
        self.assertEqual(queue.take(1).key, 1)
        self.assertIsNone(queue.take(1))

    def test_nothing_to_take_is_said_at_once(self):
        self.assertIsNone(EnvelopeQueue(1000).take(0))
