"""Removing the lab."""

import shutil
import subprocess

from lab.errors import LabError
from lab.host import privilege
from lab.host.paths import LAB, services


def remove_all():
    """Remove all files of the lab, first the servers' directory, parts of which belong to other users.

    :raises LabError: when something cannot be removed
    """
    if LAB.exists():
        _remove(services())
        _remove(LAB)


def _remove(directory):
    shutil.rmtree(directory, ignore_errors=True)
    if not directory.exists():
        return
    # Postfix's queue belongs to root and Postfix's own user, or to users of the namespace that Postfix ran in.
    if privilege.namespace_works():
        subprocess.run([*privilege.NAMESPACE, "rm", "-rf", directory], check=False, capture_output=True)
    if directory.exists() and privilege.sudo_works():
        subprocess.run(["sudo", "-n", "rm", "-rf", directory], check=False)
    if directory.exists():
        raise LabError(f"Could not remove {directory}: remove it as root.")
