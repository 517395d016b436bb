"""The TLS of outgoing servers: contexts as core's ``_connect__`` makes them, and what a certificate says."""

import ssl
from dataclasses import dataclass
from datetime import datetime, timezone
from enum import Enum
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509.oid import NameOID
from OpenSSL import SSL
from urllib3.contrib.pyopenssl import PyOpenSSLContext, get_subj_alt_name

try:
    from urllib3.util.ssl_match_hostname import CertificateError, match_hostname
except ImportError:  # urllib3 1.25 and below
    from urllib3.packages.ssl_match_hostname import CertificateError, match_hostname

SOON_DAYS = 30


class Trust(Enum):
    """Whether a server proves its name with a certificate that this machine trusts, or why it does not."""

    VERIFIED = "verified"
    EXPIRED = "expired"
    NOT_YET_VALID = "not_yet_valid"
    SELF_SIGNED = "self_signed"
    UNKNOWN_ISSUER = "unknown_issuer"
    WRONG_NAME = "wrong_name"
    OTHER = "other"
    UNKNOWN = "unknown"


# OpenSSL's X509_V_ERR_..., x509_vfy.h
_TRUST = {
    2: Trust.UNKNOWN_ISSUER,
    9: Trust.NOT_YET_VALID,
    10: Trust.EXPIRED,
    18: Trust.SELF_SIGNED,
    19: Trust.UNKNOWN_ISSUER,
    20: Trust.UNKNOWN_ISSUER,
    21: Trust.UNKNOWN_ISSUER,
    62: Trust.WRONG_NAME,
    64: Trust.WRONG_NAME,
}


class Certificate(NamedTuple):
    """What a certificate says; the texts are foreign.

    :ivar names: the host names and addresses that it is for
    :ivar expires: in UTC, naive
    """

    subject: str
    names: tuple[str, ...]
    issuer: str
    expires: datetime

    def days_left(self, now: datetime | None = None) -> int:
        """Whole days until it expires; negative when it has."""
        now = now or datetime.now(timezone.utc).replace(tzinfo=None)
        return (self.expires - now).days


class Encrypted(NamedTuple):
    """An encrypted connection, or what could be found out about one that failed.

    :ivar required: an unverified certificate ends the connection
    """

    version: str
    certificate: Certificate | None
    trust: Trust
    required: bool

    @property
    def doubtful(self) -> bool:
        """Whether somebody should do something about the certificate."""
        ends_soon = self.certificate is not None and self.certificate.days_left() < SOON_DAYS
        return ends_soon or self.trust not in (Trust.VERIFIED, Trust.UNKNOWN)


@dataclass(frozen=True)
class OwnCertificate:
    """What this machine identifies itself with: PEM, or the names of PEM files."""

    certificate: bytes = b""
    key: bytes = b""
    certificate_file: str = ""
    key_file: str = ""


class BadOwnCertificate(Exception):
    """Our certificate or its key can't be used; the text says why."""


class StandardTls:
    """TLS by the standard library, which core uses but for client certificates.

    :param strict: refuse what can't be verified
    """

    def __init__(self, strict: bool):
        self.strict = strict
        self.context = ssl.create_default_context()
        if not strict:
            self.context.check_hostname = False
            self.context.verify_mode = ssl.CERT_NONE

    def facts(self, wrapped: ssl.SSLSocket) -> Encrypted:
        """Describe a connection whose handshake is done; how far an unverified one could be trusted is open."""
        trust = Trust.VERIFIED if self.strict else Trust.UNKNOWN
        return Encrypted(wrapped.version() or "", read_certificate(wrapped.getpeercert(True)), trust, self.strict)

    def refusal(self, error: Exception) -> Encrypted | None:
        """Describe a handshake that failed for the certificate; None when it failed for something else."""
        if not isinstance(error, ssl.SSLCertVerificationError):
            return None
        return Encrypted("", None, _TRUST.get(error.verify_code, Trust.OTHER), self.strict)


