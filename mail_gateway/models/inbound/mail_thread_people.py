"""Authors, recipients and threads of messages, as they are meant."""

from email.message import EmailMessage

from odoo import api, models

from ...tools.delivery import Delivery
from ...tools.headers.address_list import read_addresses
from ...tools.headers.addresses import author_address, domain_of, normalize_address, normalize_domain
from ...tools.headers.mailing_lists import author_of, from_of, is_rewritten, same_domain
from ...tools.headers.message_ids import nearest_first, referred_ids
from ...tools.headers.recipients import joined, raw_values, recipients_in, recipients_of, with_headers
from ...tools.headers.stored_headers import message_id_of
from ...tools.source_values import sender_of
from ...tools.trace import Redirected


class MailThread(models.AbstractModel):
    """Core reads who wrote, to whom, and in which thread, the way it is meant.

    Core parses decoded headers, in which a name may look like an address. So it is given the same message with headers
    that leave nothing to be guessed; what it makes of them is right without being corrected: senders, recipients, bounces,
    catchall, threads.
    """

    _inherit = "mail.thread"

    @api.model
    def message_parse(self, message, save_original=False):
        """Extends core's method: it gets a message whose From, recipients and references are read already."""
        if not isinstance(message, EmailMessage):
            return super().message_parse(message, save_original=save_original)
        read = with_headers(message, {**self._headers_as_meant(message), **self._recipients_as_meant(message)})
        read.as_it_came = message
        return super().message_parse(read, save_original=save_original)

    def _message_parse_extract_payload(self, message, message_dict, save_original=False):
        """Extends core's method: what is kept of the original has the headers that it came with."""
        original = getattr(message, "as_it_came", message)
        return super()._message_parse_extract_payload(original, message_dict, save_original=save_original)

    def _routing_create_bounce_email(self, email_from, body_html, message, **mail_values):
        """Extends core's method, which writes to all that Return-Path says, decoded.

        That is the topmost one's address, the one that the last server noted. The null sender is left for who asks whether
        anybody may be told.
        """
        path = next(iter(raw_values(message)("Return-Path")), "")
        if path.strip(" \t\r\n<>"):
            found = read_addresses(path)
            message = with_headers(message, {"Return-Path": found[0].address if found else ""})
        return super()._routing_create_bounce_email(email_from, body_html, message, **mail_values)

    # ------------------------------------------------------------------ who wrote, and what it answers

    def _headers_as_meant(self, message):
        """The author and the references, by header."""
        get_all = raw_values(message)
        author = self._author_of(get_all)
        return {
            "From": joined([author]) if author.address else author.name,
            "In-Reply-To": " ".join(referred_ids(" ".join(get_all("In-Reply-To")))),
            "References": " ".join(referred_ids(" ".join(get_all("References")))),
            # without one core makes one up
            **({} if message_id_of(message) else {"Message-Id": ""}),
        }

    def _author_of(self, get_all):
        """The author, also behind a mailing list; an invented list makes nobody one of our users.

        Servers hold From against its domain (DMARC) and nothing else. So a list says who wrote of its own domain, and of
        people who have no rights here.
        """
        author, in_from = author_of(get_all), from_of(get_all)
        if not is_rewritten(get_all) or same_domain(author.address, in_from.address):
            return author
        if not self._is_of_ours(author.address):
            return author
        delivery = Delivery.of(self.env.context)
        if delivery and delivery.request.inbound_id:
            # what was stored could not ask who our users are
            inbound = self.env["mail.inbound.message"].sudo().browse(delivery.request.inbound_id)
            inbound._correct({"email_from": str(in_from), "sender": sender_of(str(in_from)) or False})
        return in_from

    def _is_of_ours(self, address):
        """Whether an address is a user's, or in a domain of ours."""
        normal = author_address(address)
        domains = {normalize_domain(domain.name) for domain in self.env["mail.former.address"].sudo()._alias_domains()}
        if domain_of(normal) in domains:
            return True
        spellings = list({normal, address.lower()})
        users = self.env["res.users"].sudo().with_context(active_test=False)
        return bool(
            users.search_count(
                ["|", ("partner_id.email_normalized", "in", spellings), ("login", "=ilike", normal)], limit=1
            )
        )

    # ------------------------------------------------------------------ to whom

    def _recipients_as_meant(self, message):
        """The recipients that count, by header: addresses of ours as they are stored, former ones as their targets."""
        delivery = Delivery.of(self.env.context)
        # what stands in for a broken message does not name all of too many, but those behind an endless head
        named = recipients_in(delivery.trace.source) if delivery and delivery.trace.defects else None
        if not (named and named.all):
            named = recipients_of(message)
        former = self.env["mail.former.address"].sudo()
        found = former._reach({normalize_address(mailbox.address) for mailbox in named.all} - {None})
        written = {name: self._reached(mailboxes, found) for name, mailboxes in named.written.items()}
        counts_transport = named.counts_transport(found)
        transport = [each for each in named.transport if normalize_address(each.address) in found]
        counted = [
            *(each for boxes in named.written.values() for each in boxes),
            *(transport if counts_transport else ()),
        ]
        if delivery:
            addresses = dict.fromkeys(normalize_address(mailbox.address) for mailbox in counted)
            redirects = (found[address].redirect for address in addresses if address in found)
            delivery.trace.add(Redirected(tuple(filter(None, redirects))))
        headers = {name: joined(mailboxes) for name, mailboxes in written.items()}
        return {**headers, "Delivered-To": joined(self._reached(transport, found)) if counts_transport else ""}

    def _reached(self, mailboxes, found):
        """The mailboxes under the addresses that they reach."""
        for mailbox in mailboxes:
            reached = found.get(normalize_address(mailbox.address))
            yield mailbox._replace(address=reached.to) if reached and reached.to else mailbox

    # ------------------------------------------------------------------ in which thread

    def _get_parent_message(self, msg_dict):
        """Replaces core's method, which takes the newest message that References names.

        That is the nearest one: In-Reply-To comes first, then References from their end. Messages whose record is gone
        count only where there is no other.
        """
        ids = nearest_first(msg_dict["in_reply_to"] or "", msg_dict["references"] or "")
        if not ids:
            return None
        nearness = {message_id: number for number, message_id in enumerate(ids)}
        known = self.env["mail.message"].search([("message_id", "in", ids)], order="id DESC", limit=4 * len(ids))
        known = known.sorted(lambda message: nearness[message.message_id])
        return next(filter(self._has_record, known), known[:1]) or None

    @staticmethod
    def _has_record(message):
        if not message.model or not message.res_id or message.model not in message.env:
            return False
        return bool(message.env[message.model].browse(message.res_id).sudo().exists())

    @api.model
    def message_route(self, message, message_dict, model=None, thread_id=None, custom_values=None):
        """Extends core's method, which looks at In-Reply-To only without References, and then at the newest message.

        It finds the message that :meth:`_get_parent_message` found.
        """
        parent = self.env["mail.message"].sudo().browse(message_dict.get("parent_id")).exists()
        if not parent.message_id:
            return super().message_route(message, message_dict, model, thread_id, custom_values)
        kept = {key: message_dict[key] for key in ("references", "in_reply_to")}
        message_dict.update(references=parent.message_id, in_reply_to="")
        try:
            return super().message_route(message, message_dict, model, thread_id, custom_values)
        finally:
            message_dict.update(kept)
