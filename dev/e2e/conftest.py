"""Fixtures of the end-to-end tests, on top of the lab's."""

import pytest

from e2e.gateway import Gateway
from e2e.window import without_complaints

pytest_plugins = ["lab.testing.pytest_plugin", "e2e.office", "e2e.scene", "e2e.exchange"]


@pytest.fixture(scope="module")
def gateway(module_database):
    """A running Odoo with the addon, the alias domain mycompany.example and the alias leads@.

    The tests of a module share it: each has a mailbox and an incoming server of its own.
    """
    gateway = Gateway(module_database)
    try:
        yield gateway.prepare()
    finally:
        gateway.stop()


@pytest.fixture
def crash_gateway(database):
    """A gateway on a database of its own, for tests that kill servers; only the server that prepared it runs."""
    gateway = Gateway(database)
    try:
        yield gateway.prepare()
    finally:
        gateway.stop()


@pytest.fixture
def window(chromium):
    """The window that a module opened as its `chromium`, for one test; an error of JavaScript fails the test."""
    with without_complaints(chromium):
        yield chromium
