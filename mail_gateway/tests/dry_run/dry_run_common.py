import base64

from odoo.tools import SQL

from odoo.addons.mail_gateway.tests.common import InboundCommon, raw

MARY = "Mary <mary@customer.example>"
# The tables in which a delivery may leave traces.
_TABLES = (
    "mail_message",
    "mail_mail",
    "mail_notification",
    "mail_followers",
    "mail_alias",
    "mail_former_address",
    "mail_inbound_message",
    "mail_inbound_created_record",
    "mail_inbound_sender_notice",
    "mail_inbound_message_id_lock",
    "mail_inbound_rule_hit",
    "mail_inbound_decision",
    "mail_inbound_rule",
    "mail_inbound_acknowledgement",
    "mail_outgoing_selection",
    "mail_activity",
    "mail_tracking_value",
    "res_partner",
    "res_users",
    "ir_attachment",
    "ir_config_parameter",
    "ir_cron_trigger",
    "ir_model_data",
    "bus_bus",
)


class DryRunCommon(InboundCommon):
    """Makes dry runs of messages; an agent of the company, Mary and Carl follow the record Order."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.catchall, cls.bounce = cls.mail_alias_domain.catchall_email, cls.mail_alias_domain.bounce_email
        cls.agent = (
            cls.env["res.users"]
            .with_context(no_reset_password=True)
            .create(
                {"name": "Agent", "login": "agent", "email": "agent@mycompany.example", "notification_type": "inbox"}
            )
        )
        cls.mary = cls.env["res.partner"].create({"name": "Mary", "email": "mary@customer.example"})
        cls.carl = cls.env["res.partner"].create({"name": "Carl", "email": "carl@customer.example"})
        cls.order = cls.env["res.partner"].create({"name": "Order"})
        cls.order.message_subscribe((cls.agent.partner_id + cls.mary + cls.carl).ids)
        cls.question = cls.order.message_post(
            body="How many?", message_type="comment", subtype_xmlid="mail.mt_comment", author_id=cls.agent.partner_id.id
        )

    def inbound(self, source, server=None):
        """Return a message as the dialog has it: in memory only."""
        values = {"source": base64.b64encode(source), "server_id": (server or self.server).id}
        return self.env["mail.inbound.message"].new(values)

    def dry_run(self, source, server=None, **values):
        """Return the answer about bytes that came in through a server."""
        return self.ask(self.inbound(source, server), **values)

    def ask(self, inbound, user=None, **values):
        """Return the answer about a message; rollbacks become savepoints."""
        with self.enter_registry_test_mode():
            return self.env["mail.inbound.dry.run"].with_user(user or self.env.user)._dry_run(inbound, **values)

    def reply(self, **values):
        """Return a message in which Mary answers the agent's question."""
        headers = {"In_Reply_To": self.question.message_id, "References": self.question.message_id}
        return raw(**{"subject": "Re: Order", "to": self.catchall, **headers, **values})

    def rows(self):
        """Return the state of all rows of each of the tables."""
        self.env.flush_all()
        states = {}
        for table in _TABLES:
            rows = "SELECT count(*), max(id), md5(string_agg(t::text, ' ' ORDER BY id)) FROM %s t"
            self.env.cr.execute(SQL(rows, SQL.identifier(table)))
            states[table] = self.env.cr.fetchone()
        return states

    def highest(self, model):
        """Return the id of the newest record."""
        newest = self.env[model].sudo().with_context(active_test=False).search([], order="id desc", limit=1)
        return newest.id or 0

    def since(self, model, highest):
        """Return the records that are newer."""
        return self.env[model].sudo().with_context(active_test=False).search([("id", ">", highest)], order="id")
