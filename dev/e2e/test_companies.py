"""Two companies, two domains, two Postfixes, two incoming servers: what leaves, and where the replies come back."""

import os
from dataclasses import dataclass
from itertools import count

import pytest

from e2e.gateway import Gateway, author, message, reply_to, until
from lab.servers.postfix import carriers

_RUN = os.getpid()
AGENCY, CUSTOMER = f"agency-{_RUN}.example", f"customer-{_RUN}.example"

_number = count(1)


@dataclass
class Company:
    """A company with its own domain, servers and people.

    :ivar aliases: the local parts of its default From, bounce and catchall
    :ivar seller: (id, login) of a user whose address is of the company's domain
    :ivar team: the sales team, with the alias sales@
    :ivar incoming: the incoming servers of catchall and sales@
    """

    name: str
    domain: str
    postfix: object
    aliases: tuple
    id: int = 0
    seller: tuple = ()
    team: int = 0
    incoming: tuple = ()

    @property
    def default_from(self):
        """The address from which its notifications come."""
        return f"{self.aliases[0]}@{self.domain}"

    @property
    def bounce(self):
        """The address to which bounces go."""
        return f"{self.aliases[1]}@{self.domain}"

    @property
    def catchall(self):
        """The address that takes replies."""
        return f"{self.aliases[2]}@{self.domain}"

    @property
    def sales(self):
        """The alias of its sales team."""
        return f"sales@{self.domain}"


class Group:
    """Both companies in one Odoo."""

    def __init__(self, gateway, dovecot, companies):
        self.gateway, self.dovecot, self.companies = gateway, dovecot, companies
        for company in companies:
            self._found(company)
        self.agent = self._user("Agent", f"agent@{AGENCY}", companies[0].id, [each.id for each in companies])

    def _found(self, company):
        alias_domain = self._create(
            "mail.alias.domain",
            name=company.domain,
            **dict(zip(("default_from", "bounce_alias", "catchall_alias"), company.aliases, strict=True)),
        )
        company.id = self._create("res.company", name=company.name, alias_domain_id=alias_domain)
        self.gateway.call("res.users", "write", [2], {"company_ids": [(4, company.id)]})  # the administrator
        self.gateway.outgoing_server(company.postfix, from_filter=company.domain)
        company.seller = self._user("Seller", f"seller@{company.domain}", company.id, [company.id])
        company.team = self._create(
            "crm.team",
            name=company.name,
            company_id=company.id,
            alias_name="sales",
            alias_domain_id=alias_domain,
            alias_contact="everyone",
        )
        company.incoming = tuple(
            self.gateway.mail_server(box, self.dovecot.port("imap")) for box in (company.catchall, company.sales)
        )

    def _create(self, model, **values):
        return self.gateway.call(model, "create", values)

    def _user(self, name, email, company_id, company_ids):
        user, _partner = self.gateway.user(name, email, company_id=company_id, company_ids=[(6, 0, company_ids)])
        return user, email

    # What people do

    def ask(self, company, author, **values):
        """Comment on a new lead of a company; return (lead, the message that the customer got, the customer's address).

        :param author: (id, login)
        :param values: values of the lead; without a team among them it has none, and so no alias
        """
        address = f"customer-{next(_number)}@{CUSTOMER}"
        lead = self._create(
            "crm.lead", name="Chairs", type="lead", company_id=company.id, **{"team_id": False, **values}
        )
        partner = self._create("res.partner", name="Customer", email=address)
        self.gateway.comment(author, "crm.lead", lead, "Which colour?", [partner])
        [mail] = self.gateway.letters(self.dovecot, address)
        return lead, mail, address

    def write(self, company, raw, sender, to):
        """Send a message into a company's mailbox, fetch it from there and wait until it is delivered."""
        company.postfix.submit(raw, sender, [to])
        until(lambda: self.dovecot.read(to))
        for server in company.incoming:
            self.gateway.fetch(server)
        self.gateway.settle()

    def reply(self, company, question, sender, body):
        """Answer a message as a mail program does."""
        to = reply_to(question)
        raw = message(f"Re: {question['Subject']}", to, sender, body=body, In_Reply_To=question["Message-Id"])
        self.write(company, raw, sender, to)

    def answers(self, lead):
        """Return the texts of the e-mails in a lead's chatter."""
        found = self.gateway.call(
            "mail.message",
            "search_read",
            [["model", "=", "crm.lead"], ["res_id", "=", lead], ["message_type", "=", "email"]],
            ["body"],
        )
        return [answer["body"] for answer in found]


@pytest.fixture(scope="module")
def group(module_database, dovecot, postfix, second_postfix, third_postfix):
    """Two companies; a message that fits neither's server would go through the third one, that of odoo-bin's settings."""
    gateway = Gateway(module_database, extra_args=("--smtp-port", third_postfix.port))
    companies = (
        Company("North", f"north-{_RUN}.example", postfix, ("notifications", "bounce", "catchall")),
        Company("South", f"south-{_RUN}.example", second_postfix, ("office", "returns", "replies")),
    )
    try:
        yield Group(gateway, dovecot, companies)
    finally:
        gateway.stop()


@pytest.fixture(params=(0, 1), ids=("north", "south"))
def company(group, request):
    """Each of the two companies."""
    return group.companies[request.param]


def test_a_comment_leaves_through_the_companys_server_with_its_addresses(group, company):
    _lead, mail, _address = group.ask(company, company.seller)
    assert carriers(mail) == [company.postfix.hostname]
    assert author(mail) == ("Seller", company.seller[1])
    assert mail["Return-Path"] == f"<{company.bounce}>"
    assert reply_to(mail) == company.catchall


def test_an_author_elsewhere_is_encapsulated_in_the_default_from_of_the_records_company(group, company):
    _lead, mail, _address = group.ask(company, group.agent)
    assert carriers(mail) == [company.postfix.hostname]
    assert author(mail) == ("Agent", company.default_from)
    assert mail["Return-Path"] == f"<{company.bounce}>"
    assert reply_to(mail) == company.catchall


def test_a_record_with_an_alias_is_replied_to_in_its_companys_domain(group, company):
    _lead, mail, _address = group.ask(company, group.agent, team_id=company.team)
    assert carriers(mail) == [company.postfix.hostname]
    assert reply_to(mail) == company.sales


@pytest.mark.parametrize("with_alias", [False, True], ids=("catchall", "alias"))
def test_replies_come_back_to_the_record_of_the_company_that_asked(group, with_alias):
    asked = [
        (company, *group.ask(company, group.agent, team_id=company.team if with_alias else False))
        for company in group.companies
    ]
    for company, _lead, question, address in asked:
        group.reply(company, question, address, f"Blue for {company.name}.")
    for company, lead, _question, _address in asked:
        [answer] = group.answers(lead)
        assert f"Blue for {company.name}." in answer


def test_the_same_alias_of_two_domains_creates_a_record_of_each_company(group, company):
    sender = f"newcomer-{next(_number)}@{CUSTOMER}"
    subject = f"Tables for {company.name}"
    group.write(company, message(subject, company.sales, f"Newcomer <{sender}>"), sender, company.sales)
    [lead] = group.gateway.call("crm.lead", "search_read", [["name", "=", subject]], ["company_id", "team_id"])
    assert (lead["company_id"][0], lead["team_id"][0]) == (company.id, company.team)
