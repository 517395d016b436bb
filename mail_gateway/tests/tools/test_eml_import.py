import io
import tracemalloc
import zipfile
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile
from unittest.mock import patch

from odoo.addons.mail_gateway.tests.tools.eml_archives import packed
from odoo.addons.mail_gateway.tests.tools.tools_common import ToolsCase, raw, some_of
from odoo.addons.mail_gateway.tools import eml_import
from odoo.addons.mail_gateway.tools.eml_import import FileProblem, unpack


class TestEmlImport(ToolsCase):
    def problems(self, *files, **options):
        return [each.problem for each in unpack(list(files), **options)]

    def test_a_message_is_imported_unchanged(self):
        [found] = unpack([("order.eml", raw())])
        self.assertEqual((found.name, found.source, found.problem), ("order.eml", raw(), None))

    def test_every_fixture_is_a_message_or_reported_as_none(self):
        for source in self.every_eml():
            with self.subTest(source[:60]):
                self.assertIn(self.problems(("a.eml", source)), ([None], [FileProblem.NO_MESSAGE]))
        self.assertEqual(self.problems(("a.eml", self.eml("nul_bytes"))), [None])

    def test_an_archive_yields_each_message_in_it(self):
        found = unpack([("all.zip", packed(a_eml=raw("One"), b_eml=raw("Two")))])
        self.assertEqual([each.name for each in found], ["all.zip/a.eml", "all.zip/b.eml"])
        self.assertEqual([each.source for each in found], [raw("One"), raw("Two")])

    def test_files_that_archivers_add_are_ignored(self):
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w") as archive:
            archive.mkdir("box")
            for name in ("box/a.eml", "__MACOSX/box/._a.eml", "box/.DS_Store"):
                archive.writestr(name, raw())
        self.assertEqual([each.name for each in unpack([("a.zip", file.getvalue())])], ["a.zip/box/a.eml"])

    def test_each_bad_file_is_reported_with_its_problem(self):
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

    def test_damaged_archives_raise_no_error(self):
        content = packed(a_eml=raw() * 20, b_eml=raw())
        for position in some_of(range(4, len(content))):
            for damage in (b"\xff\x00", b"\x00\xff\xff\xff", b""):
                damaged = content[:position] + damage + content[position + 2 :]
                self.assertTrue(unpack([("a.zip", damaged)]))

    def test_compression_methods_that_take_unlimited_memory_are_refused(self):
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
            archive.filelist *= 100_000
        with self.peak_memory(below=16):
            self.assertEqual(self.problems(("a.zip", file.getvalue())), [FileProblem.BROKEN_ZIP])

    def test_entries_that_share_their_bytes_are_counted_separately(self):
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("a.eml", raw() + b"x" * 1_000_000)
            archive.filelist *= 1000
        found = self.problems(("a.zip", file.getvalue()), most_bytes=5_500_000)
        self.assertEqual(found, [None] * 5 + [FileProblem.TOO_MUCH])

    def test_a_false_stated_size_is_not_trusted(self):
        content = packed(a_eml=raw() + b"x" * 2_000_000)
        size = content.rindex(b"PK\x01\x02") + 24
        content = content[:size] + (10).to_bytes(4, "little") + content[size + 4 :]
        [defect] = self.problems(("a.zip", content), most_bytes=1_000_000)
        self.assertIn(defect, (FileProblem.BROKEN_ZIP, FileProblem.TOO_MUCH))

    def test_only_one_message_at_a_time_is_in_memory(self):
        many = packed(**{f"{number}_eml": raw() + b"x" * 4_000_000 for number in range(6)})
        with self.peak_memory(below=6):
            for found in unpack([("all.zip", many)]):
                self.assertEqual(len(found.source), len(raw()) + 4_000_000)

    def test_a_file_is_read_from_the_disk(self):
        with NamedTemporaryFile() as file:
            file.write(packed(a_eml=raw("One"), b_eml=raw("Two")))
            file.flush()
            found = unpack([("all.zip", Path(file.name)), ("c.eml", raw("Three"))])
            self.assertEqual([each.source for each in found], [raw("One"), raw("Two"), raw("Three")])

    @contextmanager
    def peak_memory(self, below):
        """Allow at most so many megabytes of Python's memory at once."""
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
