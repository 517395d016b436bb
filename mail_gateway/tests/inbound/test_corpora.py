"""Test messages of other projects: Python's, Odoo's and, if MAIL_CORPORA names a directory, those in it."""

import logging
import os
import re
import time
from collections import Counter
from contextlib import contextmanager
from importlib import import_module, util
from pathlib import Path

from odoo.modules import get_module_path
from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.mail_gateway.tests.common import InboundCommon

_logger = logging.getLogger(__name__)

# Odoo's own tests keep messages as strings with placeholders.
ODOO_MODULES = ("test_mail.data.test_mail_data", "test_mass_mailing.data.mail_test_data", "mail_group.tests.data")
_FIELD = re.compile(r"\{([a-z_]{1,40})\}")
SETTLED = ("delivered", "held", "rejected", "discarded")
# Seconds of CPU time; generous, since a message takes some 0.1 s.
PATIENCE = 30


def filled(found):
    """Return a value for a placeholder in a template of Odoo's tests."""
    known = {"to": "inbound@mycompany.example", "msg_id": "<filled@customer.example>"}
    return known.get(found.group(1), "filled@customer.example")


def python_messages():
    """Return the messages from the tests of Python's email package, which a distribution may leave out."""
    if not util.find_spec("test") or not util.find_spec("test.test_email"):
        return []
    folder = Path(util.find_spec("test.test_email").origin).parent / "data"
    return [(file.name, file.read_bytes()) for file in sorted(folder.glob("*.txt"))]


def odoo_messages():
    """Return the messages that the tests of Odoo's addons pass to its gateway, and the .eml files of the addons."""
    found = []
    for name in ODOO_MODULES:
        if not get_module_path(name.split(".")[0], display_warning=False):
            continue
        for key, text in sorted(vars(import_module(f"odoo.addons.{name}")).items()):
            if isinstance(text, str) and re.search(r"^(?:From|To|Subject): ", text, re.MULTILINE):
                found.append((f"{name}.{key}", _FIELD.sub(filled, text).encode()))
    addons = Path(get_module_path("mail")).parent
    return [
        *found,
        *(
            (file.name, file.read_bytes())
            for file in sorted(addons.glob("*/**/*.eml"))
            if "mail_gateway" not in file.parts
        ),
    ]


def further_messages():
    """Return the messages in the directory that MAIL_CORPORA names."""
    folder = os.environ.get("MAIL_CORPORA")
    return [(file.name, file.read_bytes()) for file in sorted(Path(folder).iterdir())] if folder else []


@tagged("post_install", "-at_install")
class TestCorpora(InboundCommon):
    def setUp(self):
        super().setUp()
        for parameter in ("mail.gateway.loop.threshold", "mail.incoming.limit.alias"):
            self.env["ir.config_parameter"].set_param(parameter, 10_000)  # the rules are asked and hold nothing
        # Every message makes a record, whatever its recipients.
        self.server.object_id = self.env["ir.model"]._get_id(self.record_model)

    @mute_logger(
        "odoo.addons.mail.models.mail_thread", "odoo.addons.mail_gateway.models.inbound.mail_inbound_message_outcome"
    )
    def process(self, messages):
        """Process all messages in a lane by the installed rules, then as calls of a program without rules."""
        self.assertTrue(messages, "There is nothing to test with.")
        self.through_lane(messages)
        self.env["mail.inbound.rule"].search([]).active = False
        for name, source in messages:
            with self.subTest(name), self.bounded(name):
                self.env["mail.thread"].message_process(self.record_model, source)

    def through_lane(self, messages):
        """Check that each message is settled at its first try and that every rule was asked."""
        rows = self.store(*(source for _name, source in messages))
        names = dict(zip(rows.ids, (name for name, _source in messages), strict=True))
        asked = self.watch(names)
        self.run_lane()
        for row in rows:
            with self.subTest(names[row.id]):
                self.assertIn(row.state, SETTLED, row.detail or row.reason)
                self.assertEqual(row.try_count, 1, row.detail)
        self.assertEqual({*self.env["mail.inbound.rule"].search([]).mapped("check")}, {*asked})
        _logger.info("States: %s; rules asked: %s", Counter(rows.mapped("state")), asked)

    def watch(self, names):
        """Check that each delivery takes bounded time, and count how often each check is asked.

        :param names: the names of the stored messages by id
        """
        asked = Counter()
        messages, rules = type(self.env["mail.inbound.message"]), type(self.env["mail.inbound.rule"])
        deliver, ask = messages._deliver, rules._ask

        def watched_deliver(message):
            with self.bounded(names.get(message.id, "")):
                deliver(message)

        def watched_ask(model, rule, incoming):
            asked[rule.check] += 1
            return ask(model, rule, incoming)

        self.patch(messages, "_deliver", watched_deliver)
        self.patch(rules, "_ask", watched_ask)
        return asked

    @contextmanager
    def bounded(self, name):
        started = time.thread_time()
        yield
        self.assertLess(time.thread_time() - started, PATIENCE, name)

    def test_messages_of_odoo_are_processed(self):
        self.process(odoo_messages())

    def test_messages_of_other_projects_are_processed(self):
        self.process([*python_messages(), *further_messages()])
