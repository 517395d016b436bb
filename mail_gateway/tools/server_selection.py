"""Selects the outgoing server and the From of a message, and gives the reasons why the other servers do not send it.

The order is that of Odoo's documentation. The code of Odoo 19 prefers the server of the default From to a server without
a filter; this module does the opposite, as documented. Start reading at :func:`select`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from typing import NamedTuple

from .headers.addresses import (
    author_address,
    domain_of,
    filter_entries,
    filter_matches,
    normalize_domain,
    normalize_entry,
    split_author,
)
from .headers.display_names import format_author, name_beside_another_address, one_line


class Traffic(str, Enum):
    """The kind of an outgoing message."""

    TRANSACTIONAL = "transactional"
    MASS = "mass"


ANY_TRAFFIC = "any"


class Step(str, Enum):
    """Why a server was chosen; the order of the steps is the order of the search."""

    FORCED = "forced"  # the message itself, its template or its mailing names the server
    ADDRESS = "address"  # a filter entry equals the author's address
    DOMAIN = "domain"  # a filter entry equals the domain of the author's address
    NO_FILTER = "no_filter"  # the server has no filter
    DEFAULT_ADDRESS = "default_address"  # a filter entry equals the default From
    DEFAULT_DOMAIN = "default_domain"  # a filter entry equals the domain of the default From
    FIRST = "first"  # no filter entry matches: the first server is used
    ODOO_BIN = "odoo_bin"  # no server may send: the settings of odoo-bin are used


class Reason(str, Enum):
    """Why another server does not send the message."""

    ARCHIVED = "archived"
    NOT_THE_OWNER = "not_the_owner"  # it sends only messages that its owner writes from their own address
    NOT_OFFERED = "not_offered"  # the sender may not use it
    TRAFFIC = "traffic"  # it does not send this kind of mail
    NO_MATCH = "no_match"  # its filter matches neither the author nor the default From
    LATER_STEP = "later_step"  # a later step would have found it
    LOWER_PRIORITY = "lower_priority"  # found by the same step, after the chosen one
    NOT_FORCED = "not_forced"  # the message names another server


@dataclass(frozen=True)
class OutgoingServer:
    """The facts about a server that the selection needs.

    :ivar from_filter: as typed: domains and addresses, comma separated; empty for none
    :ivar traffic: a value of Traffic, or ANY_TRAFFIC
    :ivar owner: None for a server that everybody shares; else the address of the user whose server it is, empty
        when that user has none
    :ivar offered: False when the sender of this message may not use it
    :ivar name: the name, which does not affect the selection
    """

    id: int
    from_filter: str = ""
    active: bool = True
    traffic: str = ANY_TRAFFIC
    owner: str | None = None
    offered: bool = True
    name: str = ""


class PassedOver(NamedTuple):
    """A server that does not send the message.

    :ivar step: the step that would have found it; None when none would
    """

    server: OutgoingServer
    reason: Reason
    step: Step | None = None


@dataclass(frozen=True)
class Selection:
    """The selected server, the From, and the reasons.

    :ivar server: None for the settings of odoo-bin
    :ivar step: the step that found the server
    :ivar author: the From that the message asked for
    :ivar header_from: the From that is sent, readable, not encoded; empty when there is none
    :ivar from_filter: the filter of the selected server, or of odoo-bin
    :ivar passed_over: the other servers, in their order
    :ivar alias_domains: the alias domains that replace a missing filter; empty when there is a filter
    """

    server: OutgoingServer | None
    step: Step
    author: str
    header_from: str
    from_filter: str
    passed_over: tuple[PassedOver, ...] = ()
    alias_domains: tuple[str, ...] = ()

    @property
    def is_encapsulated(self) -> bool:
        """Whether another address replaces the author's."""
        return self.header_from != self.author

    def envelope_sender(self, own: str | None, others: Sequence[str] = ()) -> str:
        """Return the envelope sender (Return-Path): a bounce address if the filter lets one pass, else the address in From.

        :param own: the bounce address of the company or record
        :param others: the bounce addresses of other companies
        """
        return bounce_address(own, others, self.from_filter) or split_author(self.header_from)[1]


def bounce_address(own: str | None, others: Sequence[str], from_filter: str | None) -> str | None:
    """Return the bounce address that can be used with this filter; without a filter, any can be used.

    The alias domains do not replace a missing filter here: administrators configure bounce addresses, and some services
    need a bounce address in a domain of its own. Without it, the bounces would go to the author.

    With the server of another company, the address of that company receives the bounces, so that they reach Odoo and not
    the author.

    :param own: the preferred bounce address; without it, none is used
    :return: None when the filter lets none pass
    """
    candidates = (own, *others) if own else ()
    return next((address for address in candidates if address and filter_matches(address, from_filter)), None)


