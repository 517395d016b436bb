"""The addon's assumptions about Odoo's own code, compared with the Odoo that is installed.

A port to another Odoo, or a newer build of this one, fails here first and reports what changed. docs/adr/0003 and 0004 give
the reason for each assumption.
"""

import ast
import hashlib
import inspect
import textwrap
from email import message_from_string
from email.policy import SMTP

from odoo.tests import TransactionCase, tagged
from odoo.tools import mute_logger

from odoo.addons.mail.models.mail_alias import MailAlias
from odoo.addons.mail.models.mail_thread import MailThread
from odoo.addons.mail.tests.common import MailCommon
from odoo.addons.mail_gateway.models.core_assumptions import is_without_route

ADDON = "odoo.addons.mail_gateway."
# Core's methods that the addon replaces, with the hash of their code. When one of them changes: compare the change with our
# method (its docstring says "Replaces core's method"), follow it where it matters, then write the new hash.
REPLACED = {
    "fetchmail.server._connect__": "dff4fed27fe7503e",
    "fetchmail.server._fetch_mail": "c4eba6f090b7d8be",
    "fetchmail.server.button_confirm_login": "9212e53dc5897245",
    "fetchmail.server.fetch_mail": "157bed6db18b879c",
    "ir.mail_server._find_mail_server": "04ecd337d434c265",
    "ir.mail_server._get_default_from_filter": "90eb65175d7d9386",
    "ir.mail_server._match_from_filter": "3337c79a01a100e2",
    "ir.mail_server.test_smtp_connection": "d505c46b678c92a5",
    "mail.gateway.allowed.get_empty_list_help": "ad20af7bfde3e486",
    "mail.thread._get_parent_message": "546163248b7e5a8b",
    "mail.thread.message_process": "997864e2c1207d1d",
}


