"""Which records a mail makes, and why it makes none.

    inbound, sender unknown ─► "inbound_unknown"  ┐    received before the scenario ─► "history"
    inbound, sender known ───► "inbound_known"    ├─►  written by a program         ─► "automatic"
    outbound, each unknown ──► "outbound_unknown" ┘    address of a function        ─► "role"
    address of To and Cc                               in a known conversation      ─► "conversation"
                                                       contact with an open deal    ─► "open_deal"
                                                       the card is there already    ─► "exists"
                                                       else                         ─► a record

A mail is judged once, when it is new. Of mails that arrive together, the first makes the record.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from .addresses import Address, is_blocked
from .automatic import NOT_AUTOMATIC, Verdict, is_role_address
from .matching import Card, Known, LeadRef, PartnerRef, is_own, known_cards, open_deals
from .naming import person_name, record_name

ScenarioName = Literal["inbound_unknown", "outbound_unknown", "inbound_known"]
Target = Literal["lead", "opportunity", "contact", "company"]
Naming = Literal["auto", "subject"]
SkipReason = Literal[
    "", "own", "blocked", "off", "history", "automatic", "role", "conversation", "open_deal", "exists", "created_before"
]

_PEOPLE: frozenset[Target] = frozenset({"contact", "company"})


@dataclass(frozen=True, slots=True)
class Scenario:
    """One active rule of a mailbox.

    :param naming: "auto" names contacts and companies after the person, "subject" everything after the subject
    :param skip_if_open_deal: make nothing for a contact that has an open opportunity (or an open lead of its address)
    :param since: aware; mail received before it never makes anything
    :param skip_roles: make nothing for addresses of functions ("info@", "sales@")
    """

    scenario: ScenarioName
    target: Target
    naming: Naming
    skip_automatic: bool
    skip_if_open_deal: bool
    since: datetime
    skip_roles: bool = False


@dataclass(frozen=True, slots=True)
class Conversation:
    """What was so before this mail: whether its conversation is bound to a card, made a record, or has older mail.

    :param id: 0 where it has none
    """

    id: int = 0
    bound: bool = False
    created: bool = False
    older: bool = False

    @property
    def known(self) -> bool:
        return self.bound or self.created or self.older


@dataclass(frozen=True, slots=True)
class NewMail:
    """A mail as far as creation looks at it.

    :param recipients: To and Cc; Bcc never makes anything
    :param received: the server's date, aware
    :param phone: "" unless header or signature state it beyond doubt, as is ``company``
    """

    direction: Literal["in", "out"]
    subject: str
    sender: Address | None
    recipients: tuple[Address, ...]
    received: datetime
    verdict: Verdict = NOT_AUTOMATIC
    conversation: Conversation = Conversation()
    phone: str = ""
    company: str = ""


@dataclass(frozen=True, slots=True)
class Creation:
    """One record to make, or with a ``skip_reason`` one not to make.

    :param scenario: the scenario that applies; None where none is active for this correspondent
    :param partner_id: the known contact an opportunity belongs to, else 0
    """

    scenario: ScenarioName | None
    target: Target | None
    name: str
    address: str
    contact_name: str = ""
    phone: str = ""
    company_name: str = ""
    partner_id: int = 0
    skip_reason: SkipReason = ""


def decide_creation(mail: NewMail, known: Known, scenarios: Iterable[Scenario]) -> tuple[Creation, ...]:
    """What ``mail`` makes: one entry for each correspondent, made or skipped; () for a mail without any."""
    active = {scenario.scenario: scenario for scenario in scenarios}
    return tuple(_judge(correspondent, mail, known, active) for correspondent in _correspondents(mail))


def decide_creations(
    mails: Sequence[NewMail], known: Known, scenarios: Sequence[Scenario]
) -> list[tuple[Creation, ...]]:
    """``decide_creation`` for mails that arrived together, oldest first: one record an address and a conversation."""
    addresses: set[str] = set()
    conversations: set[int] = set()
    decided: list[tuple[Creation, ...]] = []
    for mail in mails:
        again = mail.conversation.id in conversations
        creations = tuple(_once(one, again, addresses) for one in decide_creation(mail, known, scenarios))
        made = [one for one in creations if not one.skip_reason]
        addresses.update(one.address for one in made)
        if made and mail.conversation.id:
            conversations.add(mail.conversation.id)
        decided.append(creations)
    return decided


def card_name(target: Target, naming: Naming, subject: str, address: Address) -> str:
    """The name of a new card: the person's for contacts and companies, else the subject; the address if all fails."""
    person = person_name(address)
    if naming == "auto" and target in _PEOPLE and person:
        return person
    return record_name(subject, person or address.email)


