"""TLS certificates for test servers, good and bad, from a certification authority that only the test trusts."""

from __future__ import annotations

import datetime
import ipaddress
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

Kind = Literal["valid", "expired", "wrong_host", "self_signed"]
DAY = datetime.timedelta(days=1)


@dataclass(frozen=True)
class CertificateFiles:
    """PEM files of a server: its certificate, its key, and the authority a client has to trust."""

    certificate: Path
    key: Path
    authority: Path


def server_context(files: CertificateFiles) -> ssl.SSLContext:
    """What a server in this process shows."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files.certificate, files.key)
    return context


def issue(directory: Path, kind: Kind = "valid", names: Sequence[str] = ("localhost",)) -> CertificateFiles:
    """Write a certificate for ``names`` and 127.0.0.1, with the fault that ``kind`` names."""
    authority_key, server_key = _new_key(), _new_key()
    authority = _authority(authority_key)
    server = _server(kind, names, server_key, authority, authority_key)
    files = CertificateFiles(directory / "server.pem", directory / "server.key", directory / "authority.pem")
    files.certificate.write_bytes(server.public_bytes(serialization.Encoding.PEM))
    files.authority.write_bytes(authority.public_bytes(serialization.Encoding.PEM))
    files.key.write_bytes(_pem(server_key))
    return files


def _new_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, until: datetime.timedelta
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.timezone.utc)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - 10 * DAY)
        .not_valid_after(now + until)
    )


def _authority(key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    name = _name("Test authority")
    usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
    return (
        _builder(name, name, key, 10 * DAY)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )


def _server(
    kind: Kind,
    names: Sequence[str],
    key: ec.EllipticCurvePrivateKey,
    authority: x509.Certificate,
    authority_key: ec.EllipticCurvePrivateKey,
) -> x509.Certificate:
    subject = _name("localhost")
    self_signed = kind == "self_signed"
    signer = key if self_signed else authority_key
    until = -DAY if kind == "expired" else 10 * DAY
    return (
        _builder(subject, subject if self_signed else authority.subject, key, until)
        .add_extension(x509.SubjectAlternativeName(_names(kind, names)), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
        .sign(signer, hashes.SHA256())
    )


def _names(kind: Kind, names: Sequence[str]) -> list[x509.GeneralName]:
    if kind == "wrong_host":
        return [x509.DNSName("mail.example.net")]
    return [*map(x509.DNSName, names), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
