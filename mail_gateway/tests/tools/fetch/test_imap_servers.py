"""IMAP servers that demand something of their clients, or that behave oddly."""

import random
from base64 import b64decode
from imaplib import IMAP4

from odoo.addons.mail_gateway.tests.tools.fetch.test_imap import ACCOUNT, THREE, ImapCase, key, position
from odoo.addons.mail_gateway.tests.tools.tools_common import ClosingReply, MemoryStore, imap_script, rounds, searched
from odoo.addons.mail_gateway.tools.fetch.mailbox_errors import LoginRefused, MailboxProblem

PLAIN = b"* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\n"


class LiteralServer:
    """An `answer` of a server that takes LOGIN and AUTHENTICATE, and then follows a script.

    :ivar arguments: the arguments of the login, including literals
    """

    def __init__(self, script):
        self._script, self._expected, self._tag = script, 0, b""
        self.arguments = []

    def __call__(self, line):
        if self._expected:
            return self._literal(line)
        words = line.split()
        if words[1:2] == [b"AUTHENTICATE"]:
            self._tag, self._expected = words[0], -1
            return b"+ \r\n"
        if words[1:2] == [b"LOGIN"]:
            self._tag = words[0]
            return self._arguments(b" ".join(words[2:]))
        return self._script(line)

    def _literal(self, line):
        if self._expected < 0:
            self._expected = 0
            self.arguments.append(line)
            return b"%s OK done\r\n" % self._tag
        self.arguments.append(line[: self._expected])
        rest, self._expected = line[self._expected :], 0
        return self._arguments(rest.strip())

    def _arguments(self, text):
        if text.endswith(b"}"):
            before, _brace, size = text[:-1].rpartition(b"{")
            self.arguments += before.split()
            self._expected = int(size)
            return b"+ go on\r\n"
        self.arguments += text.split()
        return b"%s OK done\r\n" % self._tag


class TestImapLogin(ImapCase):
    def login(self, user, password, capabilities=b"* CAPABILITY IMAP4rev1\r\n"):
        """Log in; return the login command and the arguments that arrived."""
        answer = LiteralServer(imap_script({}, CAPABILITY=capabilities))
        server = self.serve(b"* OK ready\r\n", answer)
        self.open(server, log_in=lambda connection: connection.login(user, password)).check()
        commands = [line.split()[1] for line in server.received if b" " in line]
        self.assertEqual({b"LOGIN", b"AUTHENTICATE"} & set(commands), {next(c for c in commands if c != b"CAPABILITY")})
        return next(c for c in commands if c != b"CAPABILITY"), answer.arguments

    def test_ascii_credentials_are_sent_as_before(self):
        self.assertEqual(self.login("box", "secret"), (b"LOGIN", [b"box", b'"secret"']))

    def test_names_that_are_not_atoms_are_quoted(self):
        for user, sent in (("MYCOMPANY\\box", rb'"MYCOMPANY\\box"'), ('"box"', rb'"\"box\""'), ("(box)", b'"(box)"')):
            self.assertEqual(self.login(user, r'"\\'), (b"LOGIN", [sent, rb'"\"\\\\"']))

    def test_credentials_beyond_ascii_are_sent_as_literals(self):
        """Quoted strings have 7 bits (RFC 3501, section 9)."""
        for user, password in (("box", "pässword"), ("büro@mycompany.example", "secret"), ("箱", "пароль 🔑")):
            self.assertEqual(self.login(user, password), (b"LOGIN", [user.encode(), password.encode()]))

    def test_sasl_is_preferred_for_credentials_beyond_ascii(self):
        command, [answer] = self.login("büro", "pässword", PLAIN)
        self.assertEqual((command, b64decode(answer)), (b"AUTHENTICATE", "\0büro\0pässword".encode()))

    def test_sasl_replaces_a_disabled_login(self):
        command, [answer] = self.login("box", "secret", b"* CAPABILITY IMAP4rev1 LOGINDISABLED AUTH=PLAIN\r\n")
        self.assertEqual((command, b64decode(answer)), (b"AUTHENTICATE", b"\0box\0secret"))

    def test_no_password_is_sent_if_login_is_disabled(self):
        server = self.imap({}, CAPABILITY=b"* CAPABILITY IMAP4rev1 LOGINDISABLED\r\n")
        with self.assertRaisesRegex(LoginRefused, "LOGINDISABLED"):
            self.open(server)
        self.assertEqual(self.received(server, b"secret"), [])

    def test_a_password_cannot_contain_a_second_command(self):
        self.assertEqual(self.login("box", "a b\rc"), (b"LOGIN", [b"box", b"a b\rc"]))
        server = self.imap({})
        with self.assertRaises(LoginRefused):
            self.open(server, log_in=lambda connection: connection.login("box", "a\0b"))
        self.assertEqual(self.received(server, b"LOGIN"), [])

    def test_a_literal_that_is_refused_is_a_refused_login(self):
        with self.assertRaises(LoginRefused):
            self.open(self.imap({}, LOGIN=b"NO no\r\n"), log_in=lambda connection: connection.login("box", "ä"))

    def test_utf8_is_enabled_on_servers_that_accept_nothing_else(self):
        server = self.imap(
            THREE,
            CAPABILITY=b"* CAPABILITY IMAP4rev1 ENABLE UTF8=ONLY\r\n",
            ENABLE=b"* ENABLED UTF8=ACCEPT\r\n",
            UID_SEARCH_UNSEEN=searched(12),
        )
        store = self.fetch(server, folders=("Köln",))
        self.assertEqual(store.messages, {key(12, folder="Köln"): b"twelve"})
        self.assertEqual(self.received(server, b"SELECT"), ['SELECT "Köln"'.encode()])


