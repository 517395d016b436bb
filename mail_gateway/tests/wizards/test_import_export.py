import io
import tracemalloc
import zipfile
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile
from unittest.mock import patch

from odoo.exceptions import AccessError, UserError
from odoo.tests import HttpCase, new_test_user, tagged

from odoo.addons.mail_gateway.tests.common import raw
from odoo.addons.mail_gateway.tests.held.test_decisions import DecisionsCommon
from odoo.addons.mail_gateway.tests.tools.tools_common import ToolsCase
from odoo.addons.mail_gateway.tools import eml_import
from odoo.addons.mail_gateway.tools.eml_import import FileProblem, unpack


def packed(**files):
    """A .zip file; names with _ for the dot before the ending."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            member = zipfile.ZipInfo(name.replace("_", "."))  # of the same time in each run
            archive.writestr(member, content, zipfile.ZIP_DEFLATED)
    return file.getvalue()


class TestToolsImporting(ToolsCase):
    def problems(self, *files, **options):
        return [each.problem for each in unpack(list(files), **options)]

    def test_a_message_is_taken_as_it_is(self):
        [found] = unpack([("order.eml", raw())])
        self.assertEqual((found.name, found.source, found.problem), ("order.eml", raw(), None))

    def test_every_message_that_came_by_mail_once_is_one(self):
        for source in self.every_eml():
            with self.subTest(source[:60]):
                self.assertIn(self.problems(("a.eml", source)), ([None], [FileProblem.NO_MESSAGE]))
        self.assertEqual(self.problems(("a.eml", self.eml("nul_bytes"))), [None])

    def test_an_archive_is_as_many_messages_as_it_holds(self):
        found = unpack([("all.zip", packed(a_eml=raw("One"), b_eml=raw("Two")))])
        self.assertEqual([each.name for each in found], ["all.zip/a.eml", "all.zip/b.eml"])
        self.assertEqual([each.source for each in found], [raw("One"), raw("Two")])

    def test_what_archivers_add_is_left_aside(self):
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w") as archive:
            archive.mkdir("box")
            for name in ("box/a.eml", "__MACOSX/box/._a.eml", "box/.DS_Store"):
                archive.writestr(name, raw())
        self.assertEqual([each.name for each in unpack([("a.zip", file.getvalue())])], ["a.zip/box/a.eml"])

    def test_each_bad_file_is_named_with_what_is_wrong(self):
        for defect, content in (
            (FileProblem.EMPTY, b" \r\n"),
            (FileProblem.EMPTY, packed()),
            (FileProblem.NO_MESSAGE, b"%PDF-1.7\n%\xe2\xe3\n1 0 obj"),
            (FileProblem.OUTLOOK, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"),
            (FileProblem.BROKEN_ZIP, packed(a_eml=raw())[:-30]),
            (FileProblem.NESTED, packed(b_zip=packed(a_eml=raw()))),
        ):
            with self.subTest(defect):
                self.assertEqual(self.problems(("good.eml", raw()), ("bad", content)), [None, defect])

    def test_an_archive_with_a_password_is_refused(self):
        content = bytearray(packed(a_eml=raw()))
        for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
            content[content.index(signature) + offset] |= 1
        self.assertEqual(self.problems(("a.zip", bytes(content))), [FileProblem.ENCRYPTED])

    def test_damaged_archives_of_any_kind_raise_nothing(self):
        content = packed(a_eml=raw() * 20, b_eml=raw())
        for position in range(4, len(content)):
            for damage in (b"\xff\x00", b"\x00\xff\xff\xff", b""):
                damaged = content[:position] + damage + content[position + 2 :]
                self.assertTrue(unpack([("a.zip", damaged)]))

    def test_a_method_of_compression_that_takes_any_amount_of_memory_is_refused(self):
        for method in (zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
            file = io.BytesIO()
            with zipfile.ZipFile(file, "w", method) as archive:
                archive.writestr("a.eml", raw())
            self.assertEqual(self.problems(("a.zip", file.getvalue())), [FileProblem.COMPRESSION])

    def test_an_enormous_table_of_contents_is_not_read(self):
        entry = zipfile.ZipInfo("a.eml")
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr(entry, raw())
            archive.filelist *= 200_000
        with self.peak_memory(below=32):
            self.assertEqual(self.problems(("a.zip", file.getvalue())), [FileProblem.BROKEN_ZIP])

    def test_entries_that_share_their_bytes_count_each(self):
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("a.eml", raw() + b"x" * 1_000_000)
            archive.filelist *= 1000
        found = self.problems(("a.zip", file.getvalue()), most_bytes=5_500_000)
        self.assertEqual(found, [None] * 5 + [FileProblem.TOO_MUCH])

    def test_a_stated_size_that_is_a_lie_is_not_believed(self):
        content = packed(a_eml=raw() + b"x" * 2_000_000)
        size = content.rindex(b"PK\x01\x02") + 24
        content = content[:size] + (10).to_bytes(4, "little") + content[size + 4 :]
        [defect] = self.problems(("a.zip", content), most_bytes=1_000_000)
        self.assertIn(defect, (FileProblem.BROKEN_ZIP, FileProblem.TOO_MUCH))

    def test_one_message_at_a_time_is_in_memory(self):
        many = packed(**{f"{number}_eml": raw() + b"x" * 8_000_000 for number in range(6)})
        with self.peak_memory(below=12):
            for found in unpack([("all.zip", many)]):
                self.assertEqual(len(found.source), len(raw()) + 8_000_000)

    def test_a_file_is_read_from_the_disk(self):
        with NamedTemporaryFile() as file:
            file.write(packed(a_eml=raw("One"), b_eml=raw("Two")))
            file.flush()
            found = unpack([("all.zip", Path(file.name)), ("c.eml", raw("Three"))])
            self.assertEqual([each.source for each in found], [raw("One"), raw("Two"), raw("Three")])

    @contextmanager
    def peak_memory(self, below):
        """Allow no more than so many megabytes of Python's memory at once."""
        tracemalloc.start()
        try:
            yield
            self.assertLess(tracemalloc.get_traced_memory()[1], below * 1024 * 1024)
        finally:
            tracemalloc.stop()

    def test_a_small_archive_of_enormous_files_is_not_unpacked(self):
        bomb = packed(a_eml=raw() + b"x" * 5_000_000, b_eml=raw())
        self.assertLess(len(bomb), 20_000)
        self.assertEqual(
            self.problems(("bomb.zip", bomb), ("good.eml", raw()), most_bytes=1_000_000), [FileProblem.TOO_MUCH]
        )

    def test_all_files_together_are_limited(self):
        size = len(raw())
        self.assertEqual(
            self.problems(*[("a.eml", raw())] * 4, most_bytes=2 * size), [None, None, FileProblem.TOO_MUCH]
        )
        self.assertEqual(
            self.problems(("a.zip", packed(a_eml=raw(), b_eml=raw())), most_bytes=size), [None, FileProblem.TOO_MUCH]
        )

    def test_the_number_of_files_is_limited(self):
        with patch.object(eml_import, "MAX_FILES", 2):
            self.assertEqual(self.problems(*[("a.eml", raw())] * 4), [None, None, FileProblem.TOO_MUCH])