def code_hash(function):
    """Return a hash of a function's code that ignores comments, docstrings and layout."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and ast.get_docstring(node) is not None:
            node.body = node.body[1:] or [ast.Pass()]
    return hashlib.sha256(ast.dump(tree).encode()).hexdigest()[:16]


@tagged("post_install", "-at_install")
class CoreContracts(TransactionCase):
    maxDiff = None

    def overrides(self):
        """Yield (model, name, our function, core's function) of each method of core's that the addon overrides."""
        for name, model in self.registry.items():
            definitions = model.__mro__
            for number, ours in enumerate(definitions):
                if not ours.__module__.startswith(ADDON) or getattr(ours, "_name", None) != name:
                    continue
                for method, value in vars(ours).items():
                    below = (vars(other).get(method) for other in definitions[number + 1 :] if not self.is_ours(other))
                    core = next(
                        (function for function in below if callable(inspect.unwrap(self.plain(function)))), None
                    )
                    if core is not None and callable(self.plain(value)):
                        yield name, method, inspect.unwrap(self.plain(value)), inspect.unwrap(self.plain(core))

    @staticmethod
    def parameters(function):
        """Return (names, whether it takes any others by name) of a method, without self."""
        found = [*inspect.signature(function).parameters.values()][1:]
        several = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
        return [each.name for each in found if each.kind not in several], any(each.kind is several[1] for each in found)

    @staticmethod
    def is_ours(definition):
        return definition.__module__.startswith(ADDON)

    @staticmethod
    def plain(value):
        """Return the function of a static or class method."""
        return getattr(value, "__func__", value)


class TestMethodsOfCore(CoreContracts):
    def test_every_override_takes_the_arguments_that_core_passes(self):
        changed = []
        for model, method, ours, core in self.overrides():
            (taken, takes_more), (given, _gives_more) = map(self.parameters, (ours, core))
            if taken != given[: len(taken)] or (len(taken) < len(given) and not takes_more):
                changed.append(f"{model}.{method}({', '.join(taken)}): core has ({', '.join(given)})")
        self.assertEqual(changed, [])

    def test_every_override_is_documented_as_one(self):
        silent = [
            f"{model}.{method}"
            for model, method, ours, _core in self.overrides()
            if not any(words in (ours.__doc__ or "") for words in ("Extends core's", "Replaces core's"))
        ]
        self.assertEqual(silent, [])

    def test_every_method_documented_as_an_override_is_one(self):
        known = {(model, method) for model, method, *_functions in self.overrides()}
        orphans = []
        for name, model in self.registry.items():
            for ours in filter(self.is_ours, model.__mro__):
                for method, value in vars(ours).items():
                    words = getattr(self.plain(value), "__doc__", None) or ""
                    claims = callable(self.plain(value)) and words.startswith(("Extends core's", "Replaces core's"))
                    if getattr(ours, "_name", None) == name and claims and (name, method) not in known:
                        orphans.append(f"{name}.{method}")
        self.assertEqual(orphans, [])

    def test_the_replaced_methods_of_core_have_not_changed(self):
        found = {
            f"{model}.{method}": code_hash(core)
            for model, method, ours, core in self.overrides()
            if (ours.__doc__ or "").startswith("Replaces core's") and not core.__module__.startswith("odoo.orm")
        }
        self.assertEqual(found, REPLACED)


@tagged("post_install", "-at_install")
class TestIncomingMailOfCore(MailCommon):
    def route(self, to, model=None):
        """Return what core's router makes of a message to this address."""
        source = f"From: mary@customer.example\r\nTo: {to}\r\nMessage-Id: <contract@x>\r\n\r\nHello\r\n"
        message = message_from_string(source, policy=SMTP)
        threads = self.env["mail.thread"]
        return threads.message_route(message, threads.message_parse(message), model=model)

    def error_of(self, function, *arguments):
        """Return the ValueError that a call raises, with its traceback, which assertRaises would remove."""
        try:
            function(*arguments)
        except ValueError as error:
            return error
        return self.fail("no ValueError")

    @mute_logger("odoo.addons.mail.models.mail_thread")
    def test_the_router_itself_raises_the_error_about_a_missing_route(self):
        self.assertTrue(is_without_route(self.error_of(self.route, "nobody@elsewhere.example")))

    @mute_logger("odoo.addons.mail.models.mail_thread")
    def test_a_method_that_the_router_calls_raises_the_error_about_an_unusable_route(self):
        warn = self.env["mail.thread"]._routing_warn
        self.assertFalse(is_without_route(self.error_of(warn, "no such model", "<contract@x>", ())))
        self.assertFalse(is_without_route(self.error_of(ast.literal_eval, "f()")))

    def test_a_route_names_model_record_values_user_and_alias(self):
        partners = self.env["ir.model"]._get_id("res.partner")
        values = {"alias_name": "contract", "alias_model_id": partners, "alias_contact": "everyone"}
        alias = self.env["mail.alias"].create({**values, "alias_defaults": "{'comment': 'x'}"})
        [(model, res_id, defaults, user, found)] = self.route(alias.alias_full_name)
        self.assertEqual((model, res_id or 0, defaults, found), ("res.partner", 0, {"comment": "x"}, alias))
        self.assertIsInstance(user, int)

    def test_a_route_to_a_model_that_the_caller_names_has_no_alias(self):
        [route] = self.route("nobody@elsewhere.example", "res.partner")
        self.assertIsNone(route[4])

    def test_an_alias_is_declared_invalid_in_a_transaction_of_its_own(self):
        source = inspect.getsource(MailThread._message_route_process)
        self.assertIn("set_invalid", inspect.getsource(MailAlias._alias_bounce_incoming_email))
        self.assertIn("_alias_bounce_incoming_email", source)
        self.assertIn("cursor()", source)

    def test_core_looks_up_known_message_ids_only_in_message_process(self):
        """Core drops copies there; the addon follows that method without this step (see REPLACED)."""
        for method in (MailThread.message_parse, MailThread.message_route, MailThread._message_route_process):
            self.assertNotIn("duplicated Message-Id", inspect.getsource(method))
        self.assertIn("duplicated Message-Id", inspect.getsource(MailThread.message_process))

    def test_the_id_of_a_record_that_a_message_made_is_returned(self):
        """Newer builds may return the record itself; the addon takes both."""
        message = message_from_string("From: mary@customer.example\r\nSubject: x\r\n\r\nHello", policy=SMTP)
        threads = self.env["mail.thread"]
        routes = [("res.partner", False, {}, self.env.uid, None)]
        made = MailThread._message_route_process(threads, message, threads.message_parse(message), routes)
        self.assertIsInstance(made, int | type(self.env["res.partner"]))


@tagged("post_install", "-at_install")
class TestOutgoingMailOfCore(MailCommon):
    def test_headers_of_mail_are_a_dictionary_as_text(self):
        mail = self.env["mail.mail"].create({"headers": repr({"X-Contract": "1"}), "email_to": "mary@customer.example"})
        [email] = mail._prepare_outgoing_list()
        self.assertEqual(email["headers"]["X-Contract"], "1")

    def test_an_outgoing_email_is_a_dictionary_with_these_keys(self):
        """Newer versions keep Cc recipients there, marked with is_cc: keys may be added, none of these may be missing."""
        mail = self.env["mail.mail"].create({"email_to": "mary@customer.example"})
        [email] = mail._prepare_outgoing_list()
        self.assertLessEqual({"email_to", "email_from", "subject", "body", "headers", "references"}, {*email})

    def test_a_batch_of_mail_names_server_domain_sender_and_mails(self):
        mail = self.env["mail.mail"].create({"email_to": "mary@customer.example"})
        [(server, domain, sender, ids)] = mail._split_by_mail_configuration()
        self.assertIsInstance(server, int | bool)
        self.assertIsInstance(domain, int | bool)
        self.assertIsInstance(sender, str | bool)
        self.assertEqual([*ids], mail.ids)


@tagged("post_install", "-at_install")
class TestFoundations(TransactionCase):
    def test_a_rolled_back_transaction_runs_its_postrollback_hooks(self):
        ran = []
        with self.enter_registry_test_mode(), self.registry.cursor() as cr:
            cr.postrollback.add(lambda: ran.append(True))
            cr.rollback()
        self.assertEqual(ran, [True])

    def test_the_scheduled_actions_that_fetch_and_send_exist(self):
        for name in ("mail.ir_cron_mail_gateway_action", "mail.ir_cron_mail_scheduler_action"):
            self.assertEqual(self.env.ref(name)._name, "ir.cron")
