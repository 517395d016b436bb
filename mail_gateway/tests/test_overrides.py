"""The order in which overrides of a method run, where several files of the addon override it, does not depend on luck."""

import inspect
from collections import defaultdict

from odoo.tests import TransactionCase, tagged

ADDON = "odoo.addons.mail_gateway."
# model -> method -> the files that override it, in the order in which they run
OVERRIDES = {
    "mail.thread": {
        # rules judge the source from which the people and the content of the message are read
        "message_parse": ("inbound.mail_thread", "inbound.mail_thread_people", "inbound.mail_thread_content"),
        "_message_parse_extract_payload": (
            "inbound.mail_thread",
            "inbound.mail_thread_people",
            "inbound.mail_thread_content",
        ),
        "message_route": ("inbound.mail_thread", "inbound.mail_thread_people"),
        # each single route is handled with the rights of the caller
        "_message_route_process": ("inbound.mail_thread", "inbound.mail_thread_call"),
        # the first file decides whether a notice is sent, and its words; the second decides its recipient
        "_routing_create_bounce_email": ("inbound.mail_thread_notice", "inbound.mail_thread_people"),
    },
    "mail.mail": {
        "send": ("inbound.mail_mail", "outgoing.mail_mail_selection"),
        "_left_to_queue": ("dry_run.side_effect_guards", "inbound.mail_mail"),
    },
    "ir.mail_server": {
        "_connect__": ("dry_run.side_effect_guards", "outgoing.ir_mail_server_login"),
    },
    "mail.inbound.message": {
        "_request": ("inbound.mail_inbound_message_call", "inbound.mail_inbound_message_delivery"),
        "_hand_to_odoo": ("inbound.mail_inbound_message_headers_only", "inbound.mail_inbound_message_delivery"),
        "_store_call": ("inbound.mail_inbound_message_call", "inbound.mail_inbound_message_store"),
        "create": ("inbound.mail_inbound_search", "inbound.mail_inbound_message_source"),
        "_values_from_source": ("held.mail_inbound_message_alert", "inbound.mail_inbound_message_store"),
        "_compute_preview": (
            "inbound.mail_inbound_message_headers_only",
            "inbound.mail_inbound_message_retention",
            "inbound.mail_inbound_message",
        ),
    },
}


@tagged("post_install", "-at_install")
class TestOverrides(TransactionCase):
    maxDiff = None

    def overrides(self):
        """Return model -> method -> the files of the addon that define it, in the order in which they run."""
        found = {}
        for name, model in self.registry.items():
            methods = defaultdict(list)
            for definition in model.__mro__:
                if definition.__module__.startswith(ADDON) and definition._name == name:
                    for method in filter(inspect.isroutine, map(inspect.unwrap, vars(definition).values())):
                        methods[method.__name__].append(definition.__module__.removeprefix(f"{ADDON}models."))
            several = {method: tuple(files) for method, files in methods.items() if len(files) > 1}
            if several:
                found[name] = several
        return found

    def test_each_method_that_several_files_override_runs_in_the_written_order(self):
        self.assertEqual(self.overrides(), OVERRIDES)
