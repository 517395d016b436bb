"""Transactional mail and mass mail: each kind leaves through the Postfix that carries it."""

import pytest

from e2e.gateway import QUEUE
from e2e.office import ADMIN, DOMAIN, way


@pytest.fixture
def two_ways(office):
    """Servers of the office: one for transactional mail and, with a better priority, one for mass mail; their ids."""
    return (
        office.server(office.first, sequence=20, traffic="transactional", from_filter=DOMAIN),
        office.server(office.second, sequence=10, traffic="mass", from_filter=DOMAIN),
    )


def mailing(office, partner, **values):
    """Send a mailing of Email Marketing to one contact."""
    [model] = office.gateway.call("ir.model", "search", [["model", "=", "res.partner"]])
    created = office.gateway.call(
        "mailing.mailing",
        "create",
        {
            "subject": "Chairs",
            "body_html": "<p>Ten of them.</p>",
            "mailing_model_id": model,
            "mailing_domain": f"[('id', '=', {partner})]",
            "email_from": f"News <news@{DOMAIN}>",
            **values,
        },
    )
    office.gateway.call("mailing.mailing", "action_send_mail", [created])


def test_a_mailing_leaves_through_the_server_for_mass_mail(office, two_ways):
    partner, address = office.contact()
    mailing(office, partner)
    assert way(office.read(address)) == office.second.hostname


def test_the_dedicated_server_carries_the_mailings(office, two_ways):
    dedicated = office.server(office.third, sequence=30, from_filter=DOMAIN)
    office.gateway.set_parameter("mass_mailing.outgoing_mail_server", "True")
    office.gateway.set_parameter("mass_mailing.mail_server_id", str(dedicated))
    partner, address = office.contact()
    mailing(office, partner)
    assert way(office.read(address)) == office.third.hostname


def test_a_mailing_never_leaves_through_a_transactional_server_even_if_it_names_it(office, two_ways):
    partner, address = office.contact()
    mailing(office, partner, mail_server_id=two_ways[0])
    assert way(office.read(address)) == office.second.hostname


def test_the_composers_mass_mode_leaves_through_the_server_for_mass_mail(office, two_ways):
    contacts = [office.contact(), office.contact()]
    composer = office.gateway.call(
        "mail.compose.message",
        "create",
        {
            "composition_mode": "mass_mail",
            "model": "res.partner",
            "res_ids": str([partner for partner, _ in contacts]),
            "subject": "Chairs",
            "body": "<p>Ten of them.</p>",
            "email_from": f"News <news@{DOMAIN}>",
        },
    )
    office.gateway.call("mail.compose.message", "action_send_mail", [composer])
    assert {way(office.read(address)) for _partner, address in contacts} == {office.second.hostname}


def test_a_comment_leaves_through_the_server_for_transactional_mail(office, two_ways):
    assert way(office.comment(office.user(DOMAIN))) == office.first.hostname


def test_mass_mail_without_a_server_for_it_leaves_by_odoo_bins_settings(office):
    office.server(office.first, traffic="transactional")
    partner, address = office.contact()
    mailing(office, partner)
    assert way(office.read(address)) == office.third.hostname


def test_transactional_mail_without_a_server_for_it_leaves_by_odoo_bins_settings(office):
    office.server(office.second, traffic="mass")
    assert way(office.comment(office.user(DOMAIN))) == office.third.hostname


def test_one_run_of_the_queue_sends_each_message_its_own_way(office, two_ways):
    office.server(office.third, from_filter=ADMIN)
    kinds = {
        office.first: {},
        office.second: {"headers": "{'Precedence': 'bulk'}"},
        office.third: {"email_from": ADMIN},
    }
    sent = [(office.recipient(), postfix, values) for _ in range(2) for postfix, values in kinds.items()]
    office.gateway.call(
        "mail.mail",
        "create",
        [
            {
                "email_from": f"Sales <sales@{DOMAIN}>",
                "email_to": address,
                "subject": "Chairs",
                "auto_delete": True,
                "body_html": "<p>Ten of them.</p>",
                **values,
            }
            for address, _postfix, values in sent
        ],
    )
    office.gateway.odoo.run_cron(QUEUE)
    assert [way(office.read(address)) for address, _postfix, _values in sent] == [
        postfix.hostname for _address, postfix, _values in sent
    ]
