"""Sending several messages over one session."""

import email
import email.policy
import socket
import time
from unittest.mock import patch

from odoo.addons.mail_gateway.tests.tools.smtp.pipelining_server import CLOSE, HANG, PipeliningServer
from odoo.addons.mail_gateway.tests.tools.tools_common import ToolsCase
from odoo.addons.mail_gateway.tools.failures.categories import Category, Phase, Scope
from odoo.addons.mail_gateway.tools.secrets import Secrets
from odoo.addons.mail_gateway.tools.smtp import preparation, transmission
from odoo.addons.mail_gateway.tools.smtp.envelope import Envelope, Outcome
from odoo.addons.mail_gateway.tools.smtp.session import Session
from odoo.addons.mail_gateway.tools.smtp.transaction import JournalFailed, SessionOver
from odoo.addons.mail_gateway.tools.smtp.transmission import Transmission

ACCEPTED, DELAYED, FAILED, UNCERTAIN = Outcome
A, B, GONE = "a@x.example", "b@x.example", "gone@x.example"
NOT_PIPELINING = ("8BITMIME", "SIZE 1000000")


def envelope(key=1, recipients=(A,), content=b"Subject: Hello\r\n\r\nHello\r\n", sender="bounce@mycompany.example"):
    return Envelope(key, sender, tuple(recipients), content)


class ListFeed:
    def __init__(self, *envelopes):
        self.envelopes = list(envelopes)

    def take(self, wait):
        return self.envelopes.pop(0) if self.envelopes else None

    def give_back(self, envelope):
        self.envelopes.insert(0, envelope)


class LazyFeed(ListFeed):
    """Has a message only when the session waits for one."""

    def take(self, wait):
        return super().take(wait) if wait else None


class MemoryJournal:
    def __init__(self, server):
        self._server = server
        self.events, self.results, self.taken_before_end = [], {}, {}

    def about_to_end(self, envelope):
        self.events.append(("end", envelope.key))
        self.taken_before_end[envelope.key] = len(self._server.messages)

    def settle(self, envelope, results):
        self.events.append(("settle", envelope.key))
        self.results[envelope.key] = results


class TransmissionCase(ToolsCase):
    def send(self, *envelopes, answers=None, feed=ListFeed, max_messages=None, secrets=None, **options):
        self.server = PipeliningServer(answers, **options)
        self.addCleanup(self.server.stop)
        sock = socket.create_connection(("127.0.0.1", self.server.port), timeout=10)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.addCleanup(sock.close)
        session = Session(sock, "127.0.0.1", "client.example")
        session.getreply()
        session.ehlo()
        self.journal = MemoryJournal(self.server)
        self.over, self.feed = None, feed(*envelopes)
        try:
            Transmission(session, self.feed, self.journal, max_messages, secrets).run()
        except SessionOver as over:
            self.over = over

    def outcomes(self, key=1):
        return [(result.outcome, result.phase) for result in self.journal.results[key]]

    def failure(self, key=1, number=0):
        return self.journal.results[key][number].failure


