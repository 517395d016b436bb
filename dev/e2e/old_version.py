"""Databases with an earlier version of the addon, which are updated to the present one."""

import io
import subprocess
import zipfile

import pytest

from e2e.gateway import Gateway
from lab.host.paths import ROOT
from lab.odoo import source
from lab.odoo.runs import run


class OldVersion(Gateway):
    """A database with an earlier version of the addon; :meth:`upgrade` updates it to the present version.

    :param old_addons: the directory of addons with the earlier version
    """

    def __init__(self, database, old_addons):
        super().__init__(database, cron_threads=0, extra_args=("--addons-path", old_addons))
        self.old_addons = old_addons

    def install(self):
        """Install the earlier version."""
        self._odoo("--init", "mail_gateway", "--addons-path", self.old_addons)

    def upgrade(self):
        """Update to the present version by `-u mail_gateway`, and start Odoo with it."""
        self.stop()
        self._odoo("--update", "mail_gateway")
        self.options = {}
        self.start()

    def _odoo(self, *arguments):
        code, output = run(source.command(self.database, *arguments, "--stop-after-init", "--no-http"))
        assert code == 0, output

    def version(self):
        """Return the installed version."""
        return self.sql("SELECT latest_version FROM ir_module_module WHERE name = 'mail_gateway'")[0][0]


def addons_of(commit, directory):
    """Extract the addon of a commit into a directory, and return that; skip the test if the commit is missing."""
    archive = subprocess.run(
        ["git", "-C", str(ROOT), "archive", "--format=zip", commit, "mail_gateway"], capture_output=True, check=False
    )
    if archive.returncode:
        pytest.skip(f"{commit} is not in this checkout's history: {archive.stderr.decode().strip()}")
    with zipfile.ZipFile(io.BytesIO(archive.stdout)) as files:
        files.extractall(directory)
    return directory
