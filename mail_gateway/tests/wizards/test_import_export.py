import io
import zipfile

from odoo.exceptions import AccessError, UserError
from odoo.tests import HttpCase, new_test_user, tagged

from odoo.addons.mail_gateway.tests.common import raw
from odoo.addons.mail_gateway.tests.held.decisions_common import DecisionsCommon
from odoo.addons.mail_gateway.tests.tools.eml_archives import packed
from odoo.addons.mail_gateway.tools.eml_import import FileProblem, unpack


@tagged("post_install", "-at_install")
class TestImport(DecisionsCommon):
    def dialog(self, *files, **values):
        """Return the dialog with files that the postmaster uploaded."""
        attachments = (
            self.env["ir.attachment"]
            .with_user(self.postmaster)
            .create(
                [
                    {"name": name, "raw": content, "res_model": "mail.inbound.import", "res_id": 0}
                    for name, content in files
                ]
            )
        )
        wizard = self.env["mail.inbound.import"].with_user(self.postmaster)
        return wizard.create({"file_ids": attachments.ids, **values})

    def imported(self, *files, **values):
        action = self.dialog(*files, **values).action_import()
        return self.env["mail.inbound.message"].search(action["domain"], order="id")

    def test_an_imported_message_is_processed_like_any_other(self):
        message = self.imported(("order.eml", self.to_alias(subject="Ten chairs")))
        self.assertEqual((message.state, message.transport, message.subject), ("received", "import", "Ten chairs"))
        self.assertEqual(message._source_bytes(), self.to_alias(subject="Ten chairs"))
        self.run_lane()
        self.assertEqual(self.env["res.partner"].browse(message.res_id).name, "Ten chairs")

    def test_many_files_and_archives_are_imported_at_once(self):
        messages = self.imported(
            ("a.eml", self.to_alias(subject="One")),
            ("b.zip", packed(c_eml=self.to_alias(subject="Two"), d_eml=self.to_alias(subject="Three"))),
        )
        self.assertEqual(messages.mapped("subject"), ["One", "Two", "Three"])

    def test_the_settings_of_the_chosen_server_apply(self):
        self.server.object_id = self.env["ir.model"]._get_id("res.partner")
        message = self.imported(("a.eml", raw(to="nobody@elsewhere.example")), server_id=self.server.id)
        self.run_lane()
        self.assertEqual((message.state, message.res_model), ("delivered", "res.partner"))

    def test_one_bad_file_prevents_the_import_and_is_named(self):
        before = self.env["mail.inbound.message"].search_count([])
        dialog = self.dialog(("good.eml", self.to_alias()), ("offer.pdf", b"%PDF-1.7"), ("empty.eml", b""))
        with self.assertRaisesRegex(
            UserError, "(?s)Nothing was imported.*offer.pdf: it is no e-mail.*empty.eml: it is empty"
        ):
            dialog.action_import()
        self.assertEqual(self.env["mail.inbound.message"].search_count([]), before)
        self.assertEqual(len(dialog.file_ids.exists()), 3)

    def test_every_problem_of_a_file_has_a_description(self):
        self.assertEqual(set(self.env["mail.inbound.import"]._file_problems()), set(FileProblem))

    def test_uploaded_files_are_deleted_and_other_files_are_kept(self):
        dialog = self.dialog(("a.eml", self.to_alias()))
        partner = self.env["res.partner"].create({"name": "With a file"})
        other = self.env["ir.attachment"].create(
            {"name": "b.eml", "raw": self.to_alias(), "res_model": "res.partner", "res_id": partner.id}
        )
        uploaded = dialog.file_ids
        dialog.file_ids += other
        dialog.action_import()
        self.assertEqual((uploaded | other).exists(), other)

    def test_an_import_without_files_is_refused(self):
        with self.assertRaisesRegex(UserError, "Choose the files"):
            self.dialog().action_import()

    def test_only_a_postmaster_may_import(self):
        with self.assertRaises(AccessError):
            self.env["mail.inbound.import"].with_user(self.user_employee).create({})


@tagged("post_install", "-at_install")
class TestExport(DecisionsCommon, HttpCase):
    def download(self, url, login="postmaster"):
        self.authenticate(login, login)
        return self.url_open(url)

    def export(self, messages):
        return messages.with_user(self.postmaster).action_export()["url"]

    def test_one_message_is_downloaded_unchanged(self):
        message = self.deliver(self.to_alias(subject="Ten chairs"))
        response = self.download(self.export(message))
        self.assertEqual(response.content, self.to_alias(subject="Ten chairs"))
        self.assertIn("Ten_chairs.eml", response.headers["Content-Disposition"])

    def test_several_messages_are_downloaded_as_an_archive_with_distinct_names(self):
        sources = [raw(to="nobody@elsewhere.example", subject=s) for s in ("Same", "Same", "../../etc/passwd", "")]
        messages = self.deliver(*sources)
        response = self.download(self.export(messages))
        with zipfile.ZipFile(io.BytesIO(response.content)) as archive:
            names = archive.namelist()
            self.assertEqual(sorted(map(archive.read, names)), sorted(sources))
        self.assertEqual(len(set(names)), 4)
        self.assertFalse([name for name in names if "/" in name or "\\" in name or name.startswith(".")])

    def test_no_source_stays_in_memory(self):
        messages = self.deliver(*(raw(to="nobody@elsewhere.example", subject=subject) for subject in "abc"))
        self.env.invalidate_all()
        plain = messages[0].with_context(bin_size=False, bin_size_source=False)
        self.assertTrue(messages[0]._source_bytes())
        self.assertFalse(messages._fields["source"]._get_cache(plain.env))

    def test_messages_without_a_source_are_listed_in_the_archive(self):
        messages = self.deliver(self.to_alias(subject="Kept"), self.to_alias(subject="Gone"))
        messages[1].source = False
        with zipfile.ZipFile(io.BytesIO(self.download(self.export(messages)).content)) as archive:
            self.assertEqual(len(archive.namelist()), 2)
            self.assertIn("Gone", archive.read("deleted_sources.txt").decode())

    def test_an_exported_archive_can_be_imported_again(self):
        messages = self.deliver(self.to_alias(subject="One"), self.to_alias(subject="Two"))
        content = self.download(self.export(messages)).content
        self.assertEqual(
            {each.source for each in unpack([("messages.zip", content)])}, {m._source_bytes() for m in messages}
        )

    def test_an_export_without_any_source_is_refused(self):
        message = self.deliver(self.to_alias())
        message.source = False
        with self.assertRaisesRegex(UserError, "deleted already"):
            self.export(message)

    def test_nobody_else_may_download_the_export_of_a_postmaster(self):
        url = self.export(self.deliver(self.to_alias(subject="One"), self.to_alias(subject="Two")))
        new_test_user(self.env, "colleague", groups="mail_gateway.group_postmaster")
        new_test_user(self.env, "no_postmaster", groups="base.group_user")
        for login, status in (("colleague", 404), ("no_postmaster", 404), ("postmaster", 200)):
            self.assertEqual(self.download(url, login).status_code, status, login)

    def test_a_former_postmaster_may_not_download_their_export(self):
        url = self.export(self.deliver(self.to_alias(subject="One"), self.to_alias(subject="Two")))
        self.postmaster.group_ids -= self.env.ref("mail_gateway.group_postmaster")
        self.assertEqual(self.download(url).status_code, 404)
