"""Running commands as root: directly, through sudo, or as root of a user namespace."""

import os
import shutil
import subprocess
from functools import cache


def is_root():
    """Tell whether we are root."""
    return os.geteuid() == 0


@cache
def sudo_works():
    """Tell whether sudo runs commands without asking for a password."""
    return bool(shutil.which("sudo")) and _succeeds("sudo", "-n", "true")


@cache
def namespace_works():
    """Tell whether we may be root of a user namespace that has other users, too (Debian package uidmap)."""
    return bool(shutil.which("newuidmap")) and _succeeds(*NAMESPACE, "true")


NAMESPACE = ("unshare", "--map-root-user", "--map-auto")


def _succeeds(*command):
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False).returncode == 0