@tagged("post_install", "-at_install")
class TestImport(DecisionsCommon):
    def dialog(self, *files, **values):
        """The dialog with files that the postmaster uploaded."""
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

    def test_an_imported_message_takes_the_way_of_any_other(self):
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

    def test_the_settings_of_the_server_that_was_chosen_apply(self):
        self.server.object_id = self.env["ir.model"]._get_id("res.partner")
        message = self.imported(("a.eml", raw(to="nobody@elsewhere.example")), server_id=self.server.id)
        self.run_lane()
        self.assertEqual((message.state, message.res_model), ("delivered", "res.partner"))

    def test_one_bad_file_and_nothing_is_imported_and_it_is_named(self):
        before = self.env["mail.inbound.message"].search_count([])
        dialog = self.dialog(("good.eml", self.to_alias()), ("offer.pdf", b"%PDF-1.7"), ("empty.eml", b""))
        with self.assertRaisesRegex(
            UserError, "(?s)Nothing was imported.*offer.pdf: it is no e-mail.*empty.eml: it is empty"
        ):
            dialog.action_import()
        self.assertEqual(self.env["mail.inbound.message"].search_count([]), before)
        self.assertEqual(len(dialog.file_ids.exists()), 3)

    def test_every_flaw_has_its_words(self):
        self.assertEqual(set(self.env["mail.inbound.import"]._defect_words()), set(FileProblem))

    def test_uploaded_files_do_not_stay_behind_and_others_are_left_alone(self):
        dialog = self.dialog(("a.eml", self.to_alias()))
        partner = self.env["res.partner"].create({"name": "With a file"})
        other = self.env["ir.attachment"].create(
            {"name": "b.eml", "raw": self.to_alias(), "res_model": "res.partner", "res_id": partner.id}
        )
        uploaded = dialog.file_ids
        dialog.file_ids += other
        dialog.action_import()
        self.assertEqual((uploaded | other).exists(), other)

    def test_nothing_to_import_is_said(self):
        with self.assertRaisesRegex(UserError, "Choose the files"):
            self.dialog().action_import()

    def test_whoever_is_no_postmaster_imports_nothing(self):
        with self.assertRaises(AccessError):
            self.env["mail.inbound.import"].with_user(self.user_employee).create({})