class TestTransmission(TransmissionCase):
    def test_a_message_arrives_with_its_envelope(self):
        self.send(envelope(recipients=(A, B)))
        self.assertEqual(self.server.messages[0][2], b"Subject: Hello\r\n\r\nHello")
        self.assertEqual(self.server.messages[0][1], [f"RCPT TO:<{A}>", f"RCPT TO:<{B}>"])
        self.assertEqual(self.server.messages[0][0], "MAIL FROM:<bounce@mycompany.example> SIZE=25")
        self.assertEqual(self.outcomes(), [(ACCEPTED, Phase.END_OF_DATA)] * 2)
        self.assertEqual(self.journal.results[1][0].reply.text, "queued as 1")

    def test_one_round_trip_for_each_message(self):
        self.send(*(envelope(number) for number in range(10)))
        self.assertEqual(len(self.server.messages), 10)
        # EHLO; the commands of the first message; then each end of data with the next message's commands
        self.assertEqual(len(self.server.groups), 12)
        self.assertEqual([word[:4] for word in self.server.groups[2]], [".", "MAIL", "RCPT", "DATA"])

    def test_nothing_is_grouped_where_the_server_does_not_offer_it(self):
        self.send(*(envelope(number) for number in range(3)), extensions=NOT_PIPELINING)
        self.assertEqual(len(self.server.messages), 3)
        self.assertTrue(all(len(group) == 1 for group in self.server.groups))

    def test_an_end_of_data_does_not_wait_for_the_next_message(self):
        self.send(envelope(1), envelope(2), feed=LazyFeed)
        self.assertEqual(self.journal.events, [("end", 1), ("settle", 1), ("end", 2), ("settle", 2)])

    def test_an_end_of_data_is_written_down_before_it_is_sent_and_one_at_a_time(self):
        self.send(*(envelope(number) for number in range(1, 6)))
        self.assertEqual(self.journal.taken_before_end, {number: number - 1 for number in range(1, 6)})
        self.assertEqual(self.journal.events, [(what, n) for n in range(1, 6) for what in ("end", "settle")])

    def test_a_session_ends_after_so_many_messages(self):
        self.send(*(envelope(number) for number in range(5)), max_messages=2)
        self.assertEqual(list(self.journal.results), [0, 1])
        self.assertIsNone(self.over)

    def test_hundreds_of_recipients_go_in_groups(self):
        people = [f"p{number}@x.example" for number in range(230)]
        self.send(envelope(1, people), envelope(2))
        self.assertEqual(len(self.server.messages[0][1]), 230)
        self.assertLessEqual(max(map(len, self.server.groups)), transmission.MAX_GROUP)
        self.assertEqual([len(message[1]) for message in self.server.messages], [230, 1])

    def test_a_recipient_named_twice_gets_it_once(self):
        self.send(envelope(recipients=(A, A)))
        self.assertEqual(self.server.messages[0][1], [f"RCPT TO:<{A}>"])
        self.assertEqual(self.outcomes(), [(ACCEPTED, Phase.END_OF_DATA)])

    def test_a_large_message_arrives_whole(self):
        content = b"Subject: x\r\n\r\n" + b"0123456789abcdef\r\n" * 40_000
        self.send(envelope(1, content=content), envelope(2))
        self.assertEqual(self.server.messages[0][2] + b"\r\n", content)
        self.assertEqual(self.outcomes(2), [(ACCEPTED, Phase.END_OF_DATA)])


class TestRefusals(TransmissionCase):
    def test_other_recipients_get_the_message(self):
        gone = {f"RCPT TO:<{GONE}>": b"550 5.1.1 unknown\r\n", f"RCPT TO:<{B}>": b"450 4.2.0 greylisted\r\n"}
        self.send(envelope(recipients=(GONE, A, B)), answers=gone)
        self.assertEqual(self.outcomes(), [(FAILED, Phase.RCPT), (ACCEPTED, Phase.END_OF_DATA), (DELAYED, Phase.RCPT)])
        self.assertEqual(self.failure().category, Category.ADDRESS)
        self.assertEqual(self.server.messages[0][1], [f"RCPT TO:<{A}>"])

    def test_the_next_message_is_sent_when_all_recipients_were_refused(self):
        for extensions in (("PIPELINING",), ()):
            with self.subTest(extensions=extensions):
                answers = {f"RCPT TO:<{GONE}>": b"550 5.1.1 unknown\r\n"}
                self.send(envelope(1, [GONE]), envelope(2), answers=answers, extensions=("8BITMIME", *extensions))
                self.assertEqual(self.outcomes(1), [(FAILED, Phase.RCPT)])
                self.assertEqual(self.outcomes(2), [(ACCEPTED, Phase.END_OF_DATA)])
                self.assertEqual(len(self.server.messages), 1)

    def test_a_server_that_goes_ahead_without_recipients_gets_an_empty_message(self):
        answers = {f"RCPT TO:<{GONE}>": b"550 5.1.1 unknown\r\n", "DATA": b"354 go ahead\r\n", ".": [b"554 none\r\n"]}
        self.send(envelope(1, [GONE]), envelope(2), answers=answers)
        self.assertEqual(self.outcomes(1), [(FAILED, Phase.RCPT)])
        self.assertEqual(self.outcomes(2), [(ACCEPTED, Phase.END_OF_DATA)])
        self.assertEqual([event for event in self.journal.events if event[0] == "end"], [("end", 2)])

    def test_a_refused_sender_refuses_all_recipients(self):
        answers = {
            "MAIL": [b"550 5.7.60 not allowed\r\n"],
            "RCPT": [b"503 no MAIL\r\n"] * 2,
            "DATA": [b"503 no MAIL\r\n"],
        }
        self.send(envelope(1, (A, B)), envelope(2), answers=answers)
        self.assertEqual(self.outcomes(1), [(FAILED, Phase.MAIL)] * 2)
        self.assertEqual(self.failure().category, Category.SENDER)
        self.assertEqual(self.outcomes(2), [(ACCEPTED, Phase.END_OF_DATA)])

    def test_a_refused_message_refuses_the_recipients_that_were_accepted(self):
        self.send(envelope(1, (A, B)), envelope(2), answers={".": [b"554 5.6.0 spam\r\n"]})
        self.assertEqual(self.outcomes(1), [(FAILED, Phase.END_OF_DATA)] * 2)
        self.assertEqual(self.outcomes(2), [(ACCEPTED, Phase.END_OF_DATA)])

    def test_a_refused_data_command_is_temporary_or_not(self):
        self.send(envelope(1), envelope(2), answers={"DATA": [b"451 later\r\n"]})
        self.assertEqual(self.outcomes(1), [(DELAYED, Phase.DATA)])
        self.assertEqual(self.outcomes(2), [(ACCEPTED, Phase.END_OF_DATA)])

    def test_a_message_beyond_the_size_that_the_server_names_is_not_sent(self):
        self.send(envelope(1, content=b"x" * 2000), envelope(2), extensions=("PIPELINING", "SIZE 1000"))
        self.assertEqual(self.outcomes(1), [(FAILED, Phase.MAIL)])
        self.assertEqual(self.failure().category, Category.SIZE)
        self.assertEqual(self.outcomes(2), [(ACCEPTED, Phase.END_OF_DATA)])


