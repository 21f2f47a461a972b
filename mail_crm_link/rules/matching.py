"""To which cards a mail is bound, and why.

    participants ─► own, colleagues dropped ─► blocked dropped ─► by address: contact, its company, its open deal, leads
                      all own: "own"             none left:        └► several deals: conversation, reference, subject,
                                                 "blocked"             or ask
    conversation ─────────────────────────────────────────────► where it is bound already

All lookups were done by the caller, once for a whole page; nothing here knows where they came from.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from .addresses import Address, is_blocked, match_keys
from .naming import clean_subject

Model = Literal["crm.lead", "res.partner"]
Origin = Literal["address", "thread", "rule", "inherited", "manual"]
Scope = Literal["all", "open_deals"]
UnboundReason = Literal["", "own", "blocked", "automatic", "no_match", "out_of_scope"]

# A company follows from its contact every time anew, so a conversation does not hand it on by itself.
_HANDED_ON: frozenset[Origin] = frozenset({"address", "thread", "rule", "manual"})
# "Re: Hi" names no opportunity, whatever its name contains.
_SHORTEST_NAME = 5

_NO_WORD = re.compile(r"\W+")
_REFERENCE = re.compile(r"\[#(\d{1,9})\]")


@dataclass(frozen=True, slots=True)
class PartnerRef:
    """A contact or company. ``company_id``: its commercial partner, 0 where it has none."""

    id: int
    name: str
    address: str
    company_id: int
    company_name: str
    is_company: bool


@dataclass(frozen=True, slots=True)
class LeadRef:
    """A lead or opportunity. ``partner_id``: its customer, 0 where it has none; ``open``: neither won nor lost."""

    id: int
    name: str
    address: str
    partner_id: int
    is_opportunity: bool
    open: bool


Card = PartnerRef | LeadRef


@dataclass(frozen=True, slots=True)
class Binding:
    """One card a mail is bound to, and why (English, for people)."""

    model: Model
    id: int
    origin: Origin
    reason: str


@dataclass(frozen=True, slots=True)
class Known:
    """What the database knows about a page of mails.

    :param by_address: normalised address → the cards that have it
    :param open_deals: partner id → open opportunities of the partner, and of its contacts where it is a company
    :param bound: conversation id → where its mails are bound
    :param own: normalised addresses of the mailboxes, their aliases, and colleagues
    :param own_domains: domains all of whose addresses are own, with their subdomains
    :param blocked: normal forms of the blocklists' entries
    """

    by_address: Mapping[str, tuple[Card, ...]] = field(default_factory=dict)
    open_deals: Mapping[int, tuple[LeadRef, ...]] = field(default_factory=dict)
    bound: Mapping[int, tuple[Binding, ...]] = field(default_factory=dict)
    own: frozenset[str] = frozenset()
    own_domains: frozenset[str] = frozenset()
    blocked: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Decision:
    """Where a mail belongs.

    :param bindings: each card once
    :param unbound_reason: "" where there are bindings
    :param ambiguous: ids of opportunities of which one may be meant, for a person to choose
    """

    bindings: tuple[Binding, ...]
    unbound_reason: UnboundReason = ""
    ambiguous: tuple[int, ...] = ()


def decide(
    header_participants: Sequence[Address], subject: str, conversation_id: int, known: Known, scope: Scope = "all"
) -> Decision:
    """Where the mail of these participants (From, To, Cc) in this conversation is bound.

    :param conversation_id: 0 where it has none yet
    :param scope: "open_deals" binds by address only the primary contacts of open opportunities
    """
    foreign = [one for one in header_participants if not is_own(one.email, known)]
    if header_participants and not foreign:
        return Decision((), "own")
    allowed = [one for one in foreign if not is_blocked(one.email, known.blocked)]
    if foreign and not allowed:
        return Decision((), "blocked")
    choice = _Choice(subject, known.bound.get(conversation_id, ()))
    out_of_scope = False
    for participant in allowed:
        cards = known_cards(participant.email, known)
        in_scope = cards if scope == "all" else tuple(card for card in cards if _has_open_deal(card, known))
        out_of_scope = out_of_scope or len(in_scope) < len(cards)
        _bind_cards(in_scope, known, choice)
    choice.follow_conversation()
    bindings = tuple(choice.bindings.values())
    reason: UnboundReason = "" if bindings else "out_of_scope" if out_of_scope else "no_match"
    return Decision(bindings, reason, choice.open_questions())


def is_own(address: str, known: Known) -> bool:
    """Whether ``address`` belongs to a connected mailbox, a colleague or an own domain."""
    if any(key in known.own for key in match_keys(address)):
        return True
    return bool(known.own_domains) and bool(is_blocked(address, known.own_domains))


def known_cards(address: str, known: Known) -> tuple[Card, ...]:
    """The cards that have ``address``, by the most exact form of it that any card has."""
    return next((known.by_address[key] for key in match_keys(address) if key in known.by_address), ())


def open_deals(cards: Sequence[Card], known: Known) -> list[LeadRef]:
    """The open opportunities of one correspondent's cards; those of the company only where there are no others."""
    partners = [card for card in cards if isinstance(card, PartnerRef)]
    addressed = [card for card in cards if isinstance(card, LeadRef) and card.open and card.is_opportunity]
    return _own_deals(partners, addressed, known) or _company_deals(partners, known)


