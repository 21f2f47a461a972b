"""Who writes about what, and where the mail then stands."""

from dataclasses import replace

import pytest

from mail_crm_link.rules.addresses import Address
from mail_crm_link.rules.matching import Binding, Decision, Known, LeadRef, PartnerRef, Scope, decide, outstanding_deal

JANE = PartnerRef(1, "Jane Doe", "jane@acme.example", 10, "ACME", False)
MAX = PartnerRef(2, "Max Muster", "max@acme.example", 10, "ACME", False)
SOLO = PartnerRef(3, "Solo", "solo@free.example", 0, "", False)
ACME = PartnerRef(10, "ACME", "info@acme.example", 10, "ACME", True)

DESKS = LeadRef(100, "Twenty desks", "jane@acme.example", 1, True, True)
CHAIRS = LeadRef(101, "Forty chairs", "jane@acme.example", 1, True, True)
HOUSE = LeadRef(102, "Whole house", "", 10, True, True)
MAX_DEAL = LeadRef(103, "Lamps", "max@acme.example", 2, True, True)
STRANGER = LeadRef(110, "Web form", "lea@lead.example", 0, False, True)
STRANGER_TOO = LeadRef(111, "Second web form", "lea@lead.example", 0, False, True)
LOST = LeadRef(112, "Lost", "lost@lead.example", 0, True, False)
LOOSE_DEAL = LeadRef(113, "Loose deal", "loose@lead.example", 0, True, True)

ON_JANE = Binding("res.partner", 1, "address", "Address of Jane Doe")
ON_ACME = Binding("res.partner", 10, "inherited", "Company of Jane Doe")


def known(*cards: PartnerRef | LeadRef, deals: tuple[LeadRef, ...] = (), **more: object) -> Known:
    by_address: dict[str, tuple[PartnerRef | LeadRef, ...]] = {}
    for card in cards:
        by_address[card.address] = (*by_address.get(card.address, ()), card)
    open_deals: dict[int, tuple[LeadRef, ...]] = {}
    for deal in deals:
        # As the store hands them out: under the customer, and under the company of the customer.
        for partner_id in {deal.partner_id, 10} if deal.partner_id in (1, 2, 10) else {deal.partner_id}:
            open_deals[partner_id] = (*open_deals.get(partner_id, ()), deal)
    return replace(Known(by_address=by_address, open_deals=open_deals), **more)


def people(*addresses: str) -> list[Address]:
    return [Address("", address) for address in addresses]


def bound(decision: Decision) -> list[tuple[str, int, str]]:
    return [(one.model, one.id, one.origin) for one in decision.bindings]


CONTACT = [("res.partner", 1, "address"), ("res.partner", 10, "inherited")]


