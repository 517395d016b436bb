"""The effects of a dry run, read before it is rolled back."""

import ast
from contextlib import suppress

from odoo import models
from odoo.tools import SQL, html2plaintext
from odoo.tools.mail import email_split

from ...tools.dry_run import Leaving, Posted, Target, Told
from ...tools.trace import Made
from ..inbound.mail_thread_notice import NOTICE_HEADERS

# models whose new rows show what a delivery did
_WATCHED = (
    "mail.message",
    "mail.mail",
    "mail.notification",
    "mail.followers",
    "mail.inbound.created.record",
    "res.partner",
)
_SHOWN_CHARS = 1000


class MailInboundDryRun(models.AbstractModel):
    """Reads what a delivery left in the database, before it is rolled back."""

    _inherit = "mail.inbound.dry.run"

    def _known(self, env):
        """Return the highest id of each watched model. New rows of other transactions are invisible after that."""
        highest = {}
        for model in _WATCHED:
            env.cr.execute(SQL("SELECT max(id) FROM %s", SQL.identifier(env[model]._table)))
            highest[model] = env.cr.fetchone()[0] or 0
        return highest

    def _new(self, env, model, known):
        """Return the records that were created since."""
        return env[model].with_context(active_test=False).search([("id", ">", known[model])], order="id")

    def _effects(self, env, delivery, known, reader) -> dict:
        """Return the effects of the delivery, as values of :class:`~...tools.dry_run.DryRunResult`.

        :param env: the environment of the delivery
        :param known: what :meth:`_known` returned
        :param reader: the environment of the user who asks
        """
        made = env["mail.message"].browse(delivery.trace.last(Made).message_ids)
        new = {model: self._new(env, model, known) for model in _WATCHED}
        created = {(record.res_model, record.res_id) for record in new["mail.inbound.created.record"]}
        return {
            "targets": [*self._targets(made, created, new["mail.followers"], reader)],
            "contacts": [*self._contacts(new["res.partner"], created, reader)],
            "told": [self._told(notification, made, reader) for notification in new["mail.notification"]],
            "leaving": [self._leaving(mail, made, reader) for mail in new["mail.mail"]],
        }

    # ------------------------------------------------------------------ records

    def _targets(self, made, created, followers, reader):
        records = dict.fromkeys((message.model, message.res_id) for message in made if message.model and message.res_id)
        for model, res_id in records:
            record = made.env[model].browse(res_id)
            is_new = (model, res_id) in created
            values = self._values_of(record, reader)
            yield Target(
                model=model,
                label=reader["ir.model"]._get(model).name,
                res_id=0 if is_new else res_id,
                name=self._name_if_readable(record, reader),
                values=self._without_defaults(record, values, reader) if is_new else values,
                posted=tuple(self._posted(m, reader) for m in made if (m.model, m.res_id) == (model, res_id)),
                followers=tuple(
                    self._partner(follower.partner_id, reader)[0]
                    for follower in followers
                    if (follower.res_model, follower.res_id) == (model, res_id)
                ),
            )

    def _posted(self, message, reader):
        name = self._partner(message.author_id, reader)[0] if message.author_id else ""
        return Posted(
            author=name or message.email_from or "",
            kind=message.subtype_id.with_env(reader(su=True)).name or "",
            text=self._shortened(message.body),
            attachments=tuple(message.attachment_ids.mapped("name")),
        )

    def _shortened(self, body):
        text = html2plaintext(body or "", include_references=False).strip()
        return text if len(text) <= _SHOWN_CHARS else f"{text[:_SHOWN_CHARS]} …"

    def _changes(self, targets, reader):
        """Reduce the values of records that existed before to those that changed; called after the rollback."""
        for target in targets:
            if target.is_new:
                yield target
                continue
            before = self._values_of(self._lane(reader.cr)[target.model].browse(target.res_id), reader)
            yield target._replace(values=dict(self._differences(before, target.values)))

    def _differences(self, before, after):
        for name in {**before, **after}:
            old, new = before.get(name), after.get(name)
            if (old and old.text) != (new and new.text):
                yield name, (new or old)._replace(text=new.text if new else "", before=old.text if old else "")

    def _contacts(self, partners, created, reader):
        for partner in partners:
            if ("res.partner", partner.id) not in created:
                name, email = self._partner(partner, reader)
                yield f"{name} <{email}>" if email else name

    # ------------------------------------------------------------------ who is notified

    def _partner(self, partner, reader):
        """Return (name, address) of a contact; if the reader may not read it, only its model and number."""
        readable = partner.with_env(reader)
        if readable.has_access("read"):
            return readable.name or readable.display_name or "", readable.email or ""
        return self._name_of(partner, reader), ""

    def _told(self, notification, made, reader):
        name, email = self._partner(notification.res_partner_id, reader)
        message = notification.mail_message_id
        about = "" if message in made else self._subject(message, reader)
        return Told(notification.res_partner_id.id, name, email, notification.notification_type, about)

    def _may_read(self, message, reader):
        """Whether the reader may read the record that a message is about, because the message quotes from it."""
        record = message.model and message.res_id and message.env[message.model].browse(message.res_id)
        return not record or record.with_env(reader).has_access("read")

    def _subject(self, message, reader):
        if not self._may_read(message, reader):
            return self.env._("(hidden)")
        return message.subject or self.env._("(no subject)")

    def _leaving(self, mail, made, reader):
        names = [self._partner(partner, reader) for partner in mail.recipient_ids]
        addresses = [email or name for name, email in names] + email_split(mail.email_to or "")
        is_notification = mail.mail_message_id in made
        tells = not is_notification and self._may_read(mail.mail_message_id, reader)
        return Leaving(
            kind=self._kind(mail, is_notification),
            to=", ".join(addresses),
            subject=self._subject(mail.mail_message_id, reader),
            text=self._shortened(mail.body_html) if tells else "",
        )

    def _kind(self, mail, is_notification):
        if is_notification:
            return self.env._("Notification")
        if self._is_notice(mail):
            return self.env._("Notice to the Sender")
        return self.env._("Other Message")

    @staticmethod
    def _is_notice(mail):
        """Whether an e-mail has the headers of a notice to the sender; core's out-of-office replies have them, too."""
        with suppress(ValueError, SyntaxError):
            headers = ast.literal_eval(mail.headers or "{}")  # as core writes and reads them
            return headers.items() >= NOTICE_HEADERS.items()
        return False
