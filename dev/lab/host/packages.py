"""The Debian packages that the lab uses from the system."""

import os
import shlex
import subprocess

from lab.errors import LabError
from lab.host import privilege
from lab.host.processes import run

NEEDED = (
    "python3-venv",
    "openssl",
    "debian-archive-keyring",
    "postgresql",
    "dovecot-imapd",
    "dovecot-pop3d",
    "dovecot-lmtpd",
    "dovecot-sieve",
    "postfix",
    "chromium",
    "fonts-dejavu-core",
)
# Only an ordinary user without sudo needs it, to run Postfix as root of a namespace.
_NEEDED_BY_USERS = ("uidmap",)

_QUIET = {
    "DEBIAN_FRONTEND": "noninteractive",
    # invoke-rc.d takes this for single-user mode and, if the init system honours it, starts no services of the packages.
    "RUNLEVEL": "1",
}


def install_missing():
    """Install what is missing and return its names.

    :raises LabError: when that needs root and we cannot become root; the message names the command to run
    """
    missing = _missing()
    if missing:
        _apt_get(missing)
    return missing


def _missing():
    wanted = NEEDED if privilege.is_root() else NEEDED + _NEEDED_BY_USERS
    try:
        known = subprocess.run(
            ["dpkg-query", "-W", "-f", "${Package} ${db:Status-Status}\n", *wanted],
            capture_output=True,
            text=True,
            check=False,
        ).stdout
    except FileNotFoundError:
        raise LabError("This machine has no dpkg: the lab needs Debian 12 (or a container of it).") from None
    installed = {line.split()[0] for line in known.splitlines() if line.endswith(" installed")}
    return [name for name in wanted if name not in installed]


def _apt_get(names):
    install = ["apt-get", "install", "--yes", "--no-install-recommends", *names]
    prefix = _root_prefix(f"apt-get update && {shlex.join(install)}")
    if not _simulation_works(install):
        run([*prefix, "apt-get", "update"], "update the list of Debian packages", "Is the network there?")
    run([*prefix, *install], f"install the Debian packages {' '.join(names)}", env={**os.environ, **_QUIET})


def _root_prefix(command):
    if privilege.is_root():
        return []
    if privilege.sudo_works():
        return ["sudo", "-n", "env", *(f"{name}={value}" for name, value in _QUIET.items())]
    raise LabError(
        f"Some Debian packages are missing and only root can install them. Run, then try again:\n    su -c '{command}'"
    )


def _simulation_works(install):
    """Tell whether apt knows all the packages already, so that its lists need no update."""
    done = subprocess.run([install[0], "--simulate", *install[1:]], capture_output=True, check=False)
    return done.returncode == 0
