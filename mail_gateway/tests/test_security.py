import base64
import xmlrpc.client
from contextlib import suppress
from inspect import isfunction, signature
from unittest.mock import patch

import psycopg2

from odoo import SUPERUSER_ID, models
from odoo.exceptions import AccessError, UserError
from odoo.service.model import call_kw
from odoo.tests import new_test_user, tagged
from odoo.tools import mute_logger

from odoo.addons.mail_gateway.models.held.mail_thread import ALERT_MARK
from odoo.addons.mail_gateway.models.inbound import mail_inbound_message_outcome
from odoo.addons.mail_gateway.models.inbound.mail_inbound_message_call import MAX_CALL_CHARS
from odoo.addons.mail_gateway.tests.common import InboundCommon, raw

NOBODY = "nobody@elsewhere.example"
ADMIN = {"name": "Eve", "login": "eve@customer.example", "password": "eve-secret-1"}


@tagged("post_install", "-at_install")
class TestHandingOver(InboundCommon):
    """The users who may hand messages over by RPC, which calls message_process, and the rights that count."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.portal = new_test_user(cls.env, "portal-caller", name="Pia", groups="base.group_portal")
        cls.internal = new_test_user(cls.env, "internal-caller", name="Ida", groups="base.group_user")
        cls.member = new_test_user(
            cls.env, "mailgate", name="Mailgate", groups="base.group_user,mail_gateway.group_hand_over"
        )
        cls.public = cls.env.ref("base.public_user")
        cls.postmaster = new_test_user(
            cls.env, "postmaster", name="Paul", groups="mail_gateway.group_postmaster", email="paul@mycompany.example"
        )
        cls.contacts = cls.env.ref("base.group_partner_manager")
        cls.system = cls.env.ref("base.group_system")

    def call(self, user, model, source, context=None, **arguments):
        """Call by RPC, as odoo.service.model does."""
        arguments["context"] = context or {}
        return call_kw(self.env["mail.thread"].with_user(user), "message_process", [model, source.decode()], arguments)

    def rows(self):
        return self.env["mail.inbound.message"].search([("transport", "=", "call")], order="id desc")

    def held_call(self, user, model, **arguments):
        """Make a call that a rule holds; return its message."""
        self.env["mail.inbound.rule"].search([("check", "=", "size")]).action = "hold"
        self.env["ir.config_parameter"].set_param("mail_gateway.size_limit", "1")
        large = raw(to=NOBODY) + b"x" * 1024 * 1024
        self.assertFalse(self.call(user, model, large, **arguments))
        held = self.rows()[:1]
        self.assertEqual((held.state, held.cause), ("held", "size"))
        return held

    def test_no_context_of_a_caller_sets_values_of_the_message(self):
        """Defaults for fields would count with all rights: they could skip rules, choose a route, or allow any size."""
        forged = {
            "default_released": True,
            "default_may_be_large": True,
            "default_try_count": 3,
            "default_server_id": self.server.id,
            "default_route_model": "res.partner",
            "default_route_res_id": self.env.company.partner_id.id,
            "default_call": {"superuser": True, "model": "res.partner", "custom_values": {"name": "Forged"}},
            "default_state": "held",
        }
        held = self.held_call(self.member, False, context=forged)
        self.assertFalse(held.released or held.may_be_large or held.try_count or held.route_model or held.server_id)
        self.assertFalse(held.call["superuser"])
        self.assertEqual(held.caller_id, self.member)

    def test_flags_of_any_type_do_not_replace_the_call_by_one_of_the_context(self):
        forged = {"default_call": {"superuser": True, "model": "res.partner", "custom_values": {"name": "Forged"}}}
        held = self.held_call(self.member, False, context=forged, save_original="\0")
        self.assertEqual((held.call["save_original"], held.call["superuser"]), (True, False))
        self.release(held)
        self.assertFalse(self.env["res.partner"].search([("name", "=", "Forged")]))

    def release(self, message):
        message.with_user(self.postmaster).action_release()
        self.run_lane()
        return message

    def assert_refused(self, words, user, model, source=None, **arguments):
        """The call ends with an access error in these words before anything is stored; RPC rolls the rest back."""
        before = self.rows()
        with (
            patch.object(type(self.env["mail.inbound.message"]), "_store_call", side_effect=AssertionError) as store,
            self.assertRaisesRegex(AccessError, words),
        ):
            self.call(user, model, source or raw(to=NOBODY), **arguments)
        store.assert_not_called()
        self.assertEqual(self.rows(), before)

    # ------------------------------------------------------------------ callers

    def test_portal_public_and_internal_users_cannot_hand_messages_over(self):
        for user in (self.portal, self.public, self.internal, self.postmaster):
            with self.subTest(user.login):
                self.assert_refused("may not hand messages over to Odoo", user, False, self.to_alias())
                self.assert_refused("may not hand messages over", user, "res.partner", custom_values={"name": "x"})

    def test_a_context_from_outside_gives_no_rights(self):
        for context in (
            {"mail_gateway_delivery": {"caller_id": None}},
            {"mail_gateway_delivery": True, "su": True, "uid": SUPERUSER_ID},
        ):
            self.assert_refused("may not hand messages over", self.portal, False, self.to_alias(), context=context)

    def test_a_member_of_the_group_may_hand_over_messages_to_aliases(self):
        record = self.call(self.member, False, self.to_alias(subject="By a program"))
        self.assertEqual(self.env["res.partner"].browse(record).name, "By a program")
        self.assertEqual(self.rows()[:1].caller_id, self.member)

    def test_administrators_are_members_so_that_existing_configurations_still_work(self):
        admin = new_test_user(self.env, "settings-admin", groups="base.group_system")
        self.assertTrue(admin.has_group("mail_gateway.group_hand_over"))
        self.assertTrue(self.call(admin, False, self.to_alias(subject="By an administrator")))

    def test_an_addon_with_all_rights_may_hand_messages_over_for_any_user(self):
        threads = self.env["mail.thread"].with_user(self.portal).sudo()
        record = threads.message_process("res.partner", raw("By an addon", to=NOBODY), custom_values={"ref": "A1"})
        self.assertEqual(self.env["res.partner"].browse(record).ref, "A1")

    def test_values_that_are_not_messages_are_refused(self):
        for strange in (10**12, [1, 2], {"a": 1}, None):
            with self.assertRaises(TypeError):
                self.env["mail.thread"].message_process(False, strange)
        self.assertFalse(self.rows())

    def test_binary_values_of_xml_rpc_are_accepted(self):
        threads = self.env["mail.thread"].with_user(self.member)
        source = xmlrpc.client.Binary(self.to_alias(subject="Binary"))
        self.assertTrue(call_kw(threads, "message_process", [False, source], {}))

    def test_other_public_methods_of_cores_gateway_accept_nothing_from_outside(self):
        for method, arguments in (
            ("message_parse", [self.to_alias().decode()]),
            ("message_route", [self.to_alias().decode(), {}]),
        ):
            with self.assertRaisesRegex((TypeError if method == "message_route" else ValueError), "EmailMessage"):
                call_kw(self.env["mail.thread"].with_user(self.portal), method, arguments, {})
        with self.assertRaises(AccessError):
            call_kw(self.env["res.partner"].with_user(self.portal), "message_new", [{"subject": "x"}], {})

    # ------------------------------------------------------------------ rights that count at once

    def test_a_member_cannot_create_records_by_mail_without_the_right_to_create_them(self):
        self.assert_refused(r"may not create records of this kind: Contact \(res.partner\)", self.member, "res.partner")
        self.member.group_ids += self.contacts
        record = self.call(self.member, "res.partner", raw("Mine", to=NOBODY), custom_values={"ref": "M1"})
        partner = self.env["res.partner"].browse(record)
        self.assertEqual((partner.name, partner.ref, partner.create_uid), ("Mine", "M1", self.member))

    def test_values_that_would_make_a_user_are_refused(self):
        self.member.group_ids += self.contacts
        groups = [(6, 0, self.system.ids)]
        for values in (
            {"user_ids": [(0, 0, {**ADMIN, "group_ids": groups})]},
            {"user_ids": [(4, SUPERUSER_ID)]},
            {"child_ids": [(0, 0, {"name": "x", "user_ids": [(0, 0, {**ADMIN, "group_ids": groups})]})]},
            {"child_ids": [(1, self.env.user.partner_id.id, {"email": "eve@customer.example"})]},
            {"category_id": [(0, 0, {"name": "Tag"})]},
            {"category_id": [(2, 1)]},
        ):
            with self.subTest(values=values):
                self.assert_refused("Records within records", self.member, "res.partner", custom_values=values)
        self.assertFalse(self.env["res.users"].search([("login", "=", ADMIN["login"])]))

    def test_values_may_name_existing_tags(self):
        self.member.group_ids += self.contacts
        tag = self.env["res.partner.category"].create({"name": "Web"})
        for value in ([(6, 0, tag.ids)], [(4, tag.id)], tag.ids):
            record = self.call(
                self.member, "res.partner", raw(f"{value}", to=NOBODY), custom_values={"category_id": value}
            )
            self.assertEqual(self.env["res.partner"].browse(record).category_id, tag)

    def test_fields_that_the_member_may_not_set_or_that_do_not_exist_are_refused(self):
        self.member.group_ids += self.contacts
        self.patch(self.env["res.partner"]._fields["ref"], "groups", "base.group_system")
        self.assert_refused("may not set the field “ref”", self.member, "res.partner", custom_values={"ref": "x"})
        self.assert_refused("has no field “group_ids”", self.member, "res.partner", custom_values={"group_ids": [1]})

    def test_only_models_with_chatter_accept_mail(self):
        admin = new_test_user(self.env, "settings-admin", groups="base.group_system")
        for model in (
            "ir.actions.server",
            "res.users",
            "ir.config_parameter",
            "mail.thread",
            "no.such",
            "mail.compose.message",
        ):
            with self.subTest(model):
                self.assert_refused("accepts no mail", admin, model)

    def test_members_cannot_create_scheduled_actions(self):
        with self.assertRaises(AccessError):
            self.call(self.member, "ir.cron", raw(to=NOBODY), custom_values={"code": "raise"})
        self.assertFalse(self.rows())

    def test_a_record_that_the_member_may_not_change_gets_no_message(self):
        record = self.env["res.partner"].create({"name": "Theirs"})
        self.assert_refused("may not change this record", self.member, "res.partner", thread_id=record.id)
        self.member.group_ids += self.contacts
        self.call(self.member, "res.partner", raw("More", to=NOBODY), thread_id=record.id)
        self.assertIn("More", record.message_ids.mapped("subject"))

    def test_record_rules_apply_to_members(self):
        self.member.group_ids += self.contacts
        record = self.env["res.partner"].create({"name": "Theirs", "ref": "secret"})
        model = self.env["ir.model"]._get_id("res.partner")
        self.env["ir.rule"].create({"name": "x", "model_id": model, "domain_force": "[('ref', '!=', 'secret')]"})
        self.assert_refused("may not change this record", self.member, "res.partner", thread_id=record.id)
        with self.assertRaises(AccessError):
            self.call(self.member, "res.partner", raw(to=NOBODY), custom_values={"ref": "secret"})
        self.assertFalse(self.env["res.partner"].search([("ref", "=", "secret")]) - record)

    def test_values_of_other_types_and_excessive_values_are_refused(self):
        self.member.group_ids += self.contacts
        for model, arguments in (
            (["res.partner"], {}),
            ("res.partner", {"custom_values": [1]}),
            ("res.partner", {"custom_values": {"name": object()}}),
            ("res.partner", {"custom_values": {"name": "x" * MAX_CALL_CHARS}}),
            ("res.partner", {"custom_values": {"name": "a\0b"}}),
            ("res.partner", {"custom_values": {"name": "\\\0"}}),
            ("res.partner", {"custom_values": {"name": "\ud800"}}),
            ("res.partner", {"custom_values": {"color": float("nan")}}),
            ("res.partner", {"thread_id": "1"}),
            ("res.partner", {"thread_id": 2**40}),
            ("res.partner", {"thread_id": -1}),
        ):
            with self.subTest(model=model, keys=list(arguments)):
                self.assert_refused("can be handed over", self.member, model, **arguments)
        self.assert_refused("only be handed over for a model", self.member, False, custom_values={"name": "x"})

    def test_a_text_that_looks_like_an_escape_is_kept_unchanged(self):
        self.member.group_ids += self.contacts
        values = {"ref": r"\u0000 \\u0000", "comment": "\U0001f4e8"}
        record = self.call(self.member, "res.partner", raw("Escaped", to=NOBODY), custom_values=values)
        self.assertEqual(self.env["res.partner"].browse(record).ref, values["ref"])

    def test_defaults_in_the_context_of_a_caller_are_ignored(self):
        groups = [(6, 0, self.system.ids)]
        context = {
            "default_ref": "from outside",
            "default_child_ids": [(0, 0, {"name": "x", "user_ids": [(0, 0, {**ADMIN, "group_ids": groups})]})],
        }
        record = self.call(self.member, False, self.to_alias(subject="Defaults"), context=context)
        partner = self.env["res.partner"].browse(record)
        self.assertEqual((partner.ref, partner.child_ids), (False, self.env["res.partner"]))
        self.assertFalse(self.env["res.users"].search([("login", "=", ADMIN["login"])]))

    def test_values_for_one_model_are_not_used_for_another(self):
        """Core takes the values for a reply to a record that is gone, whatever its model."""
        gone = self.env["res.partner"].create({"name": "Gone"})
        parent = gone.message_post(body="Question?", message_type="comment", subtype_xmlid="mail.mt_comment")
        self.env.cr.execute("DELETE FROM res_partner WHERE id = %s", [gone.id])
        self.env.invalidate_all()
        other = (
            self.env["mail.alias"].search([("alias_model_id.model", "!=", "res.partner")], limit=1).alias_model_id.model
        )
        reply = raw("Re: Gone", to=NOBODY, In_Reply_To=parent.message_id)
        with patch.object(type(self.env["mail.inbound.message"]), "_check_call"):  # the other model has other fields
            record = self.call(self.member, other, reply, custom_values={"ref": "taken"})
        self.assertFalse(self.env["res.partner"].search([("ref", "=", "taken")]))
        self.assertFalse(self.env["res.partner"].browse(record).ref)

    # ------------------------------------------------------------------ rights that count at the release

    def test_the_values_of_a_held_call_are_shown_before_its_release(self):
        self.member.group_ids += self.contacts
        company = self.env["res.partner"].create({"name": "Azure"})
        held = self.held_call(self.member, "res.partner", custom_values={"ref": "R1", "parent_id": company.id})
        shown = held.with_user(self.postmaster)
        self.assertEqual(shown.caller_id, self.member)
        self.assertIn(
            "For a new record, unless the message is a reply or names an alias: Contact (res.partner)", shown.call_words
        )
        self.assertIn("Reference (ref): R1", shown.call_words)
        self.assertIn(f"Azure ({company.id})", shown.call_words)
        self.assertFalse(shown.call_refusal)
        self.member.group_ids -= self.contacts
        shown.invalidate_recordset()
        self.assertIn("Mailgate may not create records of this kind", shown.call_refusal)

    def test_a_released_call_creates_its_record_with_the_rights_of_the_caller(self):
        self.member.group_ids += self.contacts
        held = self.held_call(self.member, "res.partner", custom_values={"ref": "R1"})
        self.assertEqual(self.release(held).state, "delivered")
        self.assertEqual(self.env["res.partner"].browse(held.res_id).create_uid, self.member)

    def test_a_released_call_is_held_again_if_the_caller_lost_the_rights(self):
        self.member.group_ids += self.contacts
        held = self.held_call(self.member, "res.partner", custom_values={"ref": "R1"})
        self.member.group_ids -= self.contacts
        self.release(held)
        self.assertEqual((held.state, held.cause), ("held", "not_allowed"))
        self.assertIn("Mailgate may not create records of this kind", held.reason)
        self.assertFalse(self.env["res.partner"].search([("ref", "=", "R1")]))
        self.member.group_ids += self.contacts
        held.with_user(self.postmaster).action_process_again()
        self.env["ir.config_parameter"].set_param("mail_gateway.size_limit", "50")
        self.run_lane()
        self.assertEqual(held.state, "delivered")

    def test_a_released_call_is_held_again_if_the_caller_is_no_longer_a_member(self):
        def leave(user):
            user.group_ids -= self.env.ref("mail_gateway.group_hand_over")

        for number, (words, end) in enumerate(
            (
                ("may not hand messages over", leave),
                ("is archived", lambda user: user.action_archive()),
                ("was deleted", lambda user: user.unlink()),
            )
        ):
            user = new_test_user(
                self.env,
                f"mailgate-{number}",
                groups="base.group_user,base.group_partner_manager,mail_gateway.group_hand_over",
            )
            held = self.held_call(user, "res.partner", custom_values={"ref": f"L{number}"})
            end(user)
            self.env.invalidate_all()
            self.release(held)
            with self.subTest(words):
                self.assertEqual((held.state, held.cause), ("held", "not_allowed"))
                self.assertRegex(held.reason, words)
                self.assertFalse(self.env["res.partner"].search([("ref", "=", f"L{number}")]))

    def test_a_person_may_route_a_call_whose_caller_lacks_the_rights(self):
        self.member.group_ids += self.contacts
        held = self.held_call(self.member, "res.partner", custom_values={"ref": "R1"})
        self.member.group_ids -= self.contacts
        held.with_user(self.postmaster).action_route()
        values = {"inbound_message_ids": held.ids, "target": "alias", "alias_id": self.alias.id}
        self.env["mail.inbound.route"].with_user(self.postmaster).create(values).action_route()
        self.run_lane()
        self.assertEqual(held.state, "delivered")
        self.assertFalse(self.env["res.partner"].browse(held.res_id).ref)

    def test_a_row_that_an_outsider_left_earlier_is_processed_with_their_rights(self):
        """An earlier version left such rows: a portal user's call, held for its size, released by a postmaster."""
        values = {"user_ids": [(0, 0, {**ADMIN, "group_ids": [(6, 0, self.system.ids)]})]}
        call = {"model": "res.partner", "custom_values": values, "thread_id": None}
        for caller in (self.portal, self.env["res.users"]):
            held = self.env["mail.inbound.message"]._store_call(raw(to=NOBODY), call)
            held.caller_id = caller
            held._move_to("held", "Because.", cause="size")
            self.release(held)
            self.assertEqual((held.state, held.cause), ("held", "not_allowed"))
        self.assertFalse(self.env["res.users"].search([("login", "=", ADMIN["login"])]))

    # ------------------------------------------------------------------ rows of refused calls

    def test_a_call_that_ends_in_an_error_leaves_a_row_without_its_source(self):
        with suppress(ValueError):  # assertRaises would roll back
            self.call(self.member, False, raw(to=NOBODY))
        row = self.rows()[:1]
        self.assertEqual((row.state, row.source, row.caller_id), ("rejected", False, self.member))
        self.assertTrue(row.size and row.digest)

    def test_after_a_database_error_a_call_is_recorded_without_a_query(self):
        source = raw(In_Reply_To=f"<1{ALERT_MARK}mycompany.example>")
        message = self.held_call(self.member, False)
        with self.assertQueryCount(0):
            message._settle_refused_call(psycopg2.errors.NotNullViolation(), source)
        self.assertTrue(self.env.cr.postrollback)
        self.env.cr.postrollback.clear()

    def test_rows_of_calls_that_end_in_an_error_are_limited(self):
        self.patch(mail_inbound_message_outcome, "MAX_REFUSED_CALLS", 2)
        messages = self.env["mail.inbound.message"]
        values = {"transport": "call", "caller_id": self.member.id}
        left = [bool(messages._add_refused_call(dict(values), "Because.")) for _time in range(4)]
        self.assertEqual(left, [True, True, False, False])
        self.assertTrue(messages._add_refused_call({**values, "caller_id": self.internal.id}, "Because."))

    def test_a_dry_run_of_a_held_call_uses_the_rights_of_its_caller(self):
        self.member.group_ids += self.contacts
        held = self.held_call(self.member, "res.partner", custom_values={"ref": "R1"})

        def explained():
            with self.enter_registry_test_mode():
                return self.env["mail.inbound.dry.run"].with_user(self.postmaster)._dry_run(held, released=True)

        answer = explained()
        self.assertEqual(answer.state, "delivered", answer.reason)
        self.assertEqual(answer.targets[0].model, "res.partner")
        self.member.group_ids -= self.contacts
        answer = explained()
        self.assertEqual((answer.state, answer.cause), ("held", "not_allowed"))
        self.assertIn("may not create records of this kind", answer.reason)

    def test_only_postmasters_may_read_the_source_of_a_held_call(self):
        self.member.group_ids += self.contacts
        held = self.held_call(self.member, "res.partner")
        self.assertTrue(base64.b64decode(held.with_user(self.postmaster).source))
        with self.assertRaises(AccessError):
            held.with_user(self.member).read(["subject", "call", "source"])