@pytest.mark.parametrize(
    ("participants", "facts", "expected"),
    [
        pytest.param(["solo@free.example"], known(SOLO), [("res.partner", 3, "address")], id="contact"),
        pytest.param(["jane@acme.example"], known(JANE), CONTACT, id="contact and company"),
        pytest.param(["info@acme.example"], known(ACME), [("res.partner", 10, "address")], id="company itself"),
        pytest.param(
            ["jane@acme.example", "max@acme.example"],
            known(JANE, MAX),
            [*CONTACT, ("res.partner", 2, "address")],
            id="two contacts of one company",
        ),
        pytest.param(
            ["jane@acme.example"],
            known(JANE, deals=(DESKS,)),
            [*CONTACT, ("crm.lead", 100, "address")],
            id="the only open opportunity",
        ),
        pytest.param(
            ["jane@acme.example"],
            known(JANE, DESKS, deals=(DESKS,)),
            [*CONTACT, ("crm.lead", 100, "address")],
            id="opportunity found by address and by customer",
        ),
        pytest.param(
            ["jane@acme.example"], known(JANE, deals=(MAX_DEAL,)), CONTACT, id="opportunity of a colleague is not hers"
        ),
        pytest.param(
            ["jane@acme.example"],
            known(JANE, deals=(HOUSE,)),
            [*CONTACT, ("crm.lead", 102, "address")],
            id="opportunity of the company itself",
        ),
        pytest.param(
            ["jane@acme.example"],
            known(JANE, deals=(HOUSE, DESKS)),
            [*CONTACT, ("crm.lead", 100, "address")],
            id="own opportunity before the company's",
        ),
        pytest.param(
            ["info@acme.example"],
            known(ACME, deals=(DESKS,)),
            [("res.partner", 10, "address")],
            id="opportunity of a contact is not the company mailbox's",
        ),
        pytest.param(["lea@lead.example"], known(STRANGER), [("crm.lead", 110, "address")], id="lead by address"),
        pytest.param(
            ["lea@lead.example"],
            known(STRANGER, STRANGER_TOO),
            [("crm.lead", 110, "address"), ("crm.lead", 111, "address")],
            id="every lead of one address",
        ),
        pytest.param(["lost@lead.example"], known(LOST), [], id="closed lead"),
        pytest.param(
            ["loose@lead.example"],
            known(LOOSE_DEAL),
            [("crm.lead", 113, "address")],
            id="opportunity without customer, by its address",
        ),
        pytest.param(["JANE@ACME.example"], known(JANE), CONTACT, id="case"),
        pytest.param(["jane+offers@acme.example"], known(JANE), CONTACT, id="plus sign"),
        pytest.param(
            ["jane+offers@acme.example"],
            known(JANE, replace(SOLO, address="jane+offers@acme.example")),
            [("res.partner", 3, "address")],
            id="exact address before the one without plus sign",
        ),
        pytest.param(
            ["eva@xn--bcher-kva.de"],
            known(replace(SOLO, address="eva@bücher.de")),
            [("res.partner", 3, "address")],
            id="mail in punycode, card in unicode",
        ),
        pytest.param(
            ["eva@bücher.de"],
            known(replace(SOLO, address="eva@xn--bcher-kva.de")),
            [("res.partner", 3, "address")],
            id="mail in unicode, card in punycode",
        ),
        pytest.param(
            ["solo@free.example"],
            known(SOLO, replace(SOLO, id=4)),
            [("res.partner", 3, "address"), ("res.partner", 4, "address")],
            id="duplicate contacts",
        ),
        pytest.param(["nobody@x.example"], known(JANE), [], id="unknown"),
        pytest.param([], known(JANE), [], id="nobody at all"),
    ],
)
def test_binding_by_address(participants: list[str], facts: Known, expected: list[tuple[str, int, str]]) -> None:
    decision = decide(people(*participants), "Hello", 0, facts)
    assert bound(decision) == expected
    assert decision.unbound_reason == ("" if expected else "no_match")
    assert decision.ambiguous == ()


OWN = {"own": frozenset({"me@us.example", "boss@us.example"}), "own_domains": frozenset({"corp.example"})}


@pytest.mark.parametrize(
    ("participants", "blocked", "expected", "reason"),
    [
        pytest.param(["me@us.example", "jane@acme.example"], (), CONTACT, "", id="own address is no participant"),
        pytest.param(["me@us.example", "boss@us.example"], (), [], "own", id="colleagues among themselves"),
        pytest.param(["me+tag@us.example"], (), [], "own", id="own address with a tag"),
        pytest.param(["any@corp.example", "x@mail.corp.example"], (), [], "own", id="own domain and its subdomains"),
        pytest.param(["x@notcorp.example"], (), [], "no_match", id="domain that only ends alike"),
        pytest.param(["jane@acme.example"], ("jane@acme.example",), [], "blocked", id="blocked address"),
        pytest.param(["jane@acme.example"], ("acme.example",), [], "blocked", id="blocked domain"),
        pytest.param(["jane+x@acme.example"], ("jane@acme.example",), [], "blocked", id="blocked, with a tag"),
        pytest.param(["me@us.example", "jane@acme.example"], ("acme.example",), [], "blocked", id="own and blocked"),
        pytest.param(
            ["jane@acme.example", "solo@free.example"],
            ("acme.example",),
            [("res.partner", 3, "address")],
            "",
            id="blocked beside allowed",
        ),
    ],
)
def test_own_and_blocked_addresses(
    participants: list[str], blocked: tuple[str, ...], expected: list[tuple[str, int, str]], reason: str
) -> None:
    me = PartnerRef(9, "Me", "me@us.example", 0, "", False)
    facts = replace(known(JANE, SOLO, me), **OWN, blocked=frozenset(blocked), bound={7: (ON_JANE,)})
    decision = decide(people(*participants), "Hello", 0, facts)
    assert (bound(decision), decision.unbound_reason) == (expected, reason)