class TestImapId(ImapCase):
    """RFC 2971: 163.com and others refuse SELECT until the client has said who it is."""

    def unsafe(self, capabilities, after_login=None, **changes):
        script = imap_script(THREE, UID_SEARCH_UNSEEN=searched(11), ID=b"* ID NIL\r\n", **changes)
        state = {"signed in": False, "known": False}

        def answer(line):
            tag, command = line.split(b" ", 1)
            state["signed in"] |= command.startswith((b"LOGIN", b"AUTHENTICATE"))
            if command == b"CAPABILITY":
                told = after_login if after_login and state["signed in"] else capabilities
                return b"* CAPABILITY %s\r\n%s OK done\r\n" % (told, tag)
            state["known"] |= command.startswith(b"ID (") and state["signed in"]
            if command.startswith(b"SELECT") and not state["known"]:
                return b"%s NO SELECT Unsafe Login. Please contact kefu@188.com for help\r\n" % tag
            return script(line)

        return self.serve(b"* OK ready\r\n", answer)

    def test_the_client_identifies_itself_if_the_server_announces_id(self):
        for capabilities, after in ((b"IMAP4rev1 ID", None), (b"IMAP4rev1 ID", b"IMAP4rev1"), (b"IMAP4rev1", b"X ID")):
            with self.subTest(capabilities, after_login=after):
                self.assertEqual(self.fetch(self.unsafe(capabilities, after)).messages, {key(11): b"eleven"})

    def test_the_client_identifies_itself_before_an_oauth_module_selects_a_folder(self):
        server = self.unsafe(b"IMAP4rev1 ID", AUTHENTICATE=b"")

        def log_in(connection):
            connection.authenticate("XOAUTH2", lambda _challenge: "user=box\1auth=Bearer token\1\1")
            connection.select("INBOX")

        self.assertEqual(self.fetch(server, log_in=log_in).messages, {key(11): b"eleven"})
        commands = [line.split()[1] for line in server.received]
        self.assertLess(commands.index(b"ID"), commands.index(b"SELECT"))

    def test_the_client_does_not_identify_itself_if_id_is_not_announced(self):
        server = self.imap(THREE)
        self.fetch(server)
        self.assertEqual(self.received(server, b"ID ("), [])

    def test_a_server_that_refuses_the_identification_is_still_read(self):
        for reply in (b"NO thanks\r\n", b"BAD what?\r\n", b'* ID ("name" "x")\r\n'):
            server = self.imap(
                THREE, CAPABILITY=b"* CAPABILITY IMAP4rev1 ID\r\n", ID=reply, UID_SEARCH_UNSEEN=searched(11)
            )
            self.assertEqual(self.fetch(server).messages, {key(11): b"eleven"})


