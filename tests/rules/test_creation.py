"""What mail makes of correspondents (the three scenarios), and what it must not make."""

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from mail_crm_link.rules.addresses import Address
from mail_crm_link.rules.automatic import Verdict
from mail_crm_link.rules.creation import Conversation, Creation, NewMail, Scenario, decide_creation, decide_creations
from mail_crm_link.rules.matching import Known, LeadRef, PartnerRef

NOW = datetime(2026, 3, 3, 12, tzinfo=timezone.utc)
SINCE = NOW - timedelta(days=1)
INBOUND_UNKNOWN = Scenario("inbound_unknown", "lead", "auto", True, True, SINCE)
OUTBOUND_UNKNOWN = Scenario("outbound_unknown", "contact", "auto", True, True, SINCE)
INBOUND_KNOWN = Scenario("inbound_known", "opportunity", "auto", True, True, SINCE)
ALL = (INBOUND_UNKNOWN, OUTBOUND_UNKNOWN, INBOUND_KNOWN)

EVA = Address("Schmidt, Eva", "eva@new.example")
JANE = PartnerRef(1, "Jane Doe", "jane@acme.example", 10, "ACME", False)
DEAL = LeadRef(100, "Desks", "", 1, True, True)
LEAD = LeadRef(110, "Web form", "lea@lead.example", 0, False, True)
KNOWN = Known(
    by_address={
        "jane@acme.example": (JANE,),
        "lea@lead.example": (LEAD,),
        "lost@lead.example": (replace(LEAD, open=False),),
    },
    own=frozenset({"me@us.example"}),
    own_domains=frozenset({"corp.example"}),
    blocked=frozenset({"spam.example"}),
)


def received(sender: Address | None = EVA, **changes: Any) -> NewMail:
    mail = NewMail("in", "Re: Offer", sender, (Address("", "me@us.example"),), NOW)
    return replace(mail, **changes)


def sent(*recipients: str, **changes: Any) -> NewMail:
    to = tuple(Address("", address) for address in recipients)
    return replace(NewMail("out", "Offer", Address("", "me@us.example"), to, NOW), **changes)


def made(mail: NewMail, known: Known = KNOWN, scenarios: tuple[Scenario, ...] = ALL) -> list[str]:
    """What is made, or why not, for each correspondent."""
    return [one.skip_reason or str(one.target) for one in decide_creation(mail, known, scenarios)]


def sender(address: str) -> Address:
    return Address("", address)


@pytest.mark.parametrize(
    ("mail", "expected"),
    [
        pytest.param(received(), ["lead"], id="from unknown"),
        pytest.param(received(sender("jane@acme.example")), ["opportunity"], id="from a known contact"),
        pytest.param(received(sender("lea@lead.example")), ["open_deal"], id="from an open lead"),
        pytest.param(received(sender("lost@lead.example")), ["opportunity"], id="from a lost lead"),
        pytest.param(received(sender("me@us.example")), ["own"], id="from oneself"),
        pytest.param(received(sender("boss@corp.example")), ["own"], id="from the own domain"),
        pytest.param(received(sender("x@mail.spam.example")), ["blocked"], id="from a blocked domain"),
        pytest.param(received(None), [], id="from nobody"),
        pytest.param(sent("a@new.example"), ["contact"], id="to unknown"),
        pytest.param(sent("a@new.example", "b@new.example"), ["contact"] * 2, id="to two unknown: one each"),
        pytest.param(sent("jane@acme.example", "a@new.example"), ["off", "contact"], id="to known and unknown"),
        pytest.param(sent("me@us.example", "a@spam.example"), ["own", "blocked"], id="to oneself and blocked"),
        pytest.param(sent(), [], id="to nobody"),
    ],
)
def test_who_makes_what(mail: NewMail, expected: list[str]) -> None:
    assert made(mail) == expected


@pytest.mark.parametrize(
    ("changes", "scenario", "expected"),
    [
        pytest.param({}, {}, "lead", id="control"),
        pytest.param({"received": SINCE - timedelta(seconds=1)}, {}, "history", id="older than the scenario"),
        pytest.param({"received": SINCE}, {}, "lead", id="at the moment it was switched on"),
        pytest.param({"verdict": Verdict("bulk", "List-ID header")}, {}, "automatic", id="newsletter"),
        pytest.param({"verdict": Verdict("bulk", "x")}, {"skip_automatic": False}, "lead", id="newsletter, allowed"),
        pytest.param({"conversation": Conversation(7)}, {}, "lead", id="first of its conversation"),
        pytest.param({"conversation": Conversation(7, bound=True)}, {}, "conversation", id="bound conversation"),
        pytest.param({"conversation": Conversation(7, created=True)}, {}, "conversation", id="made a record before"),
        pytest.param({"conversation": Conversation(7, older=True)}, {}, "conversation", id="answer"),
        pytest.param({"sender": sender("info@new.example")}, {}, "lead", id="role address"),
        pytest.param(
            {"sender": sender("info@new.example")}, {"skip_roles": True}, "role", id="role address, not wanted"
        ),
        pytest.param({}, {"target": "contact"}, "contact", id="other target"),
    ],
)
def test_what_keeps_a_scenario_from_making(changes: dict[str, Any], scenario: dict[str, Any], expected: str) -> None:
    assert made(received(**changes), scenarios=(replace(INBOUND_UNKNOWN, **scenario),)) == [expected]