# Arguments that public methods take, with any value of the right type.
ARGUMENTS = {
    "vals_list": [{}],
    "vals": {},
    "fields": ["id"],
    "fields_list": ["id"],
    "message": "x",
    "model": False,
    "message_dict": {},
    "msg_dict": {},
    "source_ref": "x",
    "help_message": "",
}
# Public methods that anybody may call without harm: (model, method) -> the error that is raised, or None.
HARMLESS = {
    # core's methods, which nobody can call from outside: they need Python's own objects
    ("mail.thread", "message_parse"): ValueError,
    ("mail.thread", "message_route"): TypeError,
    ("ir.mail_server", "send_email"): TypeError,
    # nobody can change history, with any rights
    ("mail.inbound.decision", "write"): UserError,
    # methods of an abstract model, which has no records; message_new of others asks for the right to create
    ("mail.thread", "message_new"): Exception,
    ("mail.thread", "message_mail_with_source"): Exception,
    # defaults of new records: names that everybody sees in addresses
    ("mail.alias.domain", "default_get"): None,
    # the values with which a dialog opens
    ("mail.inbound.explain", "default_get"): None,
    # the text of an empty list: the limit that senders are told anyway
    ("mail.gateway.allowed", "get_empty_list_help"): None,
}
# Models for everybody, whose users may use these methods on their own records.
OWN_BUSINESS = {("mail.activity", "action_open_document"), ("mail.message", "create")}


