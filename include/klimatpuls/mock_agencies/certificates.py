"""Makes a TLS certificate for the mock agencies and its authority, new at every start.

The authority's key signs one certificate and is never written to disk. A caller trusts the authority only if
its connection names the authority's file (``mock_ca``).
"""

from __future__ import annotations

import ipaddress
import os
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from klimatpuls.contract.catalog import SOURCES

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

AUTHORITY: Final = "mock_ca.pem"
"""Name of the file that callers need."""
LIFE: Final = timedelta(days=90)
"""How long a certificate is valid: longer than a stack is left running."""
LEEWAY: Final = timedelta(hours=1)
"""How long before now it becomes valid, for clocks that differ."""


@dataclass(frozen=True, kw_only=True)
class Certificate:
    """Files of a certificate.

    Attributes:
        authority: The authority's own certificate, for callers.
        server: The server's certificate and its key, for the server alone (mode 0600).
    """

    authority: Path
    server: Path


def make_certificate(folder: Path, now: datetime) -> Certificate:
    """Write a certificate for this machine and every host of the catalogue.

    Args:
        folder: Folder of the two files; must exist. Earlier ones are replaced.
        now: The present moment, with time zone.
    """
    # Imported here: it takes 0.1 s, and a mock server without TLS does not need it.
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    def named(name: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])

    def begun(subject: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - LEEWAY)
            .not_valid_after(now + LIFE)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()), critical=False
            )
        )

    issuer = named("Klimatpuls mock agencies, test authority")
    authority_key, server_key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    hosts = sorted({host for source in SOURCES.values() for host in source.hosts})
    names = [x509.IPAddress(ipaddress.ip_address("127.0.0.1")), x509.DNSName("localhost")]
    names += [x509.DNSName(host) for host in hosts]
    usage = {
        "content_commitment": False, "key_encipherment": False, "data_encipherment": False,
        "key_agreement": False, "encipher_only": False, "decipher_only": False,
    }  # fmt: skip
    authority = (
        begun(issuer, authority_key)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(
            x509.KeyUsage(digital_signature=False, key_cert_sign=True, crl_sign=True, **usage), critical=True
        )
        .sign(authority_key, hashes.SHA256())
    )
    server = (
        begun(named("Klimatpuls mock agencies"), server_key)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(
            x509.KeyUsage(digital_signature=True, key_cert_sign=False, crl_sign=False, **usage), critical=True
        )
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    key = server_key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    made = Certificate(authority=folder / AUTHORITY, server=folder / "mock_server.pem")
    _write(made.authority, authority.public_bytes(pem), 0o644)
    _write(made.server, server.public_bytes(pem) + key, 0o600)
    return made


def _write(path: Path, content: bytes, mode: int) -> None:
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
