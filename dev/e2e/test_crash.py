"""No message is lost or doubled while the server is killed and inserts are refused."""

import pytest

from e2e.crash import PORTS, kill_while_mail_comes_in


@pytest.mark.parametrize("protocol", PORTS)
def test_killed_servers_and_refused_inserts(crash_gateway, dovecot, mailbox, protocol):
    kill_while_mail_comes_in(crash_gateway, dovecot, mailbox, protocol)
