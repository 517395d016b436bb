"""Loops of automatic mail end: real responders and redirections through Postfix, Dovecot and Odoo.

Each test waits until no mail is under way, and counts the messages. The programs that follow no convention could answer
three times as often as Odoo lets them; Dovecot's could answer for ever.
"""

from email.utils import parseaddr

import pytest

from e2e.exchange import BOUNCE, CATCHALL, REQUESTS
from e2e.responder import Responder, naming_what_it_answers, saying_that_it_is_automatic

# Dovecot's vacation responder (RFC 5230), which answers every message as if its sender were a new correspondent.
VACATION = """\
require ["vacation", "vacation-seconds"];
vacation :seconds 0 "I am away until Monday.";
"""
# The number of records that an alias creates from one sender's mail within the period.
LIMIT = 5
# The number of notices that Odoo sends to one sender within the period.
NOTICES = 3


def redirect(address):
    """Return a Sieve script that redirects all mail to an address."""
    return f'require "copy";\nredirect :copy "{address}";\n'


def texts(mails):
    """Return the text of each message."""
    return [mail.get_body(("plain", "html")).get_content() for mail in mails]


@pytest.fixture(params=["directly", "relayed"])
def way(request):
    """How Odoo's mail reaches people: directly, or through a relay that gives each message another Message-Id."""
    if request.param == "relayed":
        request.getfixturevalue("relay")
    return request.param


# ---------------------------------------------------------------------- a vacation responder and an alias


def test_a_vacation_responder_does_not_answer_an_acknowledgement(exchange, way):
    _partner, address = exchange.person("Purchasing")
    exchange.dovecot.sieve(address, VACATION)
    exchange.write(address, REQUESTS)
    exchange.wait_until_quiet()
    assert exchange.traffic() == (1, 1, 1, 1)


def test_a_vacation_responder_answers_a_comment_once_and_nobody_is_notified(exchange, way):
    _partner, address = exchange.person("Purchasing")
    colleague, colleagues_address = exchange.person("Accounting")
    task = exchange.request(address)
    exchange.follow(task, colleague)
    exchange.dovecot.sieve(address, VACATION)
    exchange.begin()
    exchange.comment(task, "Which colour?")
    exchange.wait_until_quiet()
    # the comment went to two people; the responder's answer came back and is at most a note
    came, records, posted, left = exchange.traffic()
    assert (came, records, left) == (1, 0, 2)
    assert posted <= 1
    assert len(exchange.mailbox(colleagues_address)) == 1


def test_two_vacation_responders_on_one_record_stop_after_one_exchange(exchange, way):
    purchasing, accounting = exchange.person("Purchasing"), exchange.person("Accounting")
    task = exchange.request(purchasing[1])
    exchange.follow(task, accounting[0])
    for _partner, address in (purchasing, accounting):
        exchange.dovecot.sieve(address, VACATION)
    exchange.begin()
    exchange.comment(task, "Which colour?")
    exchange.wait_until_quiet()
    came, records, _posted, left = exchange.traffic()
    assert (came, records, left) == (2, 0, 2)


@pytest.mark.parametrize("naming", [False, True], ids=["new", "reply"])
def test_a_responder_with_auto_submitted_creates_no_record(exchange, way, naming):
    """Exchange behaves like this: it answers to Reply-To, which is the alias."""

    def headers(mail):
        return saying_that_it_is_automatic(mail) | (naming_what_it_answers(mail) if naming else {})

    _partner, address = exchange.person("Purchasing")
    with Responder(exchange.dovecot, exchange.postfix, address, headers=headers) as responder:
        exchange.write(address, REQUESTS)
        exchange.wait_until_quiet(responder)
    assert responder.answered == 1
    came, records, _posted, left = exchange.traffic()
    assert (came, records, left) == (2, 1, 1)


def test_a_responder_that_looks_like_a_person_stops_at_the_limit(exchange):
    _partner, address = exchange.person("Purchasing")
    with Responder(exchange.dovecot, exchange.postfix, address, to=REQUESTS, most=3 * LIMIT) as responder:
        exchange.write(address, REQUESTS)
        exchange.wait_until_quiet(responder)
    # an acknowledgement for each record, then one notice that the rest waits; the answer to that is held without notice
    assert responder.answered == LIMIT + 1
    assert exchange.traffic() == (LIMIT + 2, LIMIT, LIMIT, LIMIT + 1)
    states = [state for (state,) in exchange.inbound("state")]
    assert states == ["delivered"] * LIMIT + ["held"] * 2


