"""The system parameters of mail and of this addon: their defaults, and their valid values."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from functools import partial

from .fetch.mailbox_settings import MAX_BYTES
from .headers.addresses import bad_entries, filter_entries, normalize_address, normalize_domain

# A period that begins before the year 1 would stop all incoming mail.
MAX_NUMBER = 1_000_000
SCOPES = ("sender", "alias")
# How postmasters are notified of held messages.
ALERTS = ("nothing", "notification", "activity")
MAX_LANES = 16
# Nothing larger is ever fetched, whatever the limit says.
MAX_MEGABYTES = MAX_BYTES // 2**20

# Usually the name of a host, but any word is allowed.
_HOST = re.compile(r"[a-z0-9._-]{1,253}")
_NUMBER = re.compile(r"[0-9]{1,9}")
_ANY_NUMBER = re.compile(r"0*[1-9][0-9]*")


class ParameterProblem(Enum):
    """What is wrong with a value."""

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

    :param problem: what is wrong with it
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
        """Whether it is a number beyond the largest one."""
        digits = self.part.strip().lstrip("0")
        if self.problem is not ParameterProblem.NUMBER or not _ANY_NUMBER.fullmatch(digits):
            return False
        return len(digits) > len(str(self.most)) or int(digits) > self.most


def read_domain(text: str) -> str:
    """The domain in its comparable form.

    :raises BadValue: when `text` is no domain
    """
    domain = normalize_domain(text)
    if not domain:
        raise BadValue(ParameterProblem.DOMAIN, text)
    return domain


def read_local_part(text: str) -> str:
    """What stands before the @ of an address, in lower case.

    Letters with accents are refused, though RFC 6531 allows them: core would silently replace them.

    :raises BadValue: when `text` is none
    """
    address = normalize_address(f"{text.strip()}@local.example")
    if not address or not text.isascii() or "@" in text:
        raise BadValue(ParameterProblem.LOCAL_PART, text)
    return address.partition("@")[0]


def read_sender(text: str) -> str:
    """The default From: a local part or a complete address; empty when there is none, and authors keep their own address.

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
    """A FROM filter as it was typed; empty when it lets every address pass.

    :raises BadValue: when an entry is neither a domain nor an address; which is named
    """
    for entry in bad_entries(text):
        raise BadValue(ParameterProblem.FILTER, entry)
    return text.strip() if filter_entries(text) else ""


def read_number(text: str, most: int = MAX_NUMBER) -> str:
    """A whole number from 1 to `most`, without leading zeros. 0 is refused, since it could mean none or all.

    :raises BadValue: when `text` is none
    """
    if not _NUMBER.fullmatch(text.strip()) or not 1 <= int(text) <= most:
        raise BadValue(ParameterProblem.NUMBER, text, most)
    return str(int(text))


def read_hosts(text: str) -> str:
    """Names by which mail hosts sign their Authentication-Results (authserv-id, RFC 8601), separated by commas.

    :raises BadValue: when a name is malformed, which is named
    """
    hosts = [host.strip().lower() for host in text.split(",") if host.strip()]
    for host in hosts:
        if not _HOST.fullmatch(host):
            raise BadValue(ParameterProblem.HOST, host)
    return ", ".join(dict.fromkeys(hosts))


def read_scope(text: str) -> str:
    """One of :data:`SCOPES`.

    :raises BadValue: when `text` is none
    """
    return _read_choice(text, SCOPES, ParameterProblem.SCOPE)


def read_alert(text: str) -> str:
    """One of :data:`ALERTS`.

    :raises BadValue: when `text` is none
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

    :param read: returns the stored form of a typed value, or raises :class:`BadValue`
    :param default: the value when it is absent
    :param created: whether installing the addon creates it
    :param field: where Odoo 19 keeps it on the alias domain instead; empty when it does not
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
# key -> field of the alias domain, for those that Odoo 19 keeps there
MIRRORED = {key: parameter.field for key, parameter in PARAMETERS.items() if parameter.field}


def good_entries(from_filter: str) -> str:
    """A FROM filter without its malformed entries."""
    bad = bad_entries(from_filter)
    return ",".join(entry for entry in filter_entries(from_filter) if entry not in bad)
