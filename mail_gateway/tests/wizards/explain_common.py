from odoo.addons.mail.tests.common import MailCommon

DOMAIN = "mycompany.example"
NOTIFICATIONS, BOUNCE, CATCHALL = f"notifications@{DOMAIN}", f"bounce@{DOMAIN}", f"catchall@{DOMAIN}"


class ExplainCommon(MailCommon):
    """A company with the domain mycompany.example, which has only the servers of the test."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env["ir.mail_server"].search([]).unlink()
        cls.company = cls.env.company
        cls.company.alias_domain_id = cls.env["mail.alias.domain"].create(
            {"name": DOMAIN, "bounce_alias": "bounce", "catchall_alias": "catchall", "default_from": "notifications"}
        )
        cls.postmaster = cls.user("postmaster", "base.group_user,mail_gateway.group_postmaster")

    @classmethod
    def user(cls, login, groups="base.group_user", **values):
        """Create a user with these groups; further values go to the record."""
        groups = [cls.env.ref(name).id for name in groups.split(",")]
        users = cls.env["res.users"].with_context(no_reset_password=True)
        return users.create(
            {
                "name": login.title(),
                "login": login,
                "email": f"{login}@{DOMAIN}",
                "group_ids": [(6, 0, groups)],
                **values,
            }
        )

    @classmethod
    def server(cls, name, from_filter="", **values):
        """Create an outgoing mail server."""
        return cls.env["ir.mail_server"].create(
            {"name": name, "smtp_host": "127.0.0.1", "from_filter": from_filter, **values}
        )

    def explain(self, email_from="Sales <sales@customer.example>", user=None, **values):
        """Return the answer as the dialog shows it."""
        wizards = self.env["mail.outgoing.explain"].with_user(user or self.postmaster)
        return wizards.new({**wizards.default_get(list(wizards._fields)), "email_from": email_from, **values})

    def line(self, answer, server):
        """Return the line about one server."""
        [line] = answer.line_ids.filtered(lambda line: line.name == server.name)
        return line
