"""Mail addresses as people state them: what a server can take, and why another one is refused."""

from __future__ import annotations

import pytest

from klimatpuls.domain.mail_address import AddressError, parse_address, parse_addresses

OREBRO = "örebro.example".encode("idna").decode()
"""As the library of the language encodes it, by the older rules, which agree here."""


@pytest.mark.parametrize(
    ("stated", "sent", "needs_smtputf8"),
    [
        ("klimat@example.org", "klimat@example.org", False),
        (" klimat+x.y_z@Example.ORG ", "klimat+x.y_z@example.org", False),
        ("klimat@örebro.example", f"klimat@{OREBRO}", False),
        (f"klimat@{OREBRO}", f"klimat@{OREBRO}", False),
        ("klimat@o\u0308rebro.example", f"klimat@{OREBRO}", False),
        ("miljö@example.org", "miljö@example.org", True),
        ("miljo\u0308@örebro.example", f"miljö@{OREBRO}", True),
        ("root@localhost", "root@localhost", False),
        (f"{'a' * 64}@example.org", f"{'a' * 64}@example.org", False),
    ],
)
def test_an_address_is_brought_into_the_form_a_server_takes(
    stated: str, sent: str, needs_smtputf8: bool
) -> None:
    address = parse_address(stated)
    assert str(address) == sent
    assert address.needs_smtputf8 is needs_smtputf8
    assert parse_address(str(address)) == address


@pytest.mark.parametrize(
    ("stated", "reason"),
    [
        ("nobody", "one @"),
        ("@example.org", "one @"),
        ("anna@", "one @"),
        ("anna@ex@example.org", "holds @"),
        ("anna ek@example.org", "holds a blank"),
        ('"anna ek"@example.org', "quoted"),
        ("anna(ek)@example.org", "holds"),
        ("anna@example.org\nBcc: eva@example.org", "line break"),
        ("anna@example.org\r", "line break"),
        ("anna\x00@example.org", "invisible"),
        ("anna\u00a0@example.org", "no-break space"),
        ("anna\u200b@example.org", "invisible"),
        ("anna…@example.org", "holds …"),
        (".anna@example.org", "begins or ends with a dot"),
        ("anna.@example.org", "begins or ends with a dot"),
        ("anna..ek@example.org", "two in a row"),
        ("anna@example.org.", "ends with a dot"),
        ("anna@example..org", "cannot be encoded"),
        ("anna@-example.org", "cannot be encoded"),
        ("anna@exa_mple.org", "cannot be encoded"),
        ("anna@exa mple.org", "cannot be encoded"),
        ("anna@example", "no name such as example.org"),
        ("anna@192.0.2.1", "no name such as example.org"),
        ("anna@[192.0.2.1]", "IP address"),
        (f"{'a' * 65}@example.org", "longer than 64 bytes"),
        (f"{'ö' * 33}@example.org", "longer than 64 bytes"),
        (f"anna@{'a' * 64}.org", "cannot be encoded"),
        (f"anna@{'a.' * 124}se", "longer than 254 bytes"),
        ("a" * 5000, "longer than 254 bytes"),
        ("Anna Ek <anna@example.org>", "before the @ holds"),
        ("<anna@example.org>", "before the @ holds"),
    ],
)
def test_what_no_server_takes_is_refused_with_the_reason_and_not_repeated(stated: str, reason: str) -> None:
    with pytest.raises(AddressError, match=reason) as caught:
        parse_address(stated)
    message = str(caught.value)
    assert "anna" not in message
    assert "exa" not in message.replace("example.org", "")
    assert caught.value.__cause__ is None, "a log would show the cause"


def test_a_name_before_the_address_is_taken_off_where_it_may_stand() -> None:
    assert (
        str(parse_address("Klimat och miljö <klimat@example.org>", allow_name=True)) == "klimat@example.org"
    )
    for stated in ("a@b.se <klimat@example.org>", "klimat@example.org>", "<<klimat@example.org>"):
        with pytest.raises(AddressError):
            parse_address(stated, allow_name=True)


@pytest.mark.parametrize(
    "stated",
    [
        "a@example.org, b@örebro.example;c@example.org",
        "A <a@example.org>; B <b@örebro.example>;; c@example.org; A@EXAMPLE.org,",
        ["a@example.org", "b@örebro.example", "c@example.org"],
    ],
)
def test_several_addresses_are_all_taken_each_once(stated: str | list[str]) -> None:
    assert list(map(str, parse_addresses(stated))) == [
        "a@example.org",
        f"b@{OREBRO}",
        "c@example.org",
    ]


def test_one_wrong_address_refuses_them_all() -> None:
    with pytest.raises(AddressError, match=r"address 2 of 3: .* holds a blank"):
        parse_addresses("a@example.org, anna ek@example.org, c@example.org")
    for nothing in ("", " , ; ", []):
        with pytest.raises(AddressError, match="no address is given"):
            parse_addresses(nothing)
    with pytest.raises(AddressError, match="found int"):
        parse_addresses([1])  # type: ignore[list-item]


def test_no_log_shows_an_address() -> None:
    assert "anna" not in repr(parse_addresses("anna@example.org"))