@tagged("post_install", "-at_install")
class TestExport(DecisionsCommon, HttpCase):
    def download(self, url, login="postmaster"):
        self.authenticate(login, login)
        return self.url_open(url)

    def export(self, messages):
        return messages.with_user(self.postmaster).action_export()["url"]

    def test_one_message_is_downloaded_as_it_came(self):
        message = self.deliver(self.to_alias(subject="Ten chairs"))
        response = self.download(self.export(message))
        self.assertEqual(response.content, self.to_alias(subject="Ten chairs"))
        self.assertIn("Ten_chairs.eml", response.headers["Content-Disposition"])

    def test_many_are_an_archive_of_all_sources_under_names_of_their_own(self):
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

    def test_what_was_exported_is_imported_again(self):
        messages = self.deliver(self.to_alias(subject="One"), self.to_alias(subject="Two"))
        content = self.download(self.export(messages)).content
        self.assertEqual(
            {each.source for each in unpack([("messages.zip", content)])}, {m._source_bytes() for m in messages}
        )

    def test_where_there_is_no_source_that_is_said(self):
        message = self.deliver(self.to_alias())
        message.source = False
        with self.assertRaisesRegex(UserError, "deleted already"):
            self.export(message)

    def test_nobody_else_downloads_what_a_postmaster_chose(self):
        url = self.export(self.deliver(self.to_alias(subject="One"), self.to_alias(subject="Two")))
        new_test_user(self.env, "colleague", groups="mail_gateway.group_postmaster")
        new_test_user(self.env, "no_postmaster", groups="base.group_user")
        for login, status in (("colleague", 404), ("no_postmaster", 404), ("postmaster", 200)):
            self.assertEqual(self.download(url, login).status_code, status, login)

    def test_whoever_is_no_longer_a_postmaster_downloads_nothing(self):
        url = self.export(self.deliver(self.to_alias(subject="One"), self.to_alias(subject="Two")))
        self.postmaster.group_ids -= self.env.ref("mail_gateway.group_postmaster")
        self.assertEqual(self.download(url).status_code, 404)
