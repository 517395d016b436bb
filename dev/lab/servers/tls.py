"""Certificates: the lab's own authority and three servers' certificates, a good one and two bad ones."""

from lab.host import stamps
from lab.host.paths import TLS
from lab.host.processes import run

CA = TLS / "ca.pem"

_NAMES = "subjectAltName=DNS:localhost,IP:127.0.0.1"
_SUBJECT = "/CN=localhost"
_CONFIG = """\
[req]
distinguished_name = nothing
[nothing]
[authority]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[server]
subjectAltName = DNS:localhost, IP:127.0.0.1
extendedKeyUsage = serverAuth
[ca]
default_ca = lab
[lab]
database = index.txt
new_certs_dir = .
rand_serial = yes
default_md = sha256
policy = anything
unique_subject = no
[anything]
commonName = supplied
"""


def certificate(kind="trusted"):
    """Return the paths of a certificate for localhost and of its key.

    :param kind: "trusted" (from the lab's authority), "untrusted" (self-signed) or "expired" (from the authority)
    """
    return TLS / f"{kind}.pem", TLS / f"{kind}.key"


def make():
    """Make the authority and the certificates unless they are there; tell whether they were made."""
    digest = stamps.digest(_CONFIG)
    if stamps.is_current("tls", digest) and CA.is_file():
        return False
    TLS.mkdir(parents=True, exist_ok=True)
    (TLS / "openssl.cnf").write_text(_CONFIG)
    (TLS / "index.txt").write_text("")
    _openssl(
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-keyout",
        "ca.key",
        "-out",
        "ca.pem",
        "-days",
        "3650",
        "-subj",
        "/CN=Test lab of mail_gateway",
        "-config",
        "openssl.cnf",
        "-extensions",
        "authority",
    )
    _openssl(
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-keyout",
        "untrusted.key",
        "-out",
        "untrusted.pem",
        "-days",
        "3650",
        "-subj",
        _SUBJECT,
        "-addext",
        _NAMES,
        "-config",
        "openssl.cnf",
    )
    _sign("trusted", "20240101000000Z", "20440101000000Z")
    _sign("expired", "20230101000000Z", "20240101000000Z")
    stamps.write("tls", digest)
    return True


def _sign(kind, start, end):
    # `openssl x509 -req` of Debian 12 cannot sign for the past, `openssl ca` can.
    _openssl(
        "req",
        "-new",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-keyout",
        f"{kind}.key",
        "-out",
        f"{kind}.csr",
        "-subj",
        _SUBJECT,
        "-config",
        "openssl.cnf",
    )
    _openssl(
        "ca",
        "-batch",
        "-notext",
        "-config",
        "openssl.cnf",
        "-extensions",
        "server",
        "-cert",
        "ca.pem",
        "-keyfile",
        "ca.key",
        "-startdate",
        start,
        "-enddate",
        end,
        "-in",
        f"{kind}.csr",
        "-out",
        f"{kind}.pem",
    )


def _openssl(*arguments):
    run(["openssl", *arguments], f"make the lab's certificates in {TLS}", cwd=TLS)
