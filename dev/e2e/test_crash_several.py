"""No message is lost or doubled while several servers are killed in turn, or the mail server is restored meanwhile."""

import pytest

from e2e.crash import PORTS, kill_while_mail_comes_in


@pytest.mark.parametrize("protocol", PORTS)
def test_two_servers_on_one_database_killed_in_turn(crash_gateway, dovecot, mailbox, protocol):
    crash_gateway.start()
    kill_while_mail_comes_in(crash_gateway, dovecot, mailbox, protocol)


def test_killed_servers_and_changed_uidvalidity(crash_gateway, dovecot, mailbox):
    kill_while_mail_comes_in(
        crash_gateway, dovecot, mailbox, "imap", between=lambda: dovecot.change_uidvalidity(mailbox)
    )