class TestBrokenSessions(TransmissionCase):
    LARGE = b"Subject: x\r\n\r\n" + b"0123456789abcdef\r\n" * 300_000

    def test_a_server_that_closes_during_the_data_leaves_nothing_uncertain(self):
        self.send(
            envelope(1, content=self.LARGE), extensions=("PIPELINING",), answers={"during data": b"421 4.3.2 down\r\n"}
        )
        self.assertEqual(self.outcomes(), [(DELAYED, Phase.DATA)])
        self.assertEqual(self.over.reply.text, "down")
        self.assertNotIn(("end", 1), self.journal.events)

    def test_a_refusal_during_the_data_is_the_messages(self):
        answers = {"during data": b"552 5.3.4 too big\r\n"}
        self.send(envelope(1, content=self.LARGE), extensions=("PIPELINING",), answers=answers)
        self.assertEqual(self.outcomes(), [(FAILED, Phase.DATA)])
        self.assertEqual(self.failure().category, Category.SIZE)
        self.assertIsNone(self.over)

    def test_a_session_that_is_closed_between_messages_fails_nobody(self):
        for extensions in (("PIPELINING",), ("8BITMIME",)):
            with self.subTest(extensions=extensions):
                answers = {"MAIL": [b"250 ok\r\n", CLOSE]}
                self.send(*map(envelope, (1, 2, 3)), answers=answers, extensions=extensions)
                self.assertEqual(list(self.journal.results), [1])
                self.assertEqual([each.key for each in self.feed.envelopes], [2, 3])
                self.assertIsNone(self.over)

    def test_a_reply_that_drips_ends_in_time(self):
        def drip():
            time.sleep(0.3)
            return b"2"

        with patch.object(transmission, "COMMAND_TIMEOUT", 0.2):
            self.send(envelope(1), answers={"MAIL": drip})
        self.assertEqual(self.outcomes()[0][0], DELAYED)

    def test_a_refusal_shows_no_secret(self):
        answers = {"MAIL": b"530 5.7.0 not hunter2-secret\r\n"}
        self.send(envelope(1), answers=answers, secrets=Secrets("hunter2-secret"))
        self.assertNotIn("hunter2", str(self.journal.results[1][0].reply))

    def test_an_error_of_the_journal_is_no_failure_of_the_server(self):
        def fail(_envelope):
            raise TimeoutError

        with (
            patch.object(MemoryJournal, "about_to_end", lambda _journal, envelope: fail(envelope)),
            self.assertRaises(JournalFailed) as raised,
        ):
            self.send(envelope(1))
        self.assertIsInstance(raised.exception.__cause__, TimeoutError)
        self.assertEqual(self.server.messages, [])

    def test_421_in_a_group_ends_the_session_and_fails_nobody(self):
        self.send(envelope(1), envelope(2), envelope(3), answers={"MAIL": [b"250 ok\r\n", b"421 4.7.0 too many\r\n"]})
        self.assertEqual(self.outcomes(1), [(ACCEPTED, Phase.END_OF_DATA)])
        self.assertEqual(self.outcomes(2), [(DELAYED, Phase.MAIL)])
        self.assertEqual(self.failure(2).scope, Scope.SERVER)
        self.assertNotIn(3, self.journal.results)
        self.assertEqual(self.over.failure.scope, Scope.SERVER)

    def test_421_to_the_end_of_data_is_a_refusal_and_ends_the_session(self):
        self.send(envelope(1), envelope(2), answers={".": [b"421 4.3.0 closing\r\n"]})
        self.assertEqual(self.outcomes(1), [(DELAYED, Phase.END_OF_DATA)])
        self.assertEqual(self.outcomes(2), [(DELAYED, Phase.MAIL)])
        self.assertTrue(self.over)

    def test_a_connection_that_ends_before_the_end_of_data_leaves_nothing_uncertain(self):
        for command, phase in {"MAIL": Phase.MAIL, "RCPT": Phase.RCPT, "DATA": Phase.DATA}.items():
            for extensions in (("PIPELINING",), ("8BITMIME",)):
                with self.subTest(command, extensions=extensions):
                    self.send(envelope(1), answers={command: CLOSE}, extensions=extensions)
                    self.assertEqual(self.outcomes()[0][0], DELAYED)
                    self.assertLessEqual(self.outcomes()[0][1], phase)
                    self.assertEqual(self.failure().scope, Scope.SERVER)

    def test_only_the_message_whose_end_of_data_has_no_reply_is_uncertain(self):
        self.send(*(envelope(number) for number in range(1, 5)), answers={".": [b"250 ok\r\n", CLOSE]})
        self.assertEqual(self.outcomes(1), [(ACCEPTED, Phase.END_OF_DATA)])
        self.assertEqual(self.outcomes(2), [(UNCERTAIN, Phase.END_OF_DATA)])
        self.assertEqual(self.outcomes(3), [(DELAYED, Phase.MAIL)])
        self.assertNotIn(4, self.journal.results)

    def test_recipients_that_were_refused_are_not_uncertain(self):
        answers = {f"RCPT TO:<{GONE}>": b"550 5.1.1 unknown\r\n", ".": CLOSE}
        self.send(envelope(1, (GONE, A)), answers=answers)
        self.assertEqual(self.outcomes(), [(FAILED, Phase.RCPT), (UNCERTAIN, Phase.END_OF_DATA)])

    def test_a_server_that_hangs_is_given_up(self):
        for command, outcome in {"MAIL": DELAYED, "RCPT": DELAYED, "DATA": DELAYED, ".": UNCERTAIN}.items():
            with (
                self.subTest(command),
                patch.object(transmission, "COMMAND_TIMEOUT", 0.2),
                patch.object(transmission, "END_OF_DATA_TIMEOUT", 0.2),
            ):
                self.send(envelope(1), answers={command: HANG})
                self.assertEqual(self.outcomes()[0][0], outcome)

    def test_replies_without_a_command_end_the_session(self):
        self.send(envelope(1), envelope(2), answers={".": [b"250 ok\r\n250 what else?\r\n"]})
        self.assertEqual(self.outcomes(1), [(ACCEPTED, Phase.END_OF_DATA)])
        # the second reply would pass for that to the next MAIL
        self.assertNotEqual(self.outcomes(2)[0][0], ACCEPTED)
        self.assertTrue(self.over)

    def test_a_reply_that_does_not_fit_its_command_ends_the_session(self):
        for command, reply in {
            "MAIL": b"354 go\r\n",
            "DATA": b"250 ok\r\n",
            ".": b"354 go\r\n",
            "RCPT": b"hello\r\n",
        }.items():
            with self.subTest(command):
                self.send(envelope(1), answers={command: reply})
                self.assertNotEqual(self.outcomes()[0][0], ACCEPTED)
                self.assertTrue(self.over)