@pytest.mark.parametrize(
    ("deals", "scenario", "expected"),
    [
        pytest.param({}, {}, "opportunity", id="no open opportunity"),
        pytest.param({1: (DEAL,)}, {}, "open_deal", id="open opportunity"),
        pytest.param({1: (DEAL,)}, {"skip_if_open_deal": False}, "opportunity", id="open opportunity, allowed"),
        pytest.param({10: (replace(DEAL, partner_id=10),)}, {}, "open_deal", id="open opportunity of the company"),
        pytest.param({10: (replace(DEAL, partner_id=2),)}, {}, "opportunity", id="open opportunity of a colleague"),
        pytest.param({}, {"target": "contact"}, "exists", id="contact is there already"),
        pytest.param({}, {"target": "lead"}, "lead", id="lead for a contact"),
    ],
)
def test_from_a_known_contact(deals: dict[int, tuple[LeadRef, ...]], scenario: dict[str, Any], expected: str) -> None:
    mail = received(sender("jane@acme.example"))
    facts = replace(KNOWN, open_deals=deals)
    assert made(mail, facts, (replace(INBOUND_KNOWN, **scenario),)) == [expected]


@pytest.mark.parametrize("scenario", [INBOUND_UNKNOWN, OUTBOUND_UNKNOWN, INBOUND_KNOWN], ids=lambda one: one.scenario)
def test_a_scenario_that_is_off_makes_nothing(scenario: Scenario) -> None:
    others = tuple(one for one in ALL if one is not scenario)
    mails = {"inbound_unknown": received(), "outbound_unknown": sent("a@new.example")}
    mail = mails.get(scenario.scenario, received(sender("jane@acme.example")))
    assert made(mail, scenarios=others) == ["off"]


@pytest.mark.parametrize(
    ("target", "naming", "name", "subject", "expected"),
    [
        ("lead", "auto", "Schmidt, Eva", "Re: Offer", "Offer"),
        ("opportunity", "auto", "Schmidt, Eva", "Re: Offer", "Offer"),
        ("contact", "auto", "Schmidt, Eva", "Re: Offer", "Eva Schmidt"),
        ("company", "auto", "ACME GmbH", "Re: Offer", "ACME GmbH"),
        ("contact", "subject", "Schmidt, Eva", "Re: Offer", "Offer"),
        ("contact", "auto", "", "Re: Offer", "Offer"),
        ("lead", "auto", "Schmidt, Eva", "Re: ", "Eva Schmidt"),
        ("lead", "auto", "", "", "eva@new.example"),
        ("contact", "auto", "eva@new.example", "", "eva@new.example"),
    ],
)
def test_names(target: Any, naming: Any, name: str, subject: str, expected: str) -> None:
    mail = received(Address(name, "eva@new.example"), subject=subject)
    [creation] = decide_creation(mail, KNOWN, [replace(INBOUND_UNKNOWN, target=target, naming=naming)])
    assert creation.name == expected


def test_a_lead_carries_what_the_mail_states() -> None:
    mail = received(phone="+49 30 1234567", company="New GmbH")
    assert decide_creation(mail, KNOWN, ALL) == (
        Creation("inbound_unknown", "lead", "Offer", "eva@new.example", "Eva Schmidt", "+49 30 1234567", "New GmbH"),
    )


def test_an_opportunity_is_the_known_contacts() -> None:
    [creation] = decide_creation(received(Address("", "jane@acme.example"), company="Other"), KNOWN, ALL)
    assert (creation.partner_id, creation.company_name) == (1, "ACME")


def test_what_a_sent_mail_states_is_not_its_recipients() -> None:
    [creation] = decide_creation(sent("a@new.example", phone="1", company="Us"), KNOWN, ALL)
    assert (creation.phone, creation.company_name) == ("", "")


@pytest.mark.parametrize(
    ("mails", "expected"),
    [
        pytest.param([received(), received()], ["lead", "created_before"], id="two mails of one unknown sender"),
        pytest.param(
            [received(conversation=Conversation(7)), received(sender("b@new.example"), conversation=Conversation(7))],
            ["lead", "created_before"],
            id="two senders in one conversation",
        ),
        pytest.param([received(), received(sender("b@new.example"))], ["lead", "lead"], id="two conversations"),
        pytest.param(
            [sent("eva@new.example"), received()], ["contact", "created_before"], id="written to, then answered"
        ),
        pytest.param(
            [received(verdict=Verdict("bulk", "x")), received()],
            ["automatic", "lead"],
            id="skipped mail makes no claim",
        ),
    ],
)
def test_once_a_correspondent_and_a_conversation(mails: list[NewMail], expected: list[str]) -> None:
    decided = decide_creations(mails, KNOWN, ALL)
    assert [one.skip_reason or one.target for creations in decided for one in creations] == expected


def test_recipients_of_one_mail_are_each_made() -> None:
    mail = sent("a@new.example", "b@new.example", conversation=Conversation(7))
    [creations] = decide_creations([mail], KNOWN, ALL)
    assert [one.target for one in creations if not one.skip_reason] == ["contact", "contact"]