def select(
    author: str | None,
    servers: Sequence[OutgoingServer],
    default_from: str | None = None,
    *,
    odoo_bin_filter: str | None = None,
    traffic: Traffic = Traffic.TRANSACTIONAL,
    forced_id: int | None = None,
    alias_domains: Sequence[str] = (),
) -> Selection:
    """Select the server and the From for one message.

    :param author: the From of the message, with or without a display name; of several addresses, the first one counts
    :param servers: all servers, in the order of their priority
    :param default_from: the complete address that replaces an author's
    :param odoo_bin_filter: the filter that applies when no server may send
    :param forced_id: the server that the message names. It is used if it may send the message at all.
    :param alias_domains: the alias domains of the database, which replace a missing filter for the From. They do not
        affect the choice of the server.
    """
    address = author_address(one_line(author or ""))
    unusable = _unusable(servers, address, Traffic(traffic))
    usable = [server for server in servers if server not in unusable]
    steps = {server: _step_for(server, address, default_from) for server in usable}
    server, step = _choose(usable, steps, forced_id)
    from_filter = (server.from_filter if server else odoo_bin_filter) or ""
    return Selection(
        server,
        step,
        author or "",
        header_from(author, from_filter, default_from, alias_domains),
        from_filter,
        tuple(_why_not(other, unusable, steps, step) for other in servers if other != server),
        standing_in(from_filter, alias_domains),
    )


def _unusable(servers, address, traffic):
    """Return server -> the reason why it must not send this message, whatever its filter is."""
    found = {}
    for server in servers:
        if not server.active:
            found[server] = Reason.ARCHIVED
        elif server.owner is not None and not (server.offered and _is_owners(server, address)):
            found[server] = Reason.NOT_THE_OWNER
        elif not server.offered:
            found[server] = Reason.NOT_OFFERED
        elif server.traffic not in (ANY_TRAFFIC, traffic.value):
            found[server] = Reason.TRAFFIC
    return found


def _is_owners(server, address):
    """Whether a personal server may be used: only for its owner's address, and only if its filter names this address."""
    return bool(address) and address == author_address(server.owner) and address in _entries(server)


def _entries(server):
    return {normalize_entry(entry) for entry in filter_entries(server.from_filter)} - {None}


def _step_for(server, address, default_from):
    """Return the first step that finds the server; the step FIRST finds every server."""
    entries = _entries(server)
    default = author_address(default_from)
    if address in entries:
        return Step.ADDRESS
    if domain_of(address) in entries:
        return Step.DOMAIN
    if not filter_entries(server.from_filter):
        return Step.NO_FILTER
    if default in entries:
        return Step.DEFAULT_ADDRESS
    if domain_of(default) in entries:
        return Step.DEFAULT_DOMAIN
    return Step.FIRST


def _choose(usable, steps, forced_id):
    for server in usable:
        if server.id == forced_id:
            return server, Step.FORCED
    for step in Step:
        for server in usable:
            if steps[server] is step:
                return server, step
    return None, Step.ODOO_BIN


def _why_not(server, unusable, steps, chosen_step):
    if server in unusable:
        return PassedOver(server, unusable[server])
    step = steps[server]
    if chosen_step is Step.FORCED:
        return PassedOver(server, Reason.NOT_FORCED, step)
    if step is Step.FIRST:
        return PassedOver(server, Reason.NO_MATCH, step)
    return PassedOver(server, Reason.LOWER_PRIORITY if step is chosen_step else Reason.LATER_STEP, step)


def standing_in(from_filter: str | None, alias_domains: Sequence[str]) -> tuple[str, ...]:
    """Return the alias domains that replace a missing filter: all of them when there is no filter, else none."""
    return () if filter_entries(from_filter) else tuple(alias_domains)


def author_passes(address: str | None, from_filter: str | None, alias_domains: Sequence[str] = ()) -> bool:
    """Whether an author keeps their address with this filter.

    The alias domains replace a missing filter; without alias domains and a filter, every author keeps their address.

    :param address: plain or with a display name
    """
    domains = _comparable(standing_in(from_filter, alias_domains))
    if not domains:
        return filter_matches(address, from_filter)
    return domain_of(author_address(address)) in domains


@lru_cache(maxsize=64)
def _comparable(domains):
    """Return domains in comparable form, without malformed ones."""
    return frozenset(map(normalize_domain, domains)) - {None}


def header_from(
    author: str | None, from_filter: str | None, default_from: str | None, alias_domains: Sequence[str] = ()
) -> str:
    """Return the From that is sent through a server with this filter.

    It is the author's own if the filter matches it, or the alias domains instead of a missing filter; else it is the
    default From with the author's name. Without a default From, it is always the author's own.

    :return: readable, not encoded for transport
    """
    default = split_author(default_from)[1]
    address = split_author(one_line(author or ""))[1]
    if not default:
        return author or ""
    if not address:
        return encapsulate(author or "", default)
    if author_address(address) == author_address(default):
        return author
    return author if author_passes(address, from_filter, alias_domains) else encapsulate(author, default)


def encapsulate(author: str, default_from: str) -> str:
    """Return the default From with the author's name, or a replacement for the name, in front.

    `"Admin" <admin@example.com>` becomes `"Admin" <notifications@mycompany.com>`.
    """
    return format_author(name_beside_another_address(author), default_from)