class CertificateTls:
    """TLS by pyOpenSSL, which core uses where this machine identifies itself with a certificate.

    :param host: the name that the server has to prove
    :raises BadOwnCertificate: when our certificate can't be used
    """

    def __init__(self, strict: bool, host: str, own: OwnCertificate):
        self.strict, self._host = strict, host
        self._trust, self._leaf = Trust.UNKNOWN, None
        self.context = PyOpenSSLContext(ssl.PROTOCOL_TLS)
        self.context.set_default_verify_paths()
        self.context._ctx.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT, self._verify)
        try:
            _load(self.context, own)
        except (SSL.Error, ValueError, TypeError, OSError) as error:
            raise BadOwnCertificate(_last_words(error)) from error

    def _verify(self, _connection, certificate, code, depth, _okay):
        """Called by OpenSSL for each certificate of the chain. Notes what is wrong; strict only then refuses it."""
        if depth == 0:
            self._leaf = certificate.to_cryptography()
        trust = _TRUST.get(code, Trust.OTHER) if code else self._trust_name(certificate, depth)
        if self._trust in (Trust.UNKNOWN, Trust.VERIFIED):
            self._trust = trust
        return trust is Trust.VERIFIED or not self.strict

    def _trust_name(self, certificate, depth):
        """As core's _verify_check_hostname_callback does."""
        if depth:
            return Trust.VERIFIED
        names = {
            "subject": ((("commonName", certificate.get_subject().CN),),),
            "subjectAltName": get_subj_alt_name(certificate),
        }
        try:
            match_hostname(names, self._host)
        except CertificateError:
            return Trust.WRONG_NAME
        return Trust.VERIFIED

    def facts(self, wrapped) -> Encrypted:
        """Describe a connection whose handshake is done."""
        return Encrypted(wrapped.version() or "", self._certificate(), self._trust, self.strict)

    def refusal(self, _error: Exception) -> Encrypted | None:
        """Describe a handshake that failed for the certificate; None when it failed for something else."""
        if not self.strict or self._trust in (Trust.UNKNOWN, Trust.VERIFIED):
            return None
        return Encrypted("", self._certificate(), self._trust, self.strict)

    def _certificate(self):
        return self._leaf and describe_certificate(self._leaf)


def _load(context, own):
    """As core: from the fields of a server, else from the files of the command line.

    Core verifies nothing for the latter, and neither does its encryption ask for it.
    """
    if own.certificate_file:
        context.load_cert_chain(own.certificate_file, keyfile=own.key_file)
    else:
        context._ctx.use_certificate(x509.load_pem_x509_certificate(own.certificate))
        context._ctx.use_privatekey(load_pem_private_key(own.key, password=None))
    context._ctx.check_privatekey()


def _last_words(error):
    """OpenSSL's errors are lists of (library, function, reason)."""
    if isinstance(error, SSL.Error) and error.args and isinstance(error.args[0], list):
        return "; ".join(str(entry[-1]) for entry in error.args[0])
    # parsers tell what they read: a key is none of anybody's business
    return "" if isinstance(error, ValueError | TypeError) else str(error)


def read_certificate(der: bytes | None) -> Certificate | None:
    """What a certificate says; None when there is none or it can't be read."""
    try:
        return describe_certificate(x509.load_der_x509_certificate(der)) if der else None
    except ValueError:
        return None


def describe_certificate(certificate: x509.Certificate) -> Certificate | None:
    """What a certificate says; None when it can't be read."""
    try:
        names, expires = _names(certificate), _expires(certificate)
        return Certificate(_who(certificate.subject), names, _who(certificate.issuer), expires)
    except (ValueError, x509.UnsupportedGeneralNameType):
        return None


def _expires(certificate):
    # cryptography 42 deprecates the naive date
    aware = getattr(certificate, "not_valid_after_utc", None)
    return aware.replace(tzinfo=None) if aware else certificate.not_valid_after


def _names(certificate):
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    return tuple(str(name.value) for name in names if isinstance(name, x509.DNSName | x509.IPAddress))


def _who(name):
    """A person's reading of a distinguished name: the common name, else the organisation, else all of it."""
    for part in (NameOID.COMMON_NAME, NameOID.ORGANIZATION_NAME):
        if found := name.get_attributes_for_oid(part):
            return str(found[0].value)
    return name.rfc4514_string()
