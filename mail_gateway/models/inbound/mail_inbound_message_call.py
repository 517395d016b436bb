"""Messages that programs hand over, and the rights of these programs."""

import json
from dataclasses import replace

from odoo import SUPERUSER_ID, api, fields, models
from odoo.exceptions import AccessError
from odoo.fields import Command

from ...tools.delivery import DeliveryRequest, HandedOver
from ...tools.text.database_text import plain_json

HAND_OVER_GROUP = "mail_gateway.group_hand_over"
# Models with chatter whose records may not receive mail: Odoo's technical models, and lists of addresses and accounts.
TECHNICAL_MODELS = ("ir.", "fetchmail.", "iap.", "mail.blacklist", "phone.blacklist")
# How much a program may hand over in addition to a message, in characters of JSON.
MAX_CALL_CHARS = 64 * 1024
# the largest value of PostgreSQL's type integer
_MAX_ID = 2**31 - 1
# How many of the handed-over values Odoo shows to a person, and how many characters of each.
_SHOWN_VALUES = 50
_SHOWN_CHARS = 200
# Commands for many2many fields that only refer to existing records (odoo.fields.Command).
_NAMING_COMMANDS = {Command.LINK, Command.UNLINK, Command.CLEAR, Command.SET}


class MailInboundMessage(models.Model):
    """The values that a program handed over with a message, the user who called, and the rights of that user.

    Core creates records with all rights. This addon does what a caller asks for in addition to the message with the
    caller's own rights, both at once and when a person releases the message later.
    """

    _inherit = "mail.inbound.message"

    caller_id = fields.Many2one(
        "res.users",
        "Handed Over By",
        readonly=True,
        index="btree_not_null",
        ondelete="set null",
        help="The user as whom a program handed over the message.",
    )
    call_words = fields.Text("Handed-Over Values", compute="_compute_call_words")
    call_refusal = fields.Text(compute="_compute_call_words")

    _caller_index = models.Index("(caller_id, received_date) WHERE caller_id IS NOT NULL")

    @api.model
    def _store_call(self, source, call=None):
        """Extends the method: records the user who called."""
        inbound = super()._store_call(source, call)
        inbound.caller_id = self.env.uid
        return inbound

    # ------------------------------------------------------------------ the rights of the caller

    def _caller(self):
        """Return the user whose rights apply to the handed-over values; empty when that user was deleted.

        :return: None when all rights apply, because Odoo itself or an addon called
        """
        if (self.call or {}).get("superuser") or self.caller_id.id == SUPERUSER_ID:
            return None
        return self.caller_id

    def _request(self):
        """Extends the method: the rights of the caller apply, unless a person decided where the message goes."""
        request = super()._request()
        caller = self._caller() if self.call and not request.route else None
        return request if caller is None else replace(request, caller_id=caller.id)

    def _request_of_call(self):
        """Return the request for the immediate delivery of a message that a program has just handed over.

        It takes nothing from the row except the size, the id and the caller, because other values may be defaults from
        the caller's context.
        """
        caller = self._caller()
        return DeliveryRequest(self.size, self.id, try_count=0, caller_id=None if caller is None else caller.id)

    def _call_arguments(self, request) -> dict:
        """Return the further arguments for core's method; if a person routed the message, only the flags.

        :raises AccessError: when the caller may not do what they ask for
        """
        if not self.call:
            return {}
        call = {key: self.call.get(key) for key in ("model", "custom_values", "thread_id")}
        flags = {key: bool(self.call.get(key)) for key in ("save_original", "strip_attachments")}
        if request.route:
            return flags
        caller = self._caller()
        if caller is None:
            return {**call, **flags}
        self._check_call(call, caller)
        values = call["custom_values"]
        return {**call, **flags, "custom_values": HandedOver(call["model"], values) if values else None}

    @api.model
    def _check_call(self, call, caller):
        """Check that a user may do what they ask for in addition to handing over a message.

        :param dict call: model, custom_values and thread_id, as mail.thread.message_process takes them
        :param caller: res.users
        :raises AccessError: when they may not
        """
        self._check_caller(caller)
        self._check_plain(call)
        model, values, thread_id = call.get("model"), call.get("custom_values"), call.get("thread_id")
        if not model:
            if values or thread_id:
                raise AccessError(self.env._("Values and records can only be handed over for a model."))
            return
        records = self._model_for_mail(model).with_user(caller).browse(thread_id or ())
        words = {"user": caller.name, "model": self._model_label(model)}
        if records.sudo().exists():
            if not records.has_access("write"):
                words["id"] = thread_id
                raise AccessError(self.env._("%(user)s may not change this record: %(model)s, number %(id)s.", **words))
        elif not records.browse().has_access("create"):
            raise AccessError(self.env._("%(user)s may not create records of this kind: %(model)s.", **words))
        for name, value in (values or {}).items():
            self._check_value(records, name, value, words)

    @api.model
    def _check_caller(self, caller):
        """Check that a user may hand messages over.

        :raises AccessError: when they may not
        """
        if not caller.exists():
            raise AccessError(self.env._("The user who handed the message over was deleted."))
        if not caller.has_group(HAND_OVER_GROUP):
            raise AccessError(
                self.env._(
                    "%(user)s may not hand messages over to Odoo. An administrator can add the user to the group "
                    "“%(group)s”.",
                    user=caller.name,
                    group=self.env.ref(HAND_OVER_GROUP).sudo().name,
                )
            )
        if not caller.active:
            raise AccessError(self.env._("%s, who handed the message over, is archived.", caller.name))

    @api.model
    def _check_plain(self, call):
        """Check that the arguments of a call are plain values that Odoo can store.

        :raises AccessError: when they are too long, or of other types than core's method takes
        """
        try:
            size = len(plain_json(call))
        except (TypeError, ValueError, RecursionError):
            size = MAX_CALL_CHARS + 1
        types = (("model", str), ("custom_values", dict), ("thread_id", int))
        strange = any(call.get(key) and type(call[key]) is not kind for key, kind in types)
        if size > MAX_CALL_CHARS or strange or not 0 <= (call.get("thread_id") or 0) <= _MAX_ID:
            raise AccessError(
                self.env._(
                    "Only a model, plain values for its fields and the number of a record can be handed over with a "
                    "message, in at most %s characters.",
                    MAX_CALL_CHARS,
                )
            )

    @api.model
    def _model_for_mail(self, model):
        """Return the model of this name, whose records can receive mail.

        :raises AccessError: when there is no such model
        """
        records = self.env.get(model)
        usable = isinstance(records, self.pool["mail.thread"]) and not records._abstract and not records._transient
        usable = usable and not model.startswith(TECHNICAL_MODELS)
        if not usable:
            raise AccessError(
                self.env._("Messages can't be handed over for “%s”: this model accepts no mail.", model[:_SHOWN_CHARS])
            )
        return records

    @api.model
    def _check_value(self, records, name, value, words):
        """Check that a user may set a field to a value.

        It refuses records within records, because core would create, change or delete them with all rights.
        """
        field = records._fields.get(name)
        words = {**words, "field": name[:_SHOWN_CHARS]}
        if field is None:
            raise AccessError(self.env._("%(model)s has no field “%(field)s”.", **words))
        if not records._has_field_access(field, "write"):
            raise AccessError(self.env._("%(user)s may not set the field “%(field)s” of %(model)s.", **words))
        if value and (field.type == "one2many" or (field.type == "many2many" and not _only_names(value))):
            raise AccessError(
                self.env._(
                    "Records within records can't be handed over with a message: “%(field)s” of %(model)s.", **words
                )
            )

    # ------------------------------------------------------------------ in words

    @api.depends("call", "caller_id", "state")
    def _compute_call_words(self):
        for message in self:
            asks = message.call and (message.call.get("model") or message.call.get("custom_values"))
            message.call_words = asks and "\n".join(message._call_message(message.call))
            message.call_refusal = asks and message.is_decidable and message._refusal_message()

    def _refusal_message(self):
        """Return why Odoo would hold the message again if it was released now; False when nothing prevents a release."""
        caller = self._caller()
        try:
            if caller is not None:
                self._check_call(self.call, caller.sudo())
        except AccessError as refused:
            return self.env._("If you release it now, Odoo holds it again: %s", refused)
        return False

    def _call_message(self, call):
        """Yield the lines that describe what the program asked for."""
        model, thread_id, values = call.get("model"), call.get("thread_id"), call.get("custom_values")
        label = self._model_label(model)
        if self._caller() is None:
            yield self.env._("By Odoo or an addon, with all access rights.")
        if thread_id:
            words = {"model": label, "id": thread_id}
            yield self.env._(
                "For this record, unless the message is a reply to another one: %(model)s, number %(id)s", **words
            )
        else:
            yield self.env._("For a new record, unless the message is a reply or names an alias: %s", label)
        for name, value in [*(values if isinstance(values, dict) else {}).items()][:_SHOWN_VALUES]:
            yield f"{self._field_label(model, name)}: {self._shown(model, name, value)}"

    @api.model
    def _model_label(self, model):
        """Return the name by which people know a model, followed by its technical name."""
        known = isinstance(model, str) and model in self.env
        name = self.env["ir.model"]._get(model).sudo().name if known else ""
        return f"{name} ({model})" if name else str(model or "?")[:_SHOWN_CHARS]

    def _field_label(self, model, name):
        known = isinstance(model, str) and model in self.env and name in self.env[model]._fields
        label = self.env["ir.model.fields"].sudo()._get(model, name).field_description if known else ""
        return f"{label} ({name})" if label else str(name)[:_SHOWN_CHARS]

    def _shown(self, model, name, value):
        """Return a value as text for the user: the name of a record, if they may read the record."""
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        field = self.env[model]._fields.get(name) if isinstance(model, str) and model in self.env else None
        if field is not None and field.type == "many2one" and isinstance(value, int) and value:
            record = self.env[field.comodel_name].browse(value).sudo(False)
            if record.exists() and record.has_access("read"):
                text = f"{record.display_name} ({value})"
        return text[:_SHOWN_CHARS]


def _only_names(value) -> bool:
    """Whether a value of a many2many field only refers to existing records, by ids or by commands for that."""
    if not isinstance(value, list | tuple):
        return isinstance(value, int)
    return all(
        isinstance(each, int) or (isinstance(each, list | tuple) and each and each[0] in _NAMING_COMMANDS)
        for each in value
    )