class TestImapOwed(ImapCase):
    """A message that the server lists but does not return stays in the backlog."""

    def server(self, reply, uid=12, **changes):
        """Serve messages, but reply like this when asked for one of them, alone or among others."""
        whole = imap_script(THREE, **changes)
        others = imap_script({each: source for each, source in THREE.items() if each != uid})
        self.well = False

        def answer(line):
            if self.well or b"BODY" not in line or b"%d" % uid not in line:
                return whole(line)
            return reply(line) if callable(reply) else reply + others(line)

        return self.serve(b"* OK ready\r\n", answer)

    def assertOwed(self, server):
        store = self.fetch(server, MemoryStore(position=position(10)))
        self.assertEqual(store.messages, {key(11): b"eleven", key(14): b"fourteen"})
        self.assertEqual(store.position(ACCOUNT, "INBOX"), position(14, backlog=[12]))
        self.assertEqual(self.result.refusal.count, 1)
        self.fetch(server, store)  # the server still fails, and does not list the message as unread
        self.assertEqual(self.result.refusal.count, 1)
        self.well = True
        self.fetch(server, store)
        self.assertEqual(store.messages[key(12)], b"twelve")
        self.assertEqual(store.position(ACCOUNT, "INBOX"), position(14))
        self.assertIsNone(self.result.refusal)

    def test_ok_without_data_leaves_the_message_in_the_backlog(self):
        self.assertOwed(self.server(b""))

    def test_nil_leaves_the_message_in_the_backlog(self):
        self.assertOwed(self.server(b"* 2 FETCH (UID 12 BODY[] NIL)\r\n"))

    def test_flags_alone_leave_the_message_in_the_backlog(self):
        self.assertOwed(self.server(b"* 2 FETCH (UID 12 FLAGS (\\Seen))\r\n"))

    def test_flags_of_other_messages_leave_the_message_in_the_backlog(self):
        self.assertOwed(self.server(b"* 12 FETCH (FLAGS (\\Seen))\r\n* 3 FETCH (UID 4711 FLAGS ())\r\n"))

    def test_a_number_instead_of_a_message_leaves_it_in_the_backlog(self):
        self.assertOwed(self.server(b"* 2 FETCH (UID 12 BODY[] 4711)\r\n"))

    def test_no_for_one_of_many_messages_leaves_it_in_the_backlog(self):
        def reply(line):
            others = imap_script({uid: THREE[uid] for uid in (11, 14)})(line)
            return others.replace(b"OK done", b"NO some messages could not be read")

        self.assertOwed(self.server(reply))

    def test_bye_leaves_the_message_in_the_backlog(self):
        self.assertOwed(self.server(lambda _line: ClosingReply(b"* BYE cannot read it\r\n")))

    def test_a_literal_of_the_wrong_length_leaves_the_message_in_the_backlog(self):
        for literal in (b"{60}\r\ntwelve)\r\n", b"{3}\r\ntwelve)\r\n"):
            with self.subTest(literal):
                reply = b"* 2 FETCH (UID 12 BODY[] " + literal
                self.assertOwed(
                    self.server(lambda line, reply=reply: ClosingReply(reply + b"%s OK\r\n" % line.split()[0]))
                )

    def test_a_malformed_reply_leaves_the_message_in_the_backlog(self):
        for reply in (b"* x FETCH y\r\n", b"* 2 FETCH (UID x BODY[] y)\r\n", b"* 2 FETCH " + b"(" * 5000 + b"\r\n"):
            with self.subTest(reply[:40]):
                self.assertOwed(self.server(lambda line, reply=reply: reply + b"%s OK\r\n" % line.split()[0]))

    def test_a_message_that_is_no_longer_listed_leaves_the_backlog(self):
        server = self.server(b"", UID_SEARCH_UID=searched(11, 14))
        store = self.fetch(server, MemoryStore(position=position(10, backlog=[12])))
        self.assertEqual(store.position(ACCOUNT, "INBOX"), position(14))
        self.assertIsNone(self.result.refusal)

    def test_the_refusal_names_the_message(self):
        self.fetch(self.server(b""), MemoryStore(position=position(10)))
        self.assertEqual(str(self.result.refusal), "OK without data for UID 12, which is listed")


class TestImapOdd(ImapCase):
    def test_a_folder_that_states_no_uidvalidity_is_read(self):
        for said in (b"", b"* 0 RECENT\r\n", b"* 3 EXISTS\r\n* OK [UIDVALIDITY 0] x\r\n"):
            with self.subTest(said):
                server = self.imap(THREE, SELECT=said, UID_SEARCH_UNSEEN=searched(12))
                store = self.fetch(server)
                self.assertEqual(store.messages, {key(12, uid_validity=0): b"twelve"})
                self.assertEqual(store.position(ACCOUNT, "INBOX"), position(14, uid_validity=0))
                self.fetch(server, store)
                self.assertEqual(len(store.messages), 1)

    def test_a_bye_after_the_login_is_a_lost_connection(self):
        script = imap_script(THREE)
        server = self.serve(
            b"* OK ready\r\n", lambda line: ClosingReply(b"* BYE too many\r\n") if b"SELECT" in line else script(line)
        )
        with self.assertRaises(IMAP4.abort):
            self.fetch(server)

    def test_a_folder_with_malformed_numbers_does_not_stop_others(self):
        server = self.imap(THREE, **{'SELECT_"ODD"': b"* OK [UIDVALIDITY x] y\r\n* 99 EXISTS x\r\n"})
        store = self.fetch(server, folders=("Odd", "INBOX"))
        self.assertEqual(store.position(ACCOUNT, "INBOX"), position(14))

    def test_noise_from_a_server_raises_only_expected_errors(self):
        dice = random.Random(3501)
        words = (
            b'* |+ |OK |NO |FETCH (|)|UID |{3}\r\n|{-1}|[UIDNEXT |]|7 |SEARCH |BODY[] |"|\\|\0|\xff|((((((((((|\r\n|LIST |'
            b"NIL |99999999999 "
        ).split(b"|")
        script = imap_script(THREE)
        for _round in range(rounds(60)):
            place, noise = dice.randrange(12), b"".join(dice.choices(words, k=dice.randrange(1, 15)))
            asked = iter(range(10**6))

            def answer(line, place=place, noise=noise, asked=asked):
                return noise + b"\r\n" + script(line) if next(asked) == place else script(line)

            server = self.serve(b"* OK ready\r\n", answer)
            with self.subTest(place=place, noise=noise):
                try:
                    self.fetch(server, MemoryStore(position=position(10)), timeout=0.2)
                except (OSError, IMAP4.error, MailboxProblem):
                    continue


