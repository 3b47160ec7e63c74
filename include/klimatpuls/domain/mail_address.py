"""Checks mail addresses and gives them the form that mail servers take.

A domain with letters such as å, ä and ö is encoded by IDNA 2008 (RFC 5891). A local part with such letters
needs a server that offers SMTPUTF8 (RFC 6531). Addresses that no server takes are refused here, before
anything is sent. No error repeats the address: it may be a person's.
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
    """The text is no mail address; the message gives the reason, never the address."""


@dataclass(frozen=True, slots=True, repr=False)
class MailAddress:
    """A valid mail address; its ``repr`` in a log hides it.

    Attributes:
        local: The part before the @.
        domain: The part after the @, ASCII, lower case.
    """

    local: str
    domain: str

    def __str__(self) -> str:
        """The address as it is sent."""
        return f"{self.local}@{self.domain}"

    def __repr__(self) -> str:
        """A text that hides the address."""
        return "MailAddress(<address>)"

    @property
    def needs_smtputf8(self) -> bool:
        """Whether only a server that offers SMTPUTF8 can take it."""
        return not self.local.isascii()


def parse_address(text: str, *, allow_name: bool = False) -> MailAddress:
    """Parse a mail address.

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
    """Parse a setting with one or more addresses; each once, in the order given.

    Args:
        texts: A list, or one text with commas or semicolons between the addresses, each with or without a
            display name.

    Raises:
        AddressError: if there is none, or one is wrong: then all are refused, with the position of that one.
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
        # The message quotes the domain, and a log would show it.
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