class _Choice:
    """What was found so far for one mail."""

    def __init__(self, subject: str, conversation: Sequence[Binding]) -> None:
        self.subject = subject
        self.conversation = conversation
        self.bindings: dict[tuple[Model, int], Binding] = {}
        self._asked: list[list[LeadRef]] = []

    def bind(self, model: Model, record_id: int, origin: Origin, reason: str) -> None:
        self.bindings.setdefault((model, record_id), Binding(model, record_id, origin, reason))

    def bind_deal(self, deals: list[LeadRef], reason: str) -> None:
        """Bind the one of several open opportunities that stands out, or remember to ask."""
        if self._conversation_names(deals):
            return
        deal = deals[0] if len(deals) == 1 else outstanding_deal(deals, self.subject)
        if deal:
            self.bind("crm.lead", deal.id, "address", reason)
        else:
            self._asked.append(deals)

    def follow_conversation(self) -> None:
        for binding in self.conversation:
            if binding.origin in _HANDED_ON:
                self.bind(binding.model, binding.id, "thread", _answer_reason(binding))

    def open_questions(self) -> tuple[int, ...]:
        """The opportunities nobody decided between; one that is bound in the end answers its question."""
        open_ = [deals for deals in self._asked if not any(("crm.lead", deal.id) in self.bindings for deal in deals)]
        return tuple(dict.fromkeys(deal.id for deals in open_ for deal in deals))

    def _conversation_names(self, deals: list[LeadRef]) -> bool:
        """Bind the opportunities the conversation is bound to already, if there are any among ``deals``."""
        bound = {binding.id: binding for binding in self.conversation if binding.model == "crm.lead"}
        named = [bound[deal.id] for deal in deals if deal.id in bound]
        for binding in named:
            self.bind("crm.lead", binding.id, "thread", _answer_reason(binding))
        return bool(named)


def outstanding_deal(deals: Iterable[LeadRef], subject: str) -> LeadRef | None:
    """The only opportunity that ``subject`` names: by its reference "[#id]", by its name, or by a part of it."""
    deals = list(deals)
    references = {int(number) for number in _REFERENCE.findall(subject)}
    title = _words(_REFERENCE.sub(" ", subject))
    names = {deal.id: _words(deal.name) for deal in deals}
    for named in (
        [deal for deal in deals if deal.id in references],
        [deal for deal in deals if title and names[deal.id] == title],
        [deal for deal in deals if _contains(names[deal.id], title) or _contains(title, names[deal.id])],
    ):
        if named:
            return named[0] if len(named) == 1 else None
    return None


def _bind_cards(cards: Sequence[Card], known: Known, choice: _Choice) -> None:
    partners = [card for card in cards if isinstance(card, PartnerRef)]
    leads = [card for card in cards if isinstance(card, LeadRef) and card.open]
    for partner in partners:
        choice.bind("res.partner", partner.id, "address", f"Address of {partner.name}")
    for partner in partners:
        if partner.company_id and partner.company_id != partner.id:
            choice.bind("res.partner", partner.company_id, "inherited", f"Company of {partner.name}")
    for lead in leads:
        if not lead.is_opportunity:
            choice.bind("crm.lead", lead.id, "address", f"Address of {lead.name}")
    _bind_deals(partners, [lead for lead in leads if lead.is_opportunity], known, choice)


def _bind_deals(partners: Sequence[PartnerRef], addressed: Sequence[LeadRef], known: Known, choice: _Choice) -> None:
    own = _own_deals(partners, addressed, known)
    shared = [] if own else _company_deals(partners, known)
    if not own and not shared:
        return
    names = {partner.id: partner.name for partner in partners}
    names |= {partner.company_id: partner.company_name for partner in partners if partner.company_id not in names}
    owner = next((names[deal.partner_id] for deal in own or shared if deal.partner_id in names), "")
    choice.bind_deal(own or shared, f"Open opportunity of {owner}" if owner else f"Address of {own[0].name}")


def _own_deals(partners: Sequence[PartnerRef], addressed: Sequence[LeadRef], known: Known) -> list[LeadRef]:
    """Open opportunities that have the address themselves, or whose customer is one of ``partners``."""
    return _unique([*addressed, *_deals_of({partner.id for partner in partners}, known)])


def _company_deals(partners: Sequence[PartnerRef], known: Known) -> list[LeadRef]:
    """Open opportunities whose customer is the company of ``partners`` itself."""
    return _unique(_deals_of({partner.company_id for partner in partners if partner.company_id}, known))


def _deals_of(partner_ids: set[int], known: Known) -> Iterator[LeadRef]:
    # Under a company stand the opportunities of all its contacts, too: those are not everybody's.
    for partner_id in sorted(partner_ids):
        for deal in known.open_deals.get(partner_id, ()):
            if deal.partner_id == partner_id:
                yield deal


def _has_open_deal(card: Card, known: Known) -> bool:
    if isinstance(card, LeadRef):
        return card.open and card.is_opportunity
    return any(True for _deal in _deals_of({card.id}, known))


def _unique(deals: Iterable[LeadRef]) -> list[LeadRef]:
    return list({deal.id: deal for deal in deals}.values())


def _words(title: str) -> str:
    return " ".join(_NO_WORD.split(clean_subject(title).casefold())).strip()


def _contains(text: str, part: str) -> bool:
    """Whether ``part`` stands in ``text`` as whole words."""
    return len(part) >= _SHORTEST_NAME and f" {part} " in f" {text} "


def _answer_reason(binding: Binding) -> str:
    if binding.origin == "thread":
        return binding.reason
    return f"Answer in a bound conversation ({binding.reason})" if binding.reason else "Answer in a bound conversation"