class TestImapExpunge(ImapCase):
    """EXPUNGE without UIDPLUS deletes the messages that any client marked."""

    def acknowledge(self, marked, store=None, capabilities=b"IMAP4rev1", **values):
        server = self.imap(
            THREE, CAPABILITY=b"* CAPABILITY %s\r\n" % capabilities, UID_SEARCH_DELETED=searched(*marked)
        )
        mailbox = self.open(server, **{"afterwards": "delete", **values})
        if store:
            mailbox.leftovers(store)
        mailbox.acknowledge([key(11), key(12)])
        return server, mailbox.acknowledged()

    def test_messages_that_another_client_marked_are_not_deleted(self):
        for values in ({}, {"afterwards": "move", "move_to": "Done"}):
            server, done = self.acknowledge([11, 12, 14], **values)
            self.assertEqual(self.received(server, b"EXPUNGE"), [])
            self.assertEqual(self.received(server, b"STORE"), [b"UID STORE 11,12 +FLAGS.SILENT (\\Deleted)"])
            self.assertEqual(done, [key(11), key(12)])

    def test_marked_messages_are_deleted_if_no_other_client_marked_any(self):
        server, _done = self.acknowledge([11, 12])
        self.assertEqual(self.received(server, b"EXPUNGE"), [b"EXPUNGE"])

    def test_messages_that_earlier_visits_left_marked_are_deleted_too(self):
        server, _done = self.acknowledge([11, 12, 14], MemoryStore({key(14): b"fourteen"}, position(14)))
        self.assertEqual(self.received(server, b"EXPUNGE"), [b"EXPUNGE"])

    def test_a_message_with_only_its_headers_stored_is_not_deleted(self):
        store = MemoryStore({key(14): b"Subject: large"}, position(14))
        store.kept_heads = {key(14): 10**8}
        server, _done = self.acknowledge([11, 12, 14], store)
        self.assertEqual(self.received(server, b"EXPUNGE"), [])

    def test_marked_messages_are_not_searched_with_uidplus(self):
        server, _done = self.acknowledge([14], capabilities=b"IMAP4rev1 UIDPLUS")
        self.assertEqual(self.received(server, b"EXPUNGE"), [b"UID EXPUNGE 11,12"])
        self.assertEqual(self.received(server, b"SEARCH"), [])

    def test_messages_are_copied_and_expunged_by_uid_without_move(self):
        server, _done = self.acknowledge([14], capabilities=b"IMAP4rev1 UIDPLUS", afterwards="move", move_to="Done")
        self.assertEqual(
            self.received(server, b"")[-3:],
            [b'UID COPY 11,12 "Done"', b"UID STORE 11,12 +FLAGS.SILENT (\\Deleted)", b"UID EXPUNGE 11,12"],
        )

    def test_nothing_is_expunged_if_the_server_does_not_list_marked_messages(self):
        server = self.imap(THREE, UID_SEARCH_DELETED=b"NO not now\r\n")
        mailbox = self.open(server, afterwards="delete")
        mailbox.acknowledge([key(11)])
        self.assertEqual(self.received(server, b"EXPUNGE"), [])
        self.assertEqual(mailbox.acknowledged(), [key(11)])

    def test_a_whole_visit_does_not_delete_messages_that_others_marked(self):
        server = self.imap(THREE, UID_SEARCH_DELETED=searched(11, 12), UID_SEARCH_UNSEEN=searched(11))
        store = self.fetch(server, MemoryStore(position=position(12)), afterwards="delete")
        self.assertEqual(set(store.messages), {key(11), key(14)})
        self.assertEqual(self.received(server, b"EXPUNGE"), [])
        self.assertEqual(store.confirmed, set(store.messages))
