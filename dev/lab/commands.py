"""The commands of ``python3 -m lab``."""

import os
import signal
import sys

from lab.errors import LabError
from lab.host.console import say, warn
from lab.host.paths import LAB, PYTHON, ROOT, VENV


def main(words):
    """Run one command and return the exit code; an error outside our code prints one message, no traceback."""
    # SIGTERM unwinds like Ctrl-C, so that every `with` stops what it started.
    signal.signal(signal.SIGTERM, _terminate)
    name, *arguments = words or ["help"]
    if name in ("-h", "--help"):
        name = "help"
    if name not in COMMANDS:
        return _help(f"Unknown command: {name}")
    try:
        return COMMANDS[name](*arguments) or 0
    except LabError as error:
        warn(str(error))
    except OSError as error:
        # For example a full disk or a read-only directory: the path and the system's message are enough.
        warn(f"{error.filename or 'The system'}: {error.strerror or error}")
    except KeyboardInterrupt:
        warn("Interrupted.")
    return 1


def _terminate(*_signal):
    raise KeyboardInterrupt


def _setup(*templates):
    """Install everything: packages, Odoo, Python environment, certificates, databases [TEMPLATE...]."""
    from lab.setup import setup

    setup(templates)


def _environment():
    """Install everything but databases: packages, Odoo, Python environment, certificates."""
    from lab.setup import environment

    environment()


def _databases(*templates):
    """Build template databases [base gateway core core_tests]; by default only base: tests build the others."""
    _in_environment()
    from lab.odoo import databases
    from lab.servers.postgres import Postgres

    unknown = set(templates) - set(databases.TEMPLATES)
    if unknown:
        raise LabError(f"No such template: {', '.join(sorted(unknown))}. There are {', '.join(databases.TEMPLATES)}.")
    with Postgres():
        databases.ensure(*templates or ("base",))


def _up():
    """Start PostgreSQL, Dovecot and Postfix for manual use; they run until `down`."""
    _in_environment()
    from lab.servers import inventory

    for service in inventory.usual():
        service.keep(True)
        service.start()
    _status()


def _down():
    """Stop every process of the lab."""
    from lab.host.orphans import stop_all
    from lab.servers import inventory

    for service in reversed(inventory.usual() + inventory.further()):
        service.keep(False)
        service.stop()
    stop_all()


def _status():
    """Show what runs, and where."""
    from lab.host import ports
    from lab.servers import inventory

    running = tuple(service for service in inventory.further() if service.pid)
    for service in inventory.usual() + running:
        where = ", ".join(f"{name} 127.0.0.1:{ports.port(name)}" for name in service.port_names)
        say(f"{service.name:18} {f'pid {service.pid}' if service.pid else 'stopped':12} {where}  log {service.log}")


def _test_tools(*words):
    """Run the tests of tools/ without Odoo [FILE [PYTEST-WORDS]]."""
    _in_environment()
    from lab.testing.tools import run

    return run(*words)


def _test_unit(*tags):
    """Run the addon's own tests [TEST-TAGS or FILE] on clones of the template gateway."""
    _in_environment()
    from lab.testing.unit import run

    return run(*tags)


def _test_e2e(*words):
    """Run the end-to-end tests, several at a time [PYTEST-WORDS]; pytest itself runs one at a time."""
    _in_environment()
    from lab.testing.e2e import run

    return run(*words)


def _test_core(*tags):
    """Run core's own mail tests with the addon installed [TEST-TAGS]; dev/core_exceptions.txt lists expected failures."""
    _in_environment()
    from lab.testing.core import run

    return run(*tags)


def _translations():
    """Write the addon's strings into mail_gateway/i18n/mail_gateway.pot."""
    _in_environment()
    from lab.odoo.translations import write_template

    write_template()


def _clean():
    """Stop every process of the lab and remove all its files."""
    from lab.host.cleaning import remove_all

    if LAB.exists():
        _down()
    remove_all()


def _help(error=None):
    """Show this list."""
    if error:
        warn(error)
    for name, command in COMMANDS.items():
        say(f"  {name:13}{command.__doc__}")
    return 1 if error else 0


def _in_environment():
    """Start this command again in the lab's own Python, unless it runs there already."""
    if sys.prefix == str(VENV):
        return
    if not PYTHON.exists():
        raise LabError("The lab is not there yet: run `make setup` first.")
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "dev")}
    os.execve(PYTHON, [str(PYTHON), "-m", "lab", *sys.argv[1:]], environment)


COMMANDS = {
    "setup": _setup,
    "environment": _environment,
    "databases": _databases,
    "up": _up,
    "down": _down,
    "status": _status,
    "test-tools": _test_tools,
    "test-unit": _test_unit,
    "test-e2e": _test_e2e,
    "test-core": _test_core,
    "translations": _translations,
    "clean": _clean,
    "help": _help,
}
