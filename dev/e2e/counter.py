"""The office of the tests that explain incoming mail, and what its database contains."""

import os

from e2e.gateway import until

_RUN = os.getpid()
# Mailboxes outlive the run: each run has its own.
DOMAIN, CUSTOMER = "mycompany.example", f"customer-{_RUN}.example"
AGENT = f"agent@{CUSTOMER}"
# The tables to which the server itself keeps writing, and those of the dialog: its question and the answer.
_OF_ITS_OWN = (
    "mail_inbound_explain",
    "ir_cron",
    "ir_cron_progress",
    "ir_cron_trigger",
    "ir_logging",
    "res_device_log",
    "res_users_log",
    "mail_presence",
    "bus_presence",
    "base_registry_signaling",
    "orm_signaling_registry",
)


class Counter:
    """An office with an alias, a lead that an agent and a customer follow, and an incoming mail server."""

    def __init__(self, gateway, dovecot, postfix):
        self.gateway, self.dovecot = gateway, dovecot
        gateway.outgoing_server(postfix, name="Main")
        self.agent = gateway.user("Anna Agent", AGENT)
        self.postmaster = self._postmaster()
        self.customer = gateway.call("res.partner", "create", {"name": "Mary Smith", "email": f"mary@{CUSTOMER}"})
        self.other = gateway.call("res.partner", "create", {"name": "Carl Cook", "email": f"carl@{CUSTOMER}"})
        self.lead = gateway.call(
            "crm.lead", "create", {"name": "Forty chairs", "type": "lead", "team_id": False, "user_id": False}
        )
        gateway.call("crm.lead", "message_subscribe", [self.lead], [self.agent[1], self.customer, self.other])
        self.mailbox = f"counter-{_RUN}@{DOMAIN}"
        self.server = gateway.mail_server(self.mailbox, dovecot.port("imaps"), name="Counter", is_ssl=True)

    def _postmaster(self):
        group = self.gateway.ref("mail_gateway.group_postmaster")
        user, _partner = self.gateway.user("Paul Postmaster", f"postmaster@{DOMAIN}")
        self.gateway.call("res.users", "write", [user], {"group_ids": [(4, group)]})
        return f"postmaster@{DOMAIN}"

    def question(self):
        """Return the Message-Id of a comment of the agent, which a reply can answer."""
        posted = self.gateway.comment((self.agent[0], AGENT), "crm.lead", self.lead, "Which colour?", [self.other])
        return self.gateway.call("mail.message", "read", [posted], ["message_id"])[0]["message_id"]

    def deliver(self, source):
        """Let a message come in; return its row once it is no longer pending."""
        last = self.gateway.sql("SELECT coalesce(max(id), 0) FROM mail_inbound_message")[0][0]
        self.dovecot.put_all(self.mailbox, [source])
        self.gateway.fetch(self.server)
        until(lambda: self.gateway.sql("SELECT 1 FROM mail_inbound_message WHERE id > %s", last))
        self.gateway.settle()
        [row] = self.gateway.call(
            "mail.inbound.message", "search_read", [["id", ">", last]], ["state", "reason", "res_model", "res_id"]
        )
        return row

    def rows(self):
        """Return number and digest of the rows of each table of the database, read without Odoo."""
        tables = [
            name
            for (name,) in self.gateway.sql(
                "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND NOT tablename = ANY(%s)",
                list(_OF_ITS_OWN),
            )
        ]
        digest = "count(*), md5(string_agg(t::text, ' ' ORDER BY t::text))"
        # without scripts and styles that the browser requested meanwhile
        rows = {"ir_attachment": "(SELECT * FROM ir_attachment WHERE url IS NULL OR url NOT LIKE '/web/assets/%%')"}
        union = " UNION ALL ".join(f"SELECT '{name}', {digest} FROM {rows.get(name, name)} t" for name in tables)
        return {name: found for name, *found in self.gateway.sql(union)}

    def rows_at_rest(self):
        """Return the same once nothing changes any more: the browser marks what it opened, and Odoo what it sent."""
        found = [None]

        def rest():
            found.append(self.rows())
            return found[-1] == found[-2]

        until(rest, every=1.5)
        return found[-1]
