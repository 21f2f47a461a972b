"""What the writer of a mail says in it: without quotes, closing, signature and disclaimer."""

import re

from ..plaintext import new_text

# Characters. Moods show at the beginning; whoever pastes a log below should not make the server read it.
LONGEST = 20_000
_LONGEST_CLOSING, _LINES_OF_SIGNATURE = 60, 15

_CLOSINGS = (
    r"(?:with |many |very )?(?:best|kind(?:est)?|warm(?:est)?) (?:regards|wishes)|regards|all the best|best|cheers"
    r"|(?:yours )?(?:sincerely|faithfully|truly)(?: yours)?|thank you"
    r"|(?:many )?thanks(?: and)?(?: (?:best|kind) regards)?"
    r"|sent from my .+|get outlook for .+",
    r"mit (?:freundlichen|besten|herzlichen) gr(?:ü|ue)(?:ß|ss)en|hochachtungsvoll|mfg|lg|vg"
    r"|(?:viele|beste|liebe|freundliche|herzliche|schöne) gr(?:ü|ue)(?:ß|ss)e|von meinem .+|gesendet (?:von|mit) .+",
    r"(?:bien |très )?cordialement|(?:sincères|meilleures) salutations|bien à (?:vous|toi)"
    r"|veuillez (?:agréer|recevoir).+|envoyé (?:de|depuis) .+",
    r"(?:un )?(?:cordial )?saludos?(?: cordial(?:es)?)?|atentamente|enviado desde .+",
    r"(?:met )?(?:vriendelijke|hartelijke) groet(?:en)?|groet(?:en|jes)?|hoogachtend|mvg|verzonden vanaf .+",
)
_CLOSING = re.compile(
    rf"\s*(?:{'|'.join(_CLOSINGS)})(?: (?:aus|from|de|uit) .+)?\s*[,.!]?\s*",
    re.IGNORECASE,
)
# Two of these make a paragraph a disclaimer; one may stand in any contract.
_LEGAL = re.compile(
    r"confidential|intended (?:only|solely|recipient)|privileged|unauthori[sz]ed|disclos|disclaimer|in error|virus"
    r"|vertraulich|bestimmungsgemäß|irrtümlich|unbefugt|adressat|confidentiel|destinataire|par erreur|confiden[ct]ial"
    r"|destinatario|por error|vertrouwelijk|geadresseerde|bestemd voor|onterecht|gdpr|before printing|umwelt"
    r"|registered in|registergericht|handelsregister|geschäftsführer|amtsgericht|siret|kvk",
    re.IGNORECASE,
)
_PARAGRAPH = re.compile(r"\n[ \t]*\n")


def own_words(text: str) -> str:
    """What is left of the plain ``text`` of a mail; "" when nothing is its writer's own."""
    first, *others = _PARAGRAPH.split(_without_closing(new_text(text[:LONGEST])))
    return "\n\n".join([first, *(one for one in others if not _is_disclaimer(one))]).strip()


def _without_closing(text: str) -> str:
    """``text`` up to the line that closes a letter, if not much more than a name and an address follows."""
    lines = text.split("\n")
    for number in range(max(1, len(lines) - _LINES_OF_SIGNATURE), len(lines)):
        line = lines[number]
        if len(line) <= _LONGEST_CLOSING and _CLOSING.fullmatch(line):
            return "\n".join(lines[:number])
    return text


def _is_disclaimer(paragraph: str) -> bool:
    return len({found.lower() for found in _LEGAL.findall(paragraph)}) > 1
