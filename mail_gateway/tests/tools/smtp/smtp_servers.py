"""SMTP servers that follow a script, with and without TLS, for the tests of the connection test."""

import ipaddress
import ssl
from datetime import datetime, timedelta, timezone
from pathlib import Path
from tempfile import TemporaryDirectory

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from odoo.addons.mail_gateway.tests.tools.tools_common import ClosingReply, ScriptedServer, replies

GREETING = b"220 mail.mycompany.example ESMTP ready\r\n"


def smtp_script(ehlo=(b"SIZE 1048576",), **changes):
    """Return an `answer` of a server that accepts everything.

    :param ehlo: the extensions that it offers
    :param changes: command -> reply that differs
    """
    lines = [b"mail.mycompany.example", *ehlo]
    extensions = b"".join(b"250%s%s\r\n" % (b"-" if line is not lines[-1] else b" ", line) for line in lines)
    return replies(
        {
            b"EHLO": extensions,
            b"MAIL": b"250 2.1.0 sender ok\r\n",
            b"RCPT": b"250 2.1.5 recipient ok\r\n",
            b"RSET": b"250 2.0.0 ok\r\n",
            b"QUIT": ClosingReply(b"221 2.0.0 bye\r\n"),
            **{command.encode(): reply for command, reply in changes.items()},
        },
        otherwise=b"502 5.5.2 what?\r\n",
    )


def commands(server):
    """Return the verbs that a scripted server received."""
    return [line.split()[0].upper().decode() for line in server.received if line.strip()]


class Credentials:
    """A private key and its certificate, which is self-signed or signed by another one."""

    def __init__(self, name="localhost", signer=None, days=365):
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        issuer = signer or self
        now = datetime.now(timezone.utc)
        # an additional hour, so that whole days are left a moment later
        end = now + timedelta(days=days, hours=1)
        names = [x509.DNSName(name), *([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))] if signer else [])]
        self.certificate = (
            x509.CertificateBuilder(issuer.name, self.name, self.key.public_key(), x509.random_serial_number())
            .not_valid_before(min(now, end) - timedelta(days=1))
            .not_valid_after(end)
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .add_extension(x509.BasicConstraints(ca=signer is None, path_length=None), critical=True)
            .sign(issuer.key, hashes.SHA256())
        )

    @property
    def pem(self):
        """The certificate in PEM format."""
        return self.certificate.public_bytes(Encoding.PEM)

    @property
    def key_pem(self):
        """The private key in PEM format."""
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


class TlsServer(ScriptedServer):
    """A scripted server with TLS from the first byte.

    :param credentials: the credentials of the server
    :param clients: the signer of the certificates of clients; None requests no certificates
    """

    def __init__(self, answer, credentials, clients=None, greeting=GREETING):
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        with TemporaryDirectory() as directory:
            file = Path(directory) / "server.pem"
            file.write_bytes(credentials.pem + credentials.key_pem)
            self._context.load_cert_chain(file)
        if clients:
            self._context.load_verify_locations(cadata=clients.pem.decode())
            self._context.verify_mode = ssl.CERT_REQUIRED
        super().__init__(greeting, answer)

    def _talk(self, connection):
        try:
            with self._context.wrap_socket(connection, server_side=True) as encrypted:
                super()._talk(encrypted)
        except OSError:
            return