@pytest.mark.parametrize("participants", [["me@us.example"], ["jane@acme.example"]], ids=["own", "blocked"])
def test_a_bound_conversation_does_not_overrule_own_and_blocked(participants: list[str]) -> None:
    facts = replace(known(JANE), **OWN, blocked=frozenset({"acme.example"}), bound={7: (ON_JANE,)})
    assert decide(people(*participants), "", 7, facts).bindings == ()


@pytest.mark.parametrize(
    ("subject", "conversation", "deal", "ambiguous"),
    [
        pytest.param("Hello", (), None, (100, 101), id="none stands out: ask"),
        pytest.param("", (), None, (100, 101), id="no subject: ask"),
        pytest.param("Re: Twenty desks", (), 100, (), id="subject is the name"),
        pytest.param("TWENTY  desks!", (), 100, (), id="but for case and punctuation"),
        pytest.param("AW: Your offer: Forty chairs, urgent", (), 101, (), id="subject contains the name"),
        pytest.param("Desks", (), 100, (), id="name contains the subject"),
        pytest.param("Des", (), None, (100, 101), id="too short to name anything"),
        pytest.param("Desks and chairs", (), None, (100, 101), id="names neither"),
        pytest.param("Twenty desks, forty chairs", (), None, (100, 101), id="names both"),
        pytest.param("Re: [#101] Twenty desks", (), 101, (), id="reference before name"),
        pytest.param("[#999] Hello", (), None, (100, 101), id="reference to something else"),
        pytest.param("[#100] [#101]", (), None, (100, 101), id="references to both"),
        pytest.param("Hello", (Binding("crm.lead", 101, "address", "r"),), 101, (), id="conversation names it"),
        pytest.param(
            "Twenty desks", (Binding("crm.lead", 101, "inherited", "r"),), 101, (), id="conversation before subject"
        ),
        pytest.param("Hello", (Binding("crm.lead", 999, "address", "r"),), None, (100, 101), id="other conversation"),
    ],
)
def test_one_of_several_open_opportunities(
    subject: str, conversation: tuple[Binding, ...], deal: int | None, ambiguous: tuple[int, ...]
) -> None:
    facts = known(JANE, deals=(DESKS, CHAIRS), bound={7: conversation})
    decision = decide(people("jane@acme.example"), subject, 7, facts)
    assert [one.id for one in decision.bindings if one.model == "crm.lead" and one.id != 999] == (
        [deal] if deal else []
    )
    assert decision.ambiguous == ambiguous
    assert bound(decision)[:2] == CONTACT


def test_another_participant_may_answer_the_question() -> None:
    shared = replace(CHAIRS, address="max@acme.example")
    facts = known(JANE, shared, deals=(DESKS, CHAIRS))
    decision = decide(people("jane@acme.example", "max@acme.example"), "Hello", 0, facts)
    assert [one.id for one in decision.bindings if one.model == "crm.lead"] == [101]
    assert decision.ambiguous == ()


def test_several_opportunities_of_the_company_are_asked_about() -> None:
    facts = known(JANE, deals=(HOUSE, replace(HOUSE, id=104, name="Garden")))
    assert decide(people("jane@acme.example"), "Hello", 0, facts).ambiguous == (102, 104)


