"""Where Odoo's source is, and how to call it."""

import os
from pathlib import Path

from lab.errors import LabError
from lab.host import ports
from lab.host.paths import DATA, HERE, LAB, PYTHON, ROOT, TLS

ADDON = ROOT / "mail_gateway"
_ODOO_BIN = HERE / "odoo" / "bin" / "odoo-bin.py"

_SETTINGS = """\
[options]
# Odoo's weekly report to its vendor, and anything else that would leave the machine, meets a closed port.
publisher_warranty_url = http://127.0.0.1:9/
admin_passwd = admin
"""


def directory():
    """Return the directory that holds the Python package ``odoo``.

    :raises LabError: when neither ``ODOO_SOURCE`` nor ``make setup`` put one there
    """
    chosen = os.environ.get("ODOO_SOURCE")
    found = Path(chosen).resolve() if chosen else LAB / "odoo" / "usr" / "lib" / "python3" / "dist-packages"
    if not (found / "odoo" / "__main__.py").is_file() and not (found / "odoo-bin").is_file():
        where = f"ODOO_SOURCE={chosen}" if chosen else str(found)
        raise LabError(f"No Odoo in {where}: run `make setup`, or set ODOO_SOURCE to a checkout of Odoo 19.")
    return found


def version():
    """Return what identifies this source in the stamps: its path and the content of its release file."""
    return f"{directory()}\n{(directory() / 'odoo' / 'release.py').read_text()}"


def addons_path():
    """Return the directories of addons besides the ones inside the package ``odoo``."""
    found = [directory() / "addons"] if (directory() / "addons").is_dir() else []
    # Odoo refuses a directory without any addon, so the checkout is named only if it contains ours.
    return [*found, ROOT] if (ADDON / "__manifest__.py").is_file() else found


def environment(extra=()):
    """Return the environment variables of an Odoo process: this source, and the lab's CA as the only trusted one."""
    # Odoo has 1,400 files of Python: compiling them at each start takes as long as everything else that it does then.
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {
        **kept,
        "PYTHONPATH": f"{directory()}{os.pathsep}{ROOT / 'dev'}",
        "PYTHONUNBUFFERED": "1",
        "SSL_CERT_FILE": str(TLS / "ca.pem"),
        "MAIL_CORPORA": str(LAB / "corpora"),
        **dict(extra),
    }


def command(database, *arguments, program=None):
    """Return the command for Odoo on *database*.

    :param arguments: further arguments; if the first one has no dash, it is a subcommand such as ``shell``
    :param program: a Python module to run instead of Odoo itself
    """
    subcommand = [arguments[0]] if arguments and not str(arguments[0]).startswith("-") else []
    options = [
        "--config",
        _settings(),
        "--database",
        database,
        "--db_host",
        "127.0.0.1",
        "--db_port",
        ports.port("postgres"),
        "--db_user",
        "odoo",
        "--data-dir",
        DATA,
        "--http-interface",
        "127.0.0.1",
        # Odoo uses this server if the database has no outgoing server; the default is port 25 of the machine.
        "--smtp",
        "127.0.0.1",
        "--smtp-port",
        ports.port("smtp"),
    ]
    if addons_path():
        options += ["--addons-path", ",".join(map(str, addons_path()))]
    start = ["-m", program] if program else [_ODOO_BIN]
    words = [PYTHON, *start, *subcommand, *options, *arguments[len(subcommand) :]]
    return [str(word) for word in words]


def _settings():
    file = LAB / "odoo.conf"
    if not file.is_file() or file.read_text() != _SETTINGS:
        file.write_text(_SETTINGS)
    return file
