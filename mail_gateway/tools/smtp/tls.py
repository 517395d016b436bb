"""TLS of outgoing servers: contexts as core's ``_connect__`` makes them, and the content of certificates."""

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

# A certificate that expires within this number of days gives a warning.
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


# OpenSSL's X509_V_ERR_... (x509_vfy.h).
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
    """The content of a certificate. Its texts come from the server, and must be made readable before they are shown.

    :ivar subject: the owner of the certificate
    :ivar names: the host names and IP addresses for which it is valid
    :ivar issuer: the name of the signer
    :ivar expires: when it expires: UTC, naive
    """

    subject: str
    names: tuple[str, ...]
    issuer: str
    expires: datetime

    def days_left(self, now: datetime | None = None) -> int:
        """Return the whole days until the certificate expires; negative when it has expired.

        :param now: UTC, naive; the current time by default
        """
        now = now or datetime.now(timezone.utc).replace(tzinfo=None)
        return (self.expires - now).days


class Encrypted(NamedTuple):
    """An encrypted connection, or the facts about one that failed.

    :ivar version: the version of TLS; empty when the handshake failed
    :ivar required: whether only a verified certificate is accepted
    """

    version: str
    certificate: Certificate | None
    trust: Trust
    required: bool

    @property
    def doubtful(self) -> bool:
        """Whether an administrator should look at the certificate: it can't be trusted, or expires soon."""
        ends_soon = self.certificate is not None and self.certificate.days_left() < SOON_DAYS
        return ends_soon or self.trust not in (Trust.VERIFIED, Trust.UNKNOWN)


@dataclass(frozen=True)
class OwnCertificate:
    """The client certificate with which this machine identifies itself: PEM, or the names of PEM files."""

    certificate: bytes = b""
    key: bytes = b""
    certificate_file: str = ""
    key_file: str = ""


class BadOwnCertificate(Exception):
    """The client certificate or its key can't be used. The text says why."""


class StandardTls:
    """TLS by the standard library, which core uses when there is no client certificate.

    :param strict: refuse certificates that can't be verified
    """

    def __init__(self, strict: bool):
        self.strict = strict
        self.context = ssl.create_default_context()
        if not strict:
            self.context.check_hostname = False
            self.context.verify_mode = ssl.CERT_NONE

    def facts(self, wrapped: ssl.SSLSocket) -> Encrypted:
        """Describe a connection after its handshake. The trust in an unverified certificate is unknown."""
        trust = Trust.VERIFIED if self.strict else Trust.UNKNOWN
        return Encrypted(wrapped.version() or "", read_certificate(wrapped.getpeercert(True)), trust, self.strict)

    def refusal(self, error: Exception) -> Encrypted | None:
        """Describe a handshake that failed because of the certificate; None when it failed for another reason."""
        if not isinstance(error, ssl.SSLCertVerificationError):
            return None
        return Encrypted("", None, _TRUST.get(error.verify_code, Trust.OTHER), self.strict)


class CertificateTls:
    """TLS by pyOpenSSL, which core uses when this machine identifies itself with a certificate.

    :param strict: refuse certificates that can't be verified
    :param host: the name that the server has to prove
    :raises BadOwnCertificate: when the client certificate can't be used
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
        """Called by OpenSSL for each certificate of the chain: keeps the first fault, and refuses it when strict."""
        if depth == 0:
            self._leaf = certificate.to_cryptography()
        trust = _TRUST.get(code, Trust.OTHER) if code else self._trust_name(certificate, depth)
        if self._trust in (Trust.UNKNOWN, Trust.VERIFIED):
            self._trust = trust
        return trust is Trust.VERIFIED or not self.strict

    def _trust_name(self, certificate, depth):
        """Do what core's _verify_check_hostname_callback does."""
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
        """Describe a connection after its handshake."""
        return Encrypted(wrapped.version() or "", self._certificate(), self._trust, self.strict)

    def refusal(self, _error: Exception) -> Encrypted | None:
        """Describe a handshake that failed because of the certificate; None when it failed for another reason."""
        if not self.strict or self._trust in (Trust.UNKNOWN, Trust.VERIFIED):
            return None
        return Encrypted("", self._certificate(), self._trust, self.strict)

    def _certificate(self):
        return self._leaf and describe_certificate(self._leaf)


def _load(context, own):
    """Load the certificate as core does: from the files of the command line, or from the fields of a server.

    With these files core verifies nothing, since servers of the command line never have a strict encryption.
    """
    if own.certificate_file:
        context.load_cert_chain(own.certificate_file, keyfile=own.key_file)
    else:
        context._ctx.use_certificate(x509.load_pem_x509_certificate(own.certificate))
        context._ctx.use_privatekey(load_pem_private_key(own.key, password=None))
    context._ctx.check_privatekey()


def _last_words(error):
    """Return the reasons in an error of OpenSSL, which is a list of (library, function, reason)."""
    if isinstance(error, SSL.Error) and error.args and isinstance(error.args[0], list):
        return "; ".join(str(entry[-1]) for entry in error.args[0])
    # parsers quote the text that they read, which may be the key
    return "" if isinstance(error, ValueError | TypeError) else str(error)


def read_certificate(der: bytes | None) -> Certificate | None:
    """Return the content of a certificate; None when there is none or it can't be read.

    :param der: the bytes of the certificate
    """
    try:
        return describe_certificate(x509.load_der_x509_certificate(der)) if der else None
    except ValueError:
        return None


def describe_certificate(certificate: x509.Certificate) -> Certificate | None:
    """Return the content of a certificate; None when it can't be read."""
    try:
        names, expires = _names(certificate), _expires(certificate)
        return Certificate(_display_name(certificate.subject), names, _display_name(certificate.issuer), expires)
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


def _display_name(name):
    """Return the familiar part of a distinguished name: the common name, else the organisation, else all of it."""
    for part in (NameOID.COMMON_NAME, NameOID.ORGANIZATION_NAME):
        if found := name.get_attributes_for_oid(part):
            return str(found[0].value)
    return name.rfc4514_string()
