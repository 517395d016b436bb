from odoo.addons.mail_gateway.tests.tools.tools_common import ToolsCase, mutations, raw
from odoo.addons.mail_gateway.tools.classify.refusal_recipient import refusal_of
from odoo.addons.mail_gateway.tools.headers.addresses import author_address


class TestToolsRefusal(ToolsCase):
    def test_the_return_path_is_notified_or_else_the_from(self):
        self.assertEqual(refusal_of(raw(Return_Path="<Bounce+1@relay.example>")).to, "Bounce+1@relay.example")
        self.assertEqual(refusal_of(raw()).to, "mary@customer.example")
        self.assertEqual(refusal_of(raw(Return_Path="<broken>")).to, "mary@customer.example")

    def test_the_topmost_of_several_return_paths_counts(self):
        source = b"Return-Path: <last@relay.example>\r\n" + raw(Return_Path="<first@relay.example>")
        self.assertEqual(refusal_of(source).to, "last@relay.example")

    def test_the_null_sender_is_not_notified(self):
        for path in ("<>", "< >", ""):
            refusal = refusal_of(raw(Return_Path=path))
            self.assertEqual((refusal.to, refusal.is_null), ("", True), path)

    def test_references_list_the_thread_before_the_message(self):
        refusal = refusal_of(raw(message_id="<c@x>", References="<a@x>\r\n\t<b@x>", In_Reply_To="<b@x>"))
        self.assertEqual((refusal.references, refusal.in_reply_to), ("<a@x> <b@x> <c@x>", "<c@x>"))
        self.assertEqual(refusal_of(raw(message_id="<c@x>", In_Reply_To="<b@x>")).references, "<b@x> <c@x>")

    def test_a_very_long_thread_keeps_its_first_and_last_ids(self):
        ids = [f"<{number}@x>" for number in range(500)]
        found = refusal_of(raw(message_id="<own@x>", References=" ".join(ids))).references.split()
        self.assertEqual((found[0], found[-2], found[-1]), ("<0@x>", "<499@x>", "<own@x>"))
        self.assertLessEqual(len(found), 20)

    def test_a_message_id_that_is_not_valid_in_a_header_is_left_out(self):
        for message_id in ("<[x@y]>", "<no at sign>", "<ü@x>", "without brackets@x"):
            refusal = refusal_of(raw(message_id=message_id))
            self.assertEqual((refusal.in_reply_to, refusal.references), ("", ""), message_id)

    def test_programs_and_people_are_distinguished(self):
        self.assertEqual(refusal_of(raw(List_Id="<news.example>")).program.header, "List-Id")
        self.assertIsNone(refusal_of(raw()).program)

    def test_the_recipient_of_any_message_is_an_address_on_one_line(self):
        sources = self.every_eml()
        for source in (*sources, *mutations(sources, 2000)):
            refusal = refusal_of(source)
            self.assertTrue(not refusal.to or author_address(refusal.to), source)
            self.assertNotRegex(refusal.to + refusal.references + refusal.in_reply_to, r"[\r\n\x00]")
