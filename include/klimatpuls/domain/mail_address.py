"""Mail addresses as people and settings state them: one check for all, and the form that mail servers take.

A domain with letters such as å, ä and ö is encoded by IDNA 2008 (RFC 5891). A local part with such letters
needs a server that offers SMTPUTF8 (RFC 6531). What no server takes is refused here, before anything is sent.
No error repeats the address: it may be a person's.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import idna

from klimatpuls.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_ADDRESS_BYTES: Final = 254
MAX_LOCAL_BYTES: Final = 64
"""RFC 5321, section 4.5.3.1, and its erratum 1690."""
_LOCAL_SIGNS: Final = frozenset(
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$%&'*+/=?^_`{|}~-."
)
_HOST_SIGNS: Final = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-")
_LETTERS_AND_DIGITS: Final = frozenset({"Ll", "Lu", "Lt", "Lm", "Lo", "Mn", "Mc", "Nd"})


class AddressError(UsageError):
    """A text is no mail address that can be sent to; says why, never which."""


@dataclass(frozen=True, slots=True, repr=False)
class MailAddress:
    """A mail address that a server can take; its text form in a log shows nothing of it.

    Attributes:
        local: The part before the @.
        domain: The part behind it in ASCII, small letters.
    """

    local: str
    domain: str

    def __str__(self) -> str:
        """The address as it goes over the wire."""
        return f"{self.local}@{self.domain}"

    def __repr__(self) -> str:
        """Nothing of the address."""
        return "MailAddress(<address>)"

    @property
    def needs_smtputf8(self) -> bool:
        """Whether only a server that offers SMTPUTF8 can take it."""
        return not self.local.isascii()


def parse_address(text: str, *, allow_name: bool = False) -> MailAddress:
    """The mail address that a text states.

    Args:
        text: Such as ``klimat@example.org``.
        allow_name: Whether a display name may stand before it: ``Klimat <klimat@example.org>``.

    Raises:
        AddressError: with the reason, without the address.
    """
    _check_signs(text)
    bare = text.strip()
    if allow_name and bare.endswith(">"):
        name, sign, bare = bare[:-1].rpartition("<")
        if not sign or set("<>,@") & set(name):
            msg = "more than one address, or a name that holds < > , or @"
            raise AddressError(msg)
    local, _, domain = bare.rpartition("@")
    if not local or not domain:
        msg = "an address has a part before and a part behind one @"
        raise AddressError(msg)
    local = _local_part(local)
    encoded = _domain(domain)
    if len(local.encode()) + 1 + len(encoded) > MAX_ADDRESS_BYTES:
        msg = f"the address is longer than {MAX_ADDRESS_BYTES} bytes"
        raise AddressError(msg)
    return MailAddress(local, encoded)


def parse_addresses(texts: str | Sequence[str]) -> tuple[MailAddress, ...]:
    """The addresses of a setting that may hold several, each once, in the order stated.

    Args:
        texts: A list, or one text with commas or semicolons between the addresses; display names may stand
            before them.

    Raises:
        AddressError: if there is none, or one is wrong: all are refused then, with the place of that one.
    """
    parts = texts.replace(";", ",").split(",") if isinstance(texts, str) else list(texts)
    found: dict[str, MailAddress] = {}
    stated = [part for part in parts if not isinstance(part, str) or part.strip(" ")]
    for number, part in enumerate(stated, start=1):
        try:
            address = parse_address(part, allow_name=True)
        except AddressError as error:
            msg = f"address {number} of {len(stated)}: {error}" if len(stated) > 1 else str(error)
            raise AddressError(msg) from None
        found.setdefault(str(address).casefold(), address)
    if not found:
        msg = "no address is given"
        raise AddressError(msg)
    return tuple(found.values())


def _check_signs(text: object) -> None:
    if not isinstance(text, str):
        msg = f"an address is a text, found {type(text).__name__}"
        raise AddressError(msg)
    if len(text) > 4 * MAX_ADDRESS_BYTES:
        msg = f"the address is longer than {MAX_ADDRESS_BYTES} bytes"
        raise AddressError(msg)
    if not text.isprintable():
        msg = "it holds a line break, a tab, a no-break space or another invisible character"
        raise AddressError(msg)


def _local_part(text: str) -> str:
    if '"' in text:
        msg = "a quoted part before the @ is not supported"
        raise AddressError(msg)
    local = unicodedata.normalize("NFC", text)
    strange = {
        sign
        for sign in local
        if sign not in _LOCAL_SIGNS
        and (sign.isascii() or unicodedata.category(sign) not in _LETTERS_AND_DIGITS)
    }
    if strange:
        signs = " ".join("a blank" if sign == " " else sign for sign in sorted(strange))
        msg = f"the part before the @ holds {signs}"
        raise AddressError(msg)
    if local.startswith(".") or local.endswith(".") or ".." in local:
        msg = "the part before the @ begins or ends with a dot, or has two in a row"
        raise AddressError(msg)
    if len(local.encode()) > MAX_LOCAL_BYTES:
        msg = f"the part before the @ is longer than {MAX_LOCAL_BYTES} bytes"
        raise AddressError(msg)
    return local


def _domain(text: str) -> str:
    if text.endswith("."):
        msg = "the domain ends with a dot"
        raise AddressError(msg)
    if text.startswith("["):
        msg = "an IP address in place of a domain is not supported"
        raise AddressError(msg)
    try:
        encoded = idna.encode(text, uts46=True).decode("ascii").casefold()
    except UnicodeError as error:
        # Its words quote the domain, and a log would show them.
        msg = f"the domain cannot be encoded ({type(error).__name__}): a part is empty, too long or no name"
        raise AddressError(msg) from None
    labels = encoded.split(".")
    is_host = all(
        label and _HOST_SIGNS.issuperset(label) and not label.startswith("-") and not label.endswith("-")
        for label in labels
    )
    if not is_host or labels[-1].isdigit() or (len(labels) == 1 and encoded != "localhost"):
        msg = "the domain is no name such as example.org"
        raise AddressError(msg)
    return encoded
