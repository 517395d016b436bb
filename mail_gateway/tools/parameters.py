"""The system parameters of mail and of this addon: their defaults, and their valid values."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from functools import partial

from .fetch.mailbox_settings import MAX_BYTES
from .headers.addresses import bad_entries, filter_entries, normalize_address, normalize_domain

# The largest number: a period that begins before the year 1 would stop all incoming mail.
MAX_NUMBER = 1_000_000
SCOPES = ("sender", "alias")
# How postmasters are notified of held messages.
ALERTS = ("nothing", "notification", "activity")
MAX_LANES = 16
# Larger messages are never fetched, whatever the limit is.
MAX_MEGABYTES = MAX_BYTES // 2**20

# An authserv-id is usually the name of a host, but any word is allowed.
_HOST = re.compile(r"[a-z0-9._-]{1,253}")
_NUMBER = re.compile(r"[0-9]{1,9}")
_ANY_NUMBER = re.compile(r"0*[1-9][0-9]*")


class ParameterProblem(Enum):
    """The problem of a value."""

    DOMAIN = "domain"
    LOCAL_PART = "local_part"
    SENDER = "sender"
    FILTER = "filter"
    NUMBER = "number"
    SCOPE = "scope"
    ALERT = "alert"
    HOST = "host"


class BadValue(ValueError):
    """A value that can't be used.

    :param problem: the problem of the value
    :param part: the part that is wrong, as it was typed
    :param most: the largest number that is allowed
    """

    def __init__(self, problem: ParameterProblem, part: str, most: int = MAX_NUMBER):
        super().__init__(f"{problem.value}: {part!r}")
        self.problem = problem
        self.part = part
        self.most = most

    @property
    def is_too_large(self) -> bool:
        """Whether the value is a number above the largest allowed one."""
        digits = self.part.strip().lstrip("0")
        if self.problem is not ParameterProblem.NUMBER or not _ANY_NUMBER.fullmatch(digits):
            return False
        return len(digits) > len(str(self.most)) or int(digits) > self.most


def read_domain(text: str) -> str:
    """Return the domain in its comparable form.

    :raises BadValue: when `text` is not a domain
    """
    domain = normalize_domain(text)
    if not domain:
        raise BadValue(ParameterProblem.DOMAIN, text)
    return domain


def read_local_part(text: str) -> str:
    """Return the part before the @ of an address, in lower case.

    Letters with accents are refused, though RFC 6531 allows them, since core would silently replace them.

    :raises BadValue: when `text` is not such a part
    """
    address = normalize_address(f"{text.strip()}@local.example")
    if not address or not text.isascii() or "@" in text:
        raise BadValue(ParameterProblem.LOCAL_PART, text)
    return address.partition("@")[0]


def read_sender(text: str) -> str:
    """Return the default From: a local part or a complete address; empty when authors keep their own address.

    :raises BadValue: when `text` is neither
    """
    local, at, domain = text.strip().rpartition("@")
    try:
        if at:
            return f"{read_local_part(local)}@{read_domain(domain)}"
        return read_local_part(domain) if domain else ""
    except BadValue as bad:
        raise BadValue(ParameterProblem.SENDER, text) from bad


def read_filter(text: str) -> str:
    """Return a FROM filter as it was typed; empty when it lets every address pass.

    :raises BadValue: when an entry is neither a domain nor an address; the error names the entry
    """
    for entry in bad_entries(text):
        raise BadValue(ParameterProblem.FILTER, entry)
    return text.strip() if filter_entries(text) else ""


def read_number(text: str, most: int = MAX_NUMBER) -> str:
    """Return a whole number from 1 to `most`, without leading zeros. 0 is refused, since it could mean none or all.

    :raises BadValue: when `text` is not such a number
    """
    if not _NUMBER.fullmatch(text.strip()) or not 1 <= int(text) <= most:
        raise BadValue(ParameterProblem.NUMBER, text, most)
    return str(int(text))


def read_hosts(text: str) -> str:
    """Return the names of mail hosts in their Authentication-Results (authserv-id, RFC 8601), separated by commas.

    :raises BadValue: when a name is malformed; the error names it
    """
    hosts = [host.strip().lower() for host in text.split(",") if host.strip()]
    for host in hosts:
        if not _HOST.fullmatch(host):
            raise BadValue(ParameterProblem.HOST, host)
    return ", ".join(dict.fromkeys(hosts))


def read_scope(text: str) -> str:
    """Return one of :data:`SCOPES`.

    :raises BadValue: when `text` is none of them
    """
    return _read_choice(text, SCOPES, ParameterProblem.SCOPE)


def read_alert(text: str) -> str:
    """Return one of :data:`ALERTS`.

    :raises BadValue: when `text` is none of them
    """
    return _read_choice(text, ALERTS, ParameterProblem.ALERT)


def _read_choice(text, choices, problem):
    choice = text.strip().lower()
    if choice not in choices:
        raise BadValue(problem, text)
    return choice


@dataclass(frozen=True)
class Parameter:
    """A system parameter.

    :param read: a function that returns the stored form of a typed value, or raises :class:`BadValue`
    :param default: the value when the parameter is absent
    :param created: whether installing the addon creates the parameter
    :param field: the field of the alias domain in which Odoo 19 keeps the value instead; empty for none
    :param kind: the type of its value in Python
    """

    read: Callable[[str], str]
    default: str = ""
    created: bool = False
    field: str = ""
    kind: type = str


PARAMETERS = {
    "mail.catchall.domain": Parameter(read_domain, field="name"),
    "mail.catchall.alias": Parameter(read_local_part, "catchall", created=True, field="catchall_alias"),
    "mail.bounce.alias": Parameter(read_local_part, "bounce", created=True, field="bounce_alias"),
    "mail.default.from": Parameter(read_sender, "notifications", created=True, field="default_from"),
    "mail.default.from_filter": Parameter(read_filter),
    "mail.incoming.limit.period": Parameter(read_number, "60", created=True, kind=int),
    "mail.incoming.limit.alias": Parameter(read_number, "5", created=True, kind=int),
    "mail.incoming.limit.scope": Parameter(read_scope, "sender"),
    "mail_gateway.lanes": Parameter(partial(read_number, most=MAX_LANES), "2", kind=int),
    "mail_gateway.size_limit": Parameter(partial(read_number, most=MAX_MEGABYTES), "50", kind=int),  # MB
    "mail_gateway.source_retention_days": Parameter(read_number, "30", kind=int),
    "mail_gateway.selection_retention_days": Parameter(read_number, "180", kind=int),
    "mail_gateway.alert": Parameter(read_alert, "notification"),
    "mail_gateway.alert_hours": Parameter(read_number, "4", kind=int),
    "mail_gateway.notice_limit": Parameter(read_number, "100", kind=int),  # an hour
    "mail_gateway.authserv_id": Parameter(read_hosts),
}
# key -> field of the alias domain, for the parameters that Odoo 19 keeps there
MIRRORED = {key: parameter.field for key, parameter in PARAMETERS.items() if parameter.field}


def good_entries(from_filter: str) -> str:
    """Return a FROM filter without its malformed entries."""
    bad = bad_entries(from_filter)
    return ",".join(entry for entry in filter_entries(from_filter) if entry not in bad)
