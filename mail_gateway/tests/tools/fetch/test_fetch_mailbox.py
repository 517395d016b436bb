import time
from unittest.mock import patch

from odoo.addons.mail_gateway.tests.tools.tools_common import MemoryStore, ToolsCase
from odoo.addons.mail_gateway.tools.fetch.fetch_mailbox import MAILBOXES, FetchResult, fetch_mailbox
from odoo.addons.mail_gateway.tools.fetch.mailbox import Batch, RemoteMessage
from odoo.addons.mail_gateway.tools.fetch.mailbox_errors import MessagesRefused
from odoo.addons.mail_gateway.tools.fetch.mailbox_settings import MailboxSettings
from odoo.addons.mail_gateway.tools.fetch.time_budget import TimeBudget

LATER = time.monotonic() + 3600
BATCHES = [
    Batch([RemoteMessage("a", b"1"), RemoteMessage("b", b"2")], ["a", "b"]),
    Batch([RemoteMessage("c", b"3")], ["c"]),
]


class PlainMailbox:
    """A mailbox that only records what is done with it."""

    def __init__(self, batches, log, refuses=()):
        self._batches, self._log, self._refuses, self._done = batches, log, refuses, []

    def __enter__(self):
        return self

    def __exit__(self, *_exc):
        self._log.append("closed")

    def leftovers(self, store):
        return store.unacknowledged()

    def new_batches(self, _store, _budget):
        yield from self._batches

    def acknowledge(self, keys):
        keys = list(keys)
        if set(keys) & set(self._refuses):
            raise ConnectionResetError
        self._log.append(("acknowledged", keys))
        self._done += keys

    def acknowledged(self):
        self._log.append("asked")
        return self._done


class LoggingStore(MemoryStore):
    """A store that can fail."""

    def __init__(self, log, fails=False, **values):
        super().__init__(**values)
        self._log, self._fails = log, fails

    def add(self, batch):
        if self._fails:
            raise OSError("no space left")
        not_stored = super().add(batch)
        self._log.append(("stored", [message.key for message in batch.messages]))
        return not_stored


class TestFetch(ToolsCase):
    def setUp(self):
        super().setUp()
        self.log = []
        self.store = LoggingStore(self.log)

    def fetch(self, batches=BATCHES, deadline=LATER, **values):
        settings = MailboxSettings("test", "127.0.0.1", 1, "box", log_in=None)
        with patch.dict(MAILBOXES, {"test": lambda _settings: PlainMailbox(batches, self.log, **values)}):
            return fetch_mailbox(settings, self.store, TimeBudget(deadline))

    def test_each_batch_is_stored_before_it_is_acknowledged(self):
        self.fetch()
        self.assertEqual(
            self.log[1:5],
            [("stored", ["a", "b"]), ("acknowledged", ["a", "b"]), ("stored", ["c"]), ("acknowledged", ["c"])],
        )

    def test_the_result_counts_the_stored_messages(self):
        self.assertEqual(self.fetch(), FetchResult(3, True))

    def test_a_refusal_is_returned_along_with_the_number_of_stored_messages(self):
        refusal = MessagesRefused([ValueError("no")])
        self.assertEqual(self.fetch([*BATCHES, Batch([], [], refusal=refusal)]), FetchResult(3, True, refusal))

    def test_messages_that_cannot_be_stored_are_not_acknowledged(self):
        self.store = LoggingStore(self.log, fails=True)
        with self.assertRaises(OSError):
            self.fetch()
        self.assertEqual(self.log, [("acknowledged", []), "closed"])

    def test_messages_left_by_a_killed_run_are_acknowledged_first(self):
        self.store = LoggingStore(self.log, stored={"old": b"0"})
        self.fetch()
        self.assertEqual(self.log[0], ("acknowledged", ["old"]))

    def test_acknowledgements_count_once_the_mailbox_is_closed(self):
        self.fetch()
        self.assertEqual(self.log[-2:], ["closed", "asked"])
        self.assertEqual(self.store.confirmed, {"a", "b", "c"})

    def test_a_lost_connection_confirms_nothing_and_loses_nothing(self):
        with self.assertRaises(ConnectionResetError):
            self.fetch(refuses=["c"])
        self.assertEqual((set(self.store.messages), self.store.confirmed), ({"a", "b", "c"}, set()))

    def test_the_next_visit_acknowledges_the_messages_of_a_lost_one(self):
        with self.assertRaises(ConnectionResetError):
            self.fetch(refuses=["c"])
        self.fetch(batches=[])
        self.assertEqual(self.store.confirmed, {"a", "b", "c"})

    def test_no_further_batch_is_begun_after_the_deadline(self):
        self.assertEqual(self.fetch(deadline=time.monotonic() - 1), FetchResult(2, False))
        self.assertEqual(self.store.confirmed, {"a", "b"})

    def test_an_empty_mailbox_is_read_to_its_end(self):
        self.assertEqual(self.fetch(batches=[], deadline=time.monotonic() - 1), FetchResult(0, True))