class TestTheWire(TransmissionCase):
    def test_no_line_of_a_message_ends_it(self):
        content = b"Subject: x\r\n\r\n.\r\n.hidden\r\na\n.\nb\r.\rMAIL FROM:<evil@x.example>\r\nend"
        self.send(envelope(content=content))
        self.assertEqual(len(self.server.messages), 1)
        lines = self.server.messages[0][2].split(b"\r\n")
        self.assertEqual(
            lines[2:], [b"..", b"..hidden", b"a", b"..", b"b", b"..", b"MAIL FROM:<evil@x.example>", b"end"]
        )
        self.assertNotRegex(self.server.messages[0][2].replace(b"\r\n", b""), b"[\r\n]")

    def test_no_address_begins_a_command(self):
        for address in ("a@x.example>\r\nRCPT TO:<evil@x.example", "a b@x.example", "a@x.example\0", "<a@x.example>"):
            with self.subTest(address):
                self.send(envelope(1, [address]), envelope(2, sender=address), envelope(3))
                self.assertEqual(self.outcomes(1), [(FAILED, Phase.RCPT)])
                self.assertEqual(self.outcomes(2), [(FAILED, Phase.MAIL)])
                self.assertEqual(self.outcomes(3), [(ACCEPTED, Phase.END_OF_DATA)])
                self.assertNotIn("evil", " ".join(self.server.commands))

    def test_eight_bit_content_is_encoded_where_the_server_does_not_take_it(self):
        text = "Grüße 😀"
        content = (
            "Subject: x\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
            f"Content-Transfer-Encoding: 8bit\r\n\r\n{text}\r\n"
        ).encode()
        self.send(envelope(content=content))
        self.assertIn(text.encode(), self.server.messages[0][2])
        self.assertIn("BODY=8BITMIME", self.server.messages[0][0])
        self.send(envelope(content=content), extensions=("PIPELINING",))
        taken = self.server.messages[0][2]
        self.assertTrue(taken.isascii())
        message = email.message_from_bytes(taken, policy=email.policy.default)
        self.assertEqual(message.get_content().strip(), text)
        self.assertNotIn("BODY", self.server.messages[0][0])

    def test_any_content_can_be_encoded_or_fails_alone(self):
        attached = (
            b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\npreamble \xe9\r\n--b\r\n"
            b"Content-Type: message/rfc822\r\n\r\nSubject: caf\xe9\r\n\r\ncaf\xe9\r\n--b\r\n"
            b"Content-Type: text/plain; charset=x-unknown\r\n\r\ncaf\xe9\r\n--b\r\n"
            b"Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: binary\r\n\r\n\xff\x80\r\n--b--\r\n"
        )
        sources = [*filter(lambda source: not source.isascii(), self.every_eml()), attached]
        self.send(*(envelope(n, content=source) for n, source in enumerate(sources)), extensions=("PIPELINING",))
        self.assertEqual({self.outcomes(n)[0][0] for n in range(len(sources))}, {ACCEPTED})
        self.assertTrue(all(message[2].isascii() for message in self.server.messages))
        with (
            patch.object(preparation, "on_the_wire", side_effect=[IndexError, b"Hello\r\n"]),
            self.assertLogs(level="ERROR"),
        ):
            self.send(envelope(1), envelope(2))
        self.assertEqual(self.outcomes(1), [(FAILED, Phase.MAIL)])
        self.assertEqual(self.outcomes(2), [(ACCEPTED, Phase.END_OF_DATA)])

    def test_a_size_of_any_length_is_no_error(self):
        self.send(envelope(1), extensions=(f"SIZE {'9' * 400}",))
        self.assertEqual(self.outcomes(), [(ACCEPTED, Phase.END_OF_DATA)])

    def test_addresses_beyond_ascii_need_a_server_that_takes_them(self):
        self.send(envelope(1, ["jörg@x.example"]), extensions=("PIPELINING", "SMTPUTF8"))
        self.assertEqual(self.outcomes(), [(ACCEPTED, Phase.END_OF_DATA)])
        self.assertIn(" SMTPUTF8", self.server.messages[0][0])
        self.send(envelope(1, ["jörg@x.example", A]))
        self.assertEqual(self.outcomes(), [(FAILED, Phase.RCPT), (ACCEPTED, Phase.END_OF_DATA)])
        self.assertNotIn(" SMTPUTF8", self.server.messages[0][0])