@tagged("post_install", "-at_install")
class TestPublicMethods(InboundCommon):
    """Every public method of the addon asks for rights, and every dialog belongs to its user (1.9)."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.portal = new_test_user(cls.env, "portal-caller", groups="base.group_portal")
        cls.internal = new_test_user(cls.env, "internal-caller", groups="base.group_user")
        groups = "mail_gateway.group_postmaster"
        cls.postmasters = [new_test_user(cls.env, f"postmaster-{n}", groups=groups) for n in range(2)]

    @staticmethod
    def _definitions():
        """Yield the classes of the addon that define or extend models, as (name of a model, class)."""
        for definition in models.MetaModel._module_to_models__["mail_gateway"]:
            inherited = definition._inherit if isinstance(definition._inherit, str) else ""
            yield definition._name or inherited, definition

    def public_methods(self):
        """Yield (model, method) of everything that RPC reaches."""
        for model, definition in self._definitions():
            for name, value in vars(definition).items():
                if not name.startswith("_") and isfunction(value) and not getattr(value, "_api_private", False):
                    yield model, name

    def sample(self, model):
        """Return a record that does not belong to the caller; without one the call is about no record."""
        records = self.env[model].sudo()
        if records._abstract:
            return records
        if model == "mail.former.address":
            self.alias.alias_name = f"{self.alias.alias_name}-renamed"
        found = records.with_context(active_test=False).search([], limit=1)
        if not found and model == "mail.inbound.message":
            return self.store(raw())
        made = records._transient or model in ("mail.mail", "mail.outgoing.selection")
        return found or (records.create(self.sample_values(model)) if made else found)

    def sample_values(self, model):
        servers = self.env["ir.mail_server"].search([], limit=1) or self.env["ir.mail_server"].create(
            {"name": "x", "smtp_host": "x.example"}
        )
        return {
            "mail.outgoing.selection": {"mail_message_id": self.env["mail.message"].create({}).id},
            "mail.server.connection.test": {"server_id": servers.id},
            "mail.server.connection.test.step": {
                "test_id": self.env["mail.server.connection.test"].create({"server_id": servers.id}).id
            },
        }.get(model, {})

    def call_as(self, user, model, method):
        function = getattr(type(self.env[model]), method)
        needed = [
            name
            for name, parameter in list(signature(function).parameters.items())[1:]
            if parameter.default is parameter.empty and parameter.kind is parameter.POSITIONAL_OR_KEYWORD
        ]
        arguments = [ARGUMENTS[name] for name in needed]
        sample = self.sample(model)
        self.env.flush_all()
        self.env.invalidate_all()
        if not getattr(function, "_api_model", False):
            arguments = [sample.ids, *arguments]
        return call_kw(self.env[model].with_user(user), method, arguments, {})

    @mute_logger("odoo.sql_db", "odoo.addons.base.models.ir_model", "odoo.addons.base.models.ir_rule")
    def test_portal_and_internal_users_are_refused_by_every_public_method(self):
        found = sorted(set(self.public_methods()) - OWN_BUSINESS)
        self.assertGreater(len(found), 40)
        self.assertIn(("mail.inbound.rule", "action_open_messages"), found)
        self.assertFalse(set(HARMLESS) - set(found), "listed, but no longer there")
        for model, method in found:
            for user in (self.portal, self.internal):
                with self.subTest(model=model, method=method, user=user.login):
                    expected = HARMLESS.get((model, method), AccessError)
                    if expected is None:
                        self.call_as(user, model, method)
                        continue
                    with self.assertRaises(expected):
                        self.call_as(user, model, method)

    def test_only_postmasters_may_open_the_messages_that_a_rule_matched(self):
        rule = self.env["mail.inbound.rule"].search([], limit=1)
        message = self.store(raw())
        self.env["mail.inbound.rule.hit"]._note(rule.id, message.id)
        action = rule.with_user(self.postmasters[0]).action_open_messages()
        self.assertEqual(action["domain"], [("id", "in", message.ids)])
        for user in (self.portal, self.internal):
            with self.assertRaises(AccessError):
                rule.with_user(user).action_open_messages()

    def test_every_dialog_belongs_to_its_user(self):
        dialogs = [
            model
            for model, definition in self._definitions()
            if self.env[model]._original_module == "mail_gateway" and self.env[model]._transient
        ]
        self.assertGreaterEqual(len(dialogs), 10)
        owner, other = self.postmasters
        owner.group_ids += self.env.ref("base.group_system")
        other.group_ids += self.env.ref("base.group_system")
        self.env["fetchmail.server"].flush_model()
        for model in dialogs:
            with self.subTest(model):
                record = self.env[model].with_user(owner).sudo().create(self.sample_values(model)).sudo(False)
                self.assertTrue(record.with_user(owner).has_access("read"))
                for user in (other, self.internal, self.portal):
                    self.assertFalse(record.with_user(user).has_access("read"))
                    self.assertFalse(record.with_user(user).has_access("write"))
                    self.assertFalse(record.with_user(user).has_access("unlink"))

    def test_postmasters_cannot_read_passwords_or_change_messages(self):
        self.server.password = "secret-of-the-mailbox"
        self.assertTrue(self.server.with_user(self.postmasters[0]).read(["name"]))
        with self.assertRaises(AccessError):
            self.server.with_user(self.postmasters[0]).read(["password"])
        message = self.store(raw())
        for operation in ("write", "create", "unlink"):
            self.assertFalse(message.with_user(self.postmasters[0]).has_access(operation))
