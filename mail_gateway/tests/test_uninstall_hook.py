from odoo.tests import tagged

from odoo.addons.mail_gateway import hooks
from odoo.addons.mail_gateway.tests.common import InboundCommon, raw


@tagged("post_install", "-at_install")
class TestUninstallHook(InboundCommon):
    """The sources that outlive the addon."""

    def kept_by(self, messages):
        """Return (source, start of the description) of the files that uninstalling makes of messages."""
        before = self.env["ir.attachment"].search([("name", "=like", "%.eml")])
        hooks._keep_sources(self.env)
        files = self.env["ir.attachment"].search([("name", "=like", "%.eml")], order="id") - before
        self.assertEqual(set(files.mapped("mimetype")), {"message/rfc822"})
        self.assertEqual({(file.res_model, file.res_id) for file in files}, {("fetchmail.server", self.server.id)})
        return [(file.raw, file.description.partition(" mail_gateway ")[0]) for file in files]

    def test_sources_that_are_undelivered_or_that_a_person_keeps_become_files(self):
        sources = [
            raw(state) for state in ("received", "deferred", "held", "failed", "delivered", "rejected", "discarded")
        ]
        messages = self.store(*sources, raw("kept delivered"), raw("kept discarded"))
        for message in messages:
            message.state = message.subject.split()[-1]
            message.keep_source = message.subject.startswith("kept")
        self.assertEqual(
            self.kept_by(messages),
            [(source, "Undelivered when") for source in sources[:4]]
            + [(raw(f"kept {state}"), "Kept by a person when") for state in ("delivered", "discarded")],
        )

    def test_no_source_stays_in_memory(self):
        messages = self.store(*(raw(f"{number}") for number in range(3)))
        self.env.invalidate_all()
        field, keep, held = messages._fields["source"], hooks._keep_source, []

        def keep_and_look(message):
            keep(message)
            plain = message.with_context(bin_size=False, bin_size_source=False)
            held.append(list(field._get_cache(plain.env)))

        self.patch(hooks, "_keep_source", keep_and_look)
        hooks._keep_sources(self.env)
        self.assertEqual(held, [[]] * 3)