def test_a_responder_that_replies_like_a_person_is_acknowledged_once(exchange, way):
    _partner, address = exchange.person("Purchasing")
    with Responder(exchange.dovecot, exchange.postfix, address, headers=naming_what_it_answers) as responder:
        exchange.write(address, REQUESTS)
        exchange.wait_until_quiet(responder)
    assert responder.answered == 1
    assert exchange.traffic() == (2, 1, 2, 1)


def test_two_responders_that_reply_like_people_stop_at_the_limit_of_replies(exchange):
    exchange.gateway.set_parameter("mail.gateway.loop.threshold", "3")
    try:
        purchasing, accounting = exchange.person("Purchasing"), exchange.person("Accounting")
        task = exchange.request(purchasing[1])
        exchange.follow(task, purchasing[0])
        exchange.follow(task, accounting[0])
        exchange.begin()
        one, other = (
            Responder(exchange.dovecot, exchange.postfix, address, to=REQUESTS, headers=naming_what_it_answers)
            for _partner, address in (purchasing, accounting)
        )
        with one, other:
            exchange.comment(task, "Which colour?")
            exchange.wait_until_quiet(one, other)
    finally:
        exchange.gateway.set_parameter("mail.gateway.loop.threshold", False)
    assert not one.exhausted and not other.exhausted
    came, records, posted, left = exchange.traffic()
    assert records == 0
    # the request itself is one of Purchasing's three
    assert posted == 5
    assert came <= 10 and left <= 10


# ---------------------------------------------------------------------- the catchall


def test_a_vacation_responder_does_not_answer_the_notice_of_the_catchall(exchange, way):
    _partner, address = exchange.person("Purchasing")
    exchange.dovecot.sieve(address, VACATION)
    exchange.write(address, CATCHALL)
    exchange.wait_until_quiet()
    assert exchange.traffic() == (1, 0, 0, 1)


def test_a_responder_with_auto_submitted_gets_one_notice_from_the_catchall(exchange):
    _partner, address = exchange.person("Purchasing")
    with Responder(
        exchange.dovecot, exchange.postfix, address, to=CATCHALL, headers=saying_that_it_is_automatic
    ) as responder:
        exchange.write(address, CATCHALL)
        exchange.wait_until_quiet(responder)
    assert responder.answered == 1
    assert exchange.traffic() == (2, 0, 0, 1)


def test_a_responder_that_repeats_a_message_to_the_catchall_gets_no_second_notice(exchange):
    _partner, address = exchange.person("Purchasing")
    with Responder(exchange.dovecot, exchange.postfix, address, to=CATCHALL) as responder:
        exchange.write(address, CATCHALL)
        exchange.wait_until_quiet(responder)
    # one notice about the first message, and one about the program's first answer
    assert responder.answered == 2
    assert exchange.traffic() == (3, 0, 0, 2)
    assert [state for (state,) in exchange.inbound("state")] == ["rejected", "rejected", "discarded"]


def test_a_responder_with_a_new_text_each_time_gets_a_limited_number_of_notices(exchange):
    _partner, address = exchange.person("Purchasing")
    with Responder(
        exchange.dovecot,
        exchange.postfix,
        address,
        to=CATCHALL,
        text=lambda number: f"This is joke {number} of the day.",
    ) as responder:
        exchange.write(address, CATCHALL)
        exchange.wait_until_quiet(responder)
    assert responder.answered == NOTICES
    assert exchange.traffic() == (NOTICES + 1, 0, 0, NOTICES)


def test_a_responder_that_answers_the_notice_of_the_catchall_is_recognised(exchange, way):
    _partner, address = exchange.person("Purchasing")
    with Responder(
        exchange.dovecot, exchange.postfix, address, to=CATCHALL, headers=naming_what_it_answers
    ) as responder:
        exchange.write(address, CATCHALL)
        exchange.wait_until_quiet(responder)
    assert responder.answered == 1
    assert exchange.traffic() == (2, 0, 0, 1)


