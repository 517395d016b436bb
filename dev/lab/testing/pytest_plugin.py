"""Fixtures for pytest; a conftest.py loads them with ``pytest_plugins = ["lab.testing.pytest_plugin"]``.

With ``LAB_KEEP=1`` the databases of the tests are kept for inspection, under the name "kept_<test>".
"""

import os
import re
import signal
from itertools import count

import pytest

from lab.errors import LabError
from lab.host import orphans
from lab.odoo import databases
from lab.odoo.server import OdooServer
from lab.servers.dovecot import Dovecot
from lab.servers.postfix import FURTHER, Postfix
from lab.servers.postgres import Postgres
from lab.testing.browser import Browser

pytest_plugins = ["lab.testing.pytest_workers"]

_mailboxes = count(1)


def pytest_configure(config):
    """Unwind on SIGTERM as on Ctrl-C, so that every fixture stops what it started."""
    signal.signal(signal.SIGTERM, _interrupt)
    if hasattr(config, "workerinput"):
        # The terminal, the process that deals out the tests and pytest-xdist each send a signal: only the first counts.
        signal.signal(signal.SIGINT, _interrupt_once)
        signal.signal(signal.SIGTERM, _interrupt_once)


def _interrupt(*_signal):
    raise KeyboardInterrupt


def _interrupt_once(*_signal):
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


@pytest.fixture(scope="session")
def postgres():
    """The PostgreSQL of the lab, running."""
    orphans.stop_abandoned()
    for which in FURTHER:
        Postfix(which).stop_unless_used()
    with _Running(Postgres()) as service:
        databases.drop_abandoned()
        yield service


@pytest.fixture(scope="session")
def dovecot():
    """Dovecot, running, with a certificate of the lab's authority."""
    with _Running(Dovecot()) as service:
        yield service


@pytest.fixture(scope="session")
def untrusted_dovecot():
    """Another Dovecot, running, with a certificate that nobody trusts."""
    with _Running(Dovecot("untrusted")) as service:
        yield service


@pytest.fixture(scope="session")
def postfix(dovecot):
    """Postfix, running, delivering into ``dovecot``."""
    with _Running(Postfix()) as service:
        yield service


@pytest.fixture(scope="session")
def second_postfix(dovecot):
    """Another Postfix, running, with a host name of its own.

    ``lab.servers.postfix.carriers`` tells which one a message took.
    """
    with _Running(Postfix("second")) as service:
        yield service


@pytest.fixture(scope="session")
def third_postfix(dovecot):
    """A third Postfix, running, with a host name of its own."""
    with _Running(Postfix("third")) as service:
        yield service


@pytest.fixture
def database(postgres, request):
    """The name of a fresh database with the addon."""
    yield from _clone("gateway", request)


@pytest.fixture(scope="module")
def module_database(postgres, request):
    """The name of a database with the addon that the tests of a module share."""
    yield from _clone("gateway", request)


@pytest.fixture
def base_database(postgres, request):
    """The name of a fresh database without the addon."""
    yield from _clone("base", request)


@pytest.fixture
def odoo(postgres):
    """A function that starts an :class:`lab.odoo.server.OdooServer`, with its arguments; all are stopped after the test."""
    servers = []

    def start(database, **options):
        servers.append(OdooServer(database, **options))
        return servers[-1].start()

    yield start
    for server in servers:
        server.stop()


@pytest.fixture
def browser():
    """A window of Chromium."""
    with Browser() as window:
        yield window


@pytest.fixture
def mailbox(dovecot, request):
    """The address of a mailbox that no other test and no other run uses.

    Its password is ``lab.servers.dovecot.PASSWORD``.
    """
    # two tests may have the same short name: long names are cut, and two files may use the same name
    return f"{_short_name(request)}-{os.getpid()}-{next(_mailboxes)}@mycompany.example"


def _clone(template, request):
    keep = os.environ.get("LAB_KEEP") == "1"
    name = f"kept_{_short_name(request)}" if keep else databases.run_name("e2e", _short_name(request))
    try:
        databases.clone(template, name)
    except LabError as error:
        pytest.fail(str(error), pytrace=False)
    yield name
    if not keep:
        databases.drop(name)


def _short_name(request):
    name = request.node.name.rpartition("/")[2].removesuffix(".py").removeprefix("test_")
    return re.sub(r"\W+", "_", name).strip("_").lower()[:40]


class _Running:
    """A service as a context manager; if it cannot start, pytest ends with a message instead of a traceback."""

    def __init__(self, service):
        self._service = service

    def __enter__(self):
        try:
            return self._service.__enter__()
        except LabError as error:
            pytest.exit(str(error), returncode=1)

    def __exit__(self, *exception):
        return self._service.__exit__(*exception)