def _once(creation: Creation, conversation_made: bool, addresses: set[str]) -> Creation:
    if not creation.skip_reason and (conversation_made or creation.address in addresses):
        return replace(creation, skip_reason="created_before")
    return creation


def _correspondents(mail: NewMail) -> Iterator[Address]:
    if mail.direction == "out":
        yield from mail.recipients
    elif mail.sender:
        yield mail.sender


def _judge(correspondent: Address, mail: NewMail, known: Known, active: dict[ScenarioName, Scenario]) -> Creation:
    if is_own(correspondent.email, known):
        return _skipped(correspondent, "own")
    if is_blocked(correspondent.email, known.blocked):
        return _skipped(correspondent, "blocked")
    cards = known_cards(correspondent.email, known)
    scenario = active.get(_scenario_name(mail, cards))
    if scenario is None or (mail.direction == "out" and cards):
        return _skipped(correspondent, "off")
    creation = _creation(correspondent, mail, scenario, cards)
    return replace(creation, skip_reason=_skip_reason(correspondent, mail, scenario, cards, known))


def _scenario_name(mail: NewMail, cards: Sequence[Card]) -> ScenarioName:
    if mail.direction == "out":
        return "outbound_unknown"
    return "inbound_known" if cards else "inbound_unknown"


def _skip_reason(
    correspondent: Address, mail: NewMail, scenario: Scenario, cards: Sequence[Card], known: Known
) -> SkipReason:
    reasons: tuple[tuple[SkipReason, bool], ...] = (
        ("history", mail.received < scenario.since),
        ("automatic", scenario.skip_automatic and mail.verdict.kind != "none"),
        ("role", scenario.skip_roles and is_role_address(correspondent.email)),
        ("conversation", mail.conversation.known),
        ("open_deal", scenario.skip_if_open_deal and _has_open_deal(cards, known)),
        ("exists", scenario.target in _PEOPLE and any(isinstance(card, PartnerRef) for card in cards)),
    )
    return next((reason for reason, applies in reasons if applies), "")


def _has_open_deal(cards: Sequence[Card], known: Known) -> bool:
    # An open lead of the address is a deal nobody has qualified yet.
    return any(isinstance(card, LeadRef) and card.open for card in cards) or bool(open_deals(cards, known))


def _creation(correspondent: Address, mail: NewMail, scenario: Scenario, cards: Sequence[Card]) -> Creation:
    partner = next((card for card in cards if isinstance(card, PartnerRef)), None)
    # Phone and company in a mail are its sender's, who is the correspondent of received mail only.
    phone, company = (mail.phone, mail.company) if mail.direction == "in" else ("", "")
    return Creation(
        scenario=scenario.scenario,
        target=scenario.target,
        name=card_name(scenario.target, scenario.naming, mail.subject, correspondent),
        address=correspondent.email,
        contact_name=person_name(correspondent),
        phone=phone,
        company_name=partner.company_name if partner and partner.company_name else company,
        partner_id=partner.id if partner else 0,
    )


def _skipped(correspondent: Address, reason: SkipReason) -> Creation:
    return Creation(None, None, "", correspondent.email, skip_reason=reason)