def test_a_responder_that_writes_to_the_bounce_address_creates_nothing(exchange):
    _partner, address = exchange.person("Purchasing")
    with Responder(exchange.dovecot, exchange.postfix, address, to=BOUNCE) as responder:
        exchange.write(address, REQUESTS)
        exchange.wait_until_quiet(responder)
    assert responder.answered == 1
    assert exchange.traffic() == (2, 1, 1, 1)


# ---------------------------------------------------------------------- another address each time


@pytest.mark.parametrize("to", [REQUESTS, CATCHALL], ids=["alias", "catchall"])
def test_a_responder_that_writes_from_an_address_for_each_case_stops(exchange, to):
    """Ticket systems do so, some without `Auto-Submitted`: support+case17@customer.example."""
    _partner, address = exchange.person("Purchasing")
    name, _at, domain = address.partition("@")
    with Responder(
        exchange.dovecot,
        exchange.postfix,
        address,
        to=to,
        most=2 * LIMIT,
        sender=lambda number: f"{name}+case{number}@{domain}",
    ) as responder:
        exchange.write(address, to)
        exchange.wait_until_quiet(responder)
    assert not responder.exhausted


# ---------------------------------------------------------------------- a follower's address that redirects to the alias


def test_mail_that_a_follower_redirects_to_the_alias_is_discarded(exchange, way):
    _partner, address = exchange.person("Purchasing")
    follower, followers_address = exchange.person("Accounting")
    task = exchange.request(address)
    exchange.follow(task, follower)
    exchange.dovecot.sieve(followers_address, redirect(REQUESTS))
    exchange.begin()
    exchange.comment(task, "Which colour?")
    exchange.wait_until_quiet()
    # the comment goes to Purchasing and to Accounting; Odoo discards what comes back
    assert exchange.traffic() == (1, 0, 0, 2)
    assert [state for (state,) in exchange.inbound("state")] == ["discarded"]


def test_a_customers_mail_that_a_follower_redirects_creates_nothing(exchange, way):
    _partner, address = exchange.person("Purchasing")
    follower, followers_address = exchange.person("Accounting")
    task = exchange.request(address)
    exchange.follow(task, follower)
    exchange.dovecot.sieve(followers_address, redirect(REQUESTS))
    exchange.comment(task, "Which colour?")
    exchange.wait_until_quiet()
    exchange.begin()
    question = exchange.mailbox(address)[-1]
    exchange.write(
        address, parseaddr(question["Reply-To"])[1], "Re: Ten chairs", body="Blue.", **naming_what_it_answers(question)
    )
    exchange.wait_until_quiet()
    # the answer comes in, goes to Accounting, and comes back
    came, records, posted, left = exchange.traffic()
    assert (came, records, posted, left) == (2, 0, 1, 1)
    assert "Blue." in texts(exchange.mailbox(followers_address))[-1]


def test_a_follower_who_passes_mail_on_as_new_messages_stops_at_the_limit(exchange):
    _partner, address = exchange.person("Purchasing")
    follower, followers_address = exchange.person("Accounting")
    task = exchange.request(address)
    exchange.follow(task, follower)
    exchange.begin()
    with Responder(exchange.dovecot, exchange.postfix, followers_address, to=REQUESTS, most=3 * LIMIT) as responder:
        exchange.comment(task, "Which colour?")
        exchange.wait_until_quiet(responder)
    # it answers the comment, an acknowledgement for each record, and one notice that the rest waits
    assert responder.answered == LIMIT + 2
    _came, records, _posted, _left = exchange.traffic()
    assert records == LIMIT


# ---------------------------------------------------------------------- a relay that changes Message-Ids


def test_an_answer_finds_its_record_although_the_relay_changed_the_message_id(exchange, relay):
    _partner, address = exchange.person("Purchasing")
    task = exchange.request(address)
    exchange.begin()
    exchange.comment(task, "Which colour?")
    exchange.wait_until_quiet()
    question = exchange.mailbox(address)[-1]
    assert question["Message-Id"] in relay.renamed.values()
    assert not exchange.gateway.call("mail.message", "search_count", [["message_id", "=", question["Message-Id"]]])
    exchange.write(
        address, parseaddr(question["Reply-To"])[1], "Re: Ten chairs", body="Blue.", **naming_what_it_answers(question)
    )
    exchange.wait_until_quiet()
    [(model, record)] = exchange.inbound("res_model", "res_id")
    assert (model, record) == ("project.task", task)