@pytest.mark.parametrize(
    ("origin", "expected"),
    [
        ("address", [("res.partner", 1, "thread")]),
        ("thread", [("res.partner", 1, "thread")]),
        ("rule", [("res.partner", 1, "thread")]),
        ("manual", [("res.partner", 1, "thread")]),
        ("inherited", []),
    ],
)
def test_an_answer_from_an_unknown_address_follows_its_conversation(
    origin: str, expected: list[tuple[str, int, str]]
) -> None:
    facts = known(bound={7: (Binding("res.partner", 1, origin, "Address of Jane Doe"),)})  # type: ignore[arg-type]
    decision = decide(people("unknown@x.example"), "Re: Hello", 7, facts)
    assert bound(decision) == expected
    assert decide(people("unknown@x.example"), "Re: Hello", 8, facts).unbound_reason == "no_match"


def test_reasons_are_words_and_do_not_pile_up() -> None:
    facts = known(JANE, deals=(DESKS,))
    reasons = [one.reason for one in decide(people("jane@acme.example"), "", 0, facts).bindings]
    assert reasons == ["Address of Jane Doe", "Company of Jane Doe", "Open opportunity of Jane Doe"]
    thread: tuple[Binding, ...] = (ON_JANE, ON_ACME)
    for _answer in range(3):
        thread = decide(people("x@x.example"), "", 7, known(bound={7: thread})).bindings
    assert [one.reason for one in thread] == ["Answer in a bound conversation (Address of Jane Doe)"]


def test_an_address_says_more_than_the_conversation() -> None:
    facts = known(JANE, bound={7: (Binding("res.partner", 1, "manual", "By hand"),)})
    assert bound(decide(people("jane@acme.example"), "", 7, facts)) == CONTACT


@pytest.mark.parametrize(
    ("participants", "facts", "expected", "reason"),
    [
        pytest.param(
            ["jane@acme.example"],
            known(JANE, deals=(DESKS,)),
            [*CONTACT, ("crm.lead", 100, "address")],
            "",
            id="primary contact",
        ),
        pytest.param(["jane@acme.example"], known(JANE), [], "out_of_scope", id="no opportunity"),
        pytest.param(["max@acme.example"], known(MAX, deals=(DESKS,)), [], "out_of_scope", id="colleague of it"),
        pytest.param(
            ["jane@acme.example"], known(JANE, deals=(HOUSE,)), [], "out_of_scope", id="company's opportunity"
        ),
        pytest.param(["lea@lead.example"], known(STRANGER), [], "out_of_scope", id="lead"),
        pytest.param(
            ["loose@lead.example"], known(LOOSE_DEAL), [("crm.lead", 113, "address")], "", id="deal by address"
        ),
        pytest.param(["nobody@x.example"], known(), [], "no_match", id="unknown"),
        pytest.param(
            ["solo@free.example"],
            known(SOLO, bound={7: (ON_JANE,)}),
            [("res.partner", 1, "thread")],
            "",
            id="answer in a bound conversation",
        ),
    ],
)
def test_scope_of_open_deals(
    participants: list[str], facts: Known, expected: list[tuple[str, int, str]], reason: str
) -> None:
    scope: Scope = "open_deals"
    decision = decide(people(*participants), "Hello", 7, facts, scope)
    assert (bound(decision), decision.unbound_reason) == (expected, reason)


def test_five_hundred_recipients_bind_each_of_their_cards_once() -> None:
    partners = [PartnerRef(n, f"P{n}", f"p{n}@acme.example", 1000, "ACME", False) for n in range(1, 301)]
    addresses = [f"p{n}@acme.example" for n in range(1, 501)]
    decision = decide(people(*addresses, *addresses), "Hello", 0, known(*partners))
    assert len(decision.bindings) == 301
    assert len({(one.model, one.id) for one in decision.bindings}) == 301


@pytest.mark.parametrize(
    ("subject", "names", "expected"),
    [
        ("Re: a.b", ["a.b", "axb"], 0),
        ("Offer (new)", ["Offer (new)", "Offer"], 0),
        ("Projekt Größe", ["PROJEKT GRÖSSE", "x"], 0),
        ("見積書", ["見積書", "請求書"], 0),
    ],
)
def test_outstanding_deal(subject: str, names: list[str], expected: int | None) -> None:
    deals = [LeadRef(number, name, "", 1, True, True) for number, name in enumerate(names)]
    found = outstanding_deal(deals, subject)
    assert (found.id if found else None) == expected
