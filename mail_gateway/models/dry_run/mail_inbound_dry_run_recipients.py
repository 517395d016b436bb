"""The recipients and the route of a message in a dry run."""

from odoo import models

from ...tools.dry_run import Recipient
from ...tools.headers.addresses import normalize_address
from ...tools.headers.recipients import TRANSPORT, recipients_in


class MailInboundDryRun(models.AbstractModel):
    """Describes the recipients in the headers of a message, and its routes."""

    _inherit = "mail.inbound.dry.run"

    def _recipients(self, asked, env, reader):
        """Yield each recipient and what it matches.

        :param env: the environment of a lane, with all rights
        :param reader: the environment of the user who asks
        """
        named = recipients_in(asked["source"])
        by_header = [*named.written.items(), *named.by_transport.items()]
        pairs = [(header, mailbox.address) for header, mailboxes in by_header for mailbox in mailboxes]
        found = env["mail.former.address"]._reach({normalize_address(address) for _header, address in pairs} - {None})
        counts_transport = named.counts_transport(found)
        for header, written in dict.fromkeys(pairs):
            reached = found.get(normalize_address(written))
            recipient = self._recipient(header, written, reached, env, reader)
            if reached and header in TRANSPORT and not counts_transport:
                recipient = recipient._replace(matches=self._not_counted(recipient.matches), counts=False)
            yield recipient

    def _recipient(self, header, written, reached, env, reader):
        redirect = reached and reached.redirect
        if reached and not reached.to:
            return Recipient(header, written, self._lost(redirect), False)
        address = normalize_address(written)
        matches = [*self._matches(normalize_address(reached.to), env, reader)] if reached else []
        words = "\n".join(matches) or self._nothing(address)
        if redirect:
            words = self.env._("Former address, redirects to %(address)s: %(what)s", address=redirect.to, what=words)
        return Recipient(header, written, words, bool(matches))

    def _not_counted(self, words):
        return self.env._("Not used, because To or Cc names an address of Odoo: %s", words)

    def _lost(self, redirect):
        return self.env._("Former address without a target. %s", redirect.reason)

    def _nothing(self, address):
        return self.env._("Nothing in Odoo") if address else self.env._("No valid address")

    def _matches(self, address, env, reader):
        """Yield what an address stands for, as core finds it."""
        if not address:
            return
        for alias in env["mail.alias"]._named_by([address]):
            yield self._alias_in_words(alias, reader)
        for domain in env["mail.former.address"]._alias_domains():
            mailboxes = {kind: normalize_address(mailbox) for kind, mailbox in domain._mailboxes().items() if mailbox}
            if address == mailboxes.get("catchall"):
                yield self.env._("Catchall address: accepts replies only")
            if address == mailboxes.get("bounce"):
                yield self.env._("Bounce address")

    def _alias_in_words(self, alias, reader):
        if not alias.with_env(reader).has_access("read"):
            return self._name_of(alias, reader)
        policies = dict(alias._fields["alias_contact"]._description_selection(reader))
        words = {
            "model": reader["ir.model"]._get(alias.alias_model_id.model).name,
            "policy": policies.get(alias.alias_contact, alias.alias_contact),
        }
        if not alias.alias_force_thread_id:
            return self.env._("Alias that creates a record of %(model)s; accepts messages from: %(policy)s", **words)
        record = alias.env[alias.alias_model_id.model].browse(alias.alias_force_thread_id)
        words["record"] = self._name_of(record, reader)
        return self.env._("Alias of %(model)s “%(record)s”; accepts messages from: %(policy)s", **words)

    # ------------------------------------------------------------------ the route

    def _routes_in_words(self, delivery, reader):
        """Yield a description of each route that core found."""
        for model, thread_id, _defaults, _user, alias in delivery.trace.routes:
            words = {
                "model": reader["ir.model"]._get(model).name,
                "alias": self._name_of(alias, reader) if alias else "",
                "record": thread_id and self._name_of(self._lane(reader.cr)[model].browse(thread_id), reader),
            }
            yield self._route_in_words(delivery, thread_id, alias, words)

    def _route_in_words(self, delivery, thread_id, alias, words):
        if delivery.is_note and not thread_id:
            return self.env._("None: a rule logs it as a note, which creates no record")
        if delivery.request.route:
            return (
                self.env._("As decided by a person: %(model)s “%(record)s”", **words)
                if thread_id
                else self.env._(
                    "As decided by a person: a new record of %(model)s, through the alias %(alias)s", **words
                )
            )
        if thread_id and alias and alias.alias_force_thread_id == thread_id:
            return self.env._("%(model)s “%(record)s”, through the alias %(alias)s", **words)
        if thread_id:
            return self.env._("A reply to %(model)s “%(record)s”", **words)
        if alias:
            return self.env._("A new record of %(model)s, through the alias %(alias)s", **words)
        return self.env._("A new record of %(model)s, as configured on the incoming mail server", **words)
