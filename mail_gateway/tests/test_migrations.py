from odoo.modules.migration import load_script
from odoo.tests import new_test_user, tagged
from odoo.tools import file_path

from odoo.addons.mail_gateway.tests.common import InboundCommon, raw


@tagged("post_install", "-at_install")
class TestMigrations(InboundCommon):
    """The effects of updates on a database of an earlier version."""

    def migrate_senders(self, of_a_slice):
        """Run the script on a table without the column; return id -> address."""
        script = load_script(file_path("mail_gateway/migrations/19.0.1.2.0/pre-sender.py"), "pre-sender")
        self.patch(script, "_SLICE", of_a_slice)
        self.env.flush_all()
        self.env.cr.execute("ALTER TABLE mail_inbound_message DROP COLUMN sender")
        script.migrate(self.env.cr, "19.0.1.0.0")
        self.env.cr.execute("SELECT id, sender FROM mail_inbound_message")
        return dict(self.env.cr.fetchall())

    def test_the_addresses_of_senders_are_read_only_for_waiting_messages(self):
        waiting = self.store(*(raw(f"{n}", f"N. <N{n}@Café.example>") for n in range(5)))
        for message, state in zip(waiting, ("held", "failed", "deferred"), strict=False):
            message.state = state
        done = self.store(raw(), raw("Other"))
        done.state = "delivered"
        nobody = self.store(raw("From nobody", "undisclosed"))
        found = self.migrate_senders(of_a_slice=2)
        self.assertEqual([found[each] for each in waiting.ids], [f"n{n}@xn--caf-dma.example" for n in range(5)])
        self.assertEqual([found[each] for each in (done + nobody).ids], [None] * 3)

    def test_indexed_values_are_shortened_like_new_values(self):
        script = load_script(file_path("mail_gateway/migrations/19.0.1.3.0/post-bounds.py"), "post-bounds")
        stored = self.store(raw(), raw("Other"))
        self.env.flush_all()
        long_key = "pop://box@127.0.0.1/;UIDL=" + "x" * 1500
        self.env.cr.execute("UPDATE mail_inbound_message SET remote_key = %s WHERE id = %s", (long_key, stored[0].id))
        script.migrate(self.env.cr, "19.0.1.2.0")
        self.env.invalidate_all()
        messages = self.env["mail.inbound.message"]
        self.assertEqual(messages._known_keys(self.server, [long_key, "key 1"]), {long_key, stored[1].remote_key})
        self.assertEqual(messages.search([("remote_key", "=", long_key)]), stored[0])

    def test_messages_that_a_program_handed_over_earlier_belong_to_its_user(self):
        script = load_script(file_path("mail_gateway/migrations/19.0.1.3.0/post-callers.py"), "post-callers")
        member = new_test_user(self.env, "mailgate", groups="base.group_user")
        messages = self.env["mail.inbound.message"].with_user(member).sudo()
        waiting, done = (messages._store_call(raw(), {"model": "res.partner"}) for _time in range(2))
        waiting._move_to("held", "Because.", cause="size")
        done._move_to("delivered")
        fetched = self.store(raw())
        (waiting + done).caller_id = False
        self.env.flush_all()
        script.migrate(self.env.cr, "19.0.1.2.0")
        self.env.invalidate_all()
        self.assertEqual((waiting + done + fetched).mapped("caller_id"), member)
        self.assertEqual(waiting.caller_id, member)

    def test_existing_messages_get_the_same_search_texts_as_new_ones(self):
        messages = self.store(
            raw("Ten chairs"),
            raw("=?utf-8?q?Caf=C3=A9?=", "M\u00e4ry <mary@customer.example>"),
            raw("", "", ""),
            raw("\u6ce8\u6587"),
        )
        texts = "SELECT inbound_message_id, text FROM mail_inbound_search WHERE inbound_message_id IN %s ORDER BY 1"
        self.env.cr.execute(texts, [messages._ids])
        stored = self.env.cr.fetchall()
        script = load_script(file_path("mail_gateway/migrations/19.0.1.3.0/pre-search.py"), "pre-search")
        self.patch(script, "_SLICE", 1)
        self.env.cr.execute("DROP TABLE mail_inbound_search")
        script.migrate(self.env.cr, "19.0.1.2.0")
        self.env.cr.execute(texts, [messages._ids])
        self.assertEqual(self.env.cr.fetchall(), stored)
        self.assertEqual(len(stored), 4)

    def test_the_people_of_waiting_messages_are_read_again_from_the_source(self):
        script = load_script(file_path("mail_gateway/migrations/19.0.1.3.0/post-people.py"), "post-people")
        self.patch(script, "_SLICE", 2)
        sources = (
            raw(f"{n}", f"=?utf-8?q?J=40ACME?= <j{n}@acme.example>", "a@x.example; b@x.example") for n in range(4)
        )
        *waiting, done = self.store(*sources)
        for message in (*waiting, done):
            message.write({"email_from": "J@ACME <j@acme.example>", "sender": False, "recipients": "a@x.example"})
        done.state = "delivered"
        self.env.flush_all()
        script.migrate(self.env.cr, "19.0.1.2.0")
        self.env.invalidate_all()
        for number, message in enumerate(waiting):
            self.assertEqual(message.email_from, f'"J@ACME" <j{number}@acme.example>')
            self.assertEqual(message.sender, f"j{number}@acme.example")
            self.assertEqual(message.recipients, "a@x.example, b@x.example")
        self.assertEqual(done.email_from, "J@ACME <j@acme.example>")
