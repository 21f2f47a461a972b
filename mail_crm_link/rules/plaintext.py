"""Plain text and HTML of mails into each other, and what of a mail is new in it."""

import html as entities
import itertools
import re
from collections.abc import Iterator

import nh3

# What is new in a mail stands in its first hundreds of lines.
_LINES_READ = 300
# quotequail tries forty patterns on every line, so it is asked only about what may introduce a quote: about few lines
# after "On 3 March 2026 Jane wrote:", about more after a line of dashes or the first line of a copied header.
_LINES_OF_REPLY, _LINES_OF_HEADER = 3, 10
_COLON_END = re.compile(r"[:：]\s*$")
_SEPARATOR = re.compile(r"\s*(?:-{3,} ?[^\W\d_]|_{30,}\s*$|\*?(?:from|von|de|van|från|от кого)\s?:)", re.IGNORECASE)
_DATED = re.compile(r"\d\d?[:.]\d\d|\b(?:19|20)\d\d\b")

_DEEPEST = 3_000
_DEEPEST_QUOTE = 20
# Elements that close themselves or one another are not nested by being left open.
_NESTING = re.compile(
    r"<(/)?(?!(?:br|img|hr|meta|link|input|col|wbr|area|base|embed|p|li|td|th|tr|dd|dt|option|tbody|source)\b)[a-z]",
    re.IGNORECASE,
)
_TAG = re.compile(r"<[^<>]{0,2000}>?")
_LINE_BREAK = re.compile(
    r"<(?:br|/p|/div|/tr|/h[1-6]|/li|/ul|/ol|/table|/blockquote|/pre|hr|/dd|/dt)\b[^>]{0,999}>", re.IGNORECASE
)
_CELL = re.compile(r"</t[dh]\s*>", re.IGNORECASE)
_UNSEEN = {"style", "script", "head", "title", "template", "noscript", "noembed", "noframes", "iframe", "svg", "math"}
_TEXT_CLEANER = nh3.Cleaner(tags=set(), attributes={}, clean_content_tags=_UNSEEN)
_BLANKS = re.compile(r"[^\S\n]+")
_LINK = re.compile(
    r"(?:https?://|www\.)[^\s<>\"'\u201c\u201d]+|(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+",
    re.IGNORECASE,
)
_AFTER_LINK = ".,;:!?)]}'*_"
_PREFORMATTED = '<div style="white-space:pre-wrap">{}</div>'
_OUTSIDE = ' rel="noopener noreferrer" target="_blank"'
_SIGNATURE = re.compile(r"^-- ?$", re.MULTILINE)
_FLOWED_QUOTE = re.compile(r">+")


def text_to_html(text: str) -> str:
    """``text`` as HTML that looks the same, with links for addresses of the web and of mail, and its quotes as such."""
    return "".join(_blocks(text.split("\n"), _DEEPEST_QUOTE)) if text else ""


def _blocks(lines: list[str], depth: int) -> Iterator[str]:
    """HTML of runs of lines that are quoted (RFC 3676, 4.5), or not."""
    for quoted, run in itertools.groupby(lines, lambda line: depth > 0 and line.startswith(">")):
        if quoted:
            bare = [line[1:].removeprefix(" ") for line in run]
            yield f'<blockquote type="cite">{"".join(_blocks(bare, depth - 1))}</blockquote>'
        else:
            yield _PREFORMATTED.format(_linked("\n".join(run)))


def _linked(text: str) -> str:
    pieces: list[str] = []
    end = 0
    for link in _LINK.finditer(text):
        pieces.append(entities.escape(text[end : link.start()]))
        target = link[0].rstrip(_AFTER_LINK)
        pieces.append(_anchor(target))
        end = link.start() + len(target)
    pieces.append(entities.escape(text[end:]))
    return "".join(pieces)


def html_to_text(html: str) -> str:
    """The text of ``html`` with a line for every block; what a reader does not see is left out."""
    if is_too_deep(html):
        return folded(entities.unescape(_TAG.sub(" ", html)))
    flat = folded(html)
    lines = _CELL.sub(" ", _LINE_BREAK.sub("\n", flat))
    bare = _TEXT_CLEANER.clean(lines)
    text = _BLANKS.sub(" ", entities.unescape(bare))
    return "\n".join(line.strip() for line in text.split("\n")).strip()


def is_too_deep(html: str) -> bool:
    """Whether elements are nested deeper than any mail needs: parsers of HTML take the square of the depth."""
    if html.count("<") <= _DEEPEST:
        return False
    depth = 0
    for tag in _NESTING.finditer(html):
        depth = max(0, depth - 1) if tag[1] else depth + 1
        if depth > _DEEPEST:
            return True
    return False


def unflow(text: str, delsp: bool) -> str:
    """Text of ``format=flowed`` with its paragraphs joined again (RFC 3676)."""
    paragraphs: list[list[str]] = []
    open_depth = -1
    for line in text.replace("\r\n", "\n").split("\n"):
        quote = _FLOWED_QUOTE.match(line)
        depth = len(quote[0]) if quote else 0
        words = line[depth:].removeprefix(" ")
        flows = words.endswith(" ") and words != "-- "
        kept = words[:-1] if flows and delsp else words
        if depth == open_depth and words != "-- ":
            paragraphs[-1].append(kept)
        else:
            paragraphs.append([f"{'>' * depth} {kept}" if depth else kept])
        open_depth = depth if flows else -1
    return "\n".join("".join(pieces) for pieces in paragraphs)


def new_text(text: str) -> str:
    """What the writer of this mail wrote: without quotes, the line that introduces them, and the signature."""
    lines = text.replace("\r\n", "\n").split("\n", _LINES_READ)[:_LINES_READ]
    kept = "\n".join(_unquoted(lines[: _quote_start(lines)]))
    signature = _SIGNATURE.search(kept)
    return (kept[: signature.start()] if signature else kept).strip().rstrip("_")


def _quote_start(lines: list[str]) -> int:
    """The line from which on other mail is quoted without marks: below "On … wrote:", a forward line, a header."""
    # Here, because to prepare its patterns takes as long as all modules of this folder, and Odoo loads them to start.
    import quotequail

    for number in range(len(lines)):
        reach = _lines_to_judge(lines, number)
        if not reach or _followed_by_marks(lines, number):
            continue
        start = max(0, number - 1)
        unwrapped = quotequail.unwrap("\n".join(lines[start : number + reach]))
        if unwrapped:
            top = unwrapped.get("text_top")
            return start + (len(top.split("\n")) if top else 0)
    return len(lines)


def _lines_to_judge(lines: list[str], number: int) -> int:
    line = lines[number]
    if _SEPARATOR.match(line):
        return _LINES_OF_HEADER
    wrapped = " ".join(lines[max(0, number - 1) : number + 1])
    return _LINES_OF_REPLY if _COLON_END.search(line) and _DATED.search(wrapped) else 0


def _followed_by_marks(lines: list[str], number: int) -> bool:
    """Whether the next line with text is quoted by ">": then answers may stand between the quotes."""
    following = next((line for line in lines[number + 1 :] if line.strip()), "")
    return following.lstrip().startswith(">")


def _unquoted(lines: list[str]) -> list[str]:
    """The lines that are no quotes, without those that introduce one ("Am 3. Mai schrieb Jane Doe:")."""
    kept: list[str] = []
    for line in lines:
        if line.lstrip().startswith(">"):
            _drop_introduction(kept)
        else:
            kept.append(line)
    _drop_introduction(kept)
    return kept


def _drop_introduction(kept: list[str]) -> None:
    while kept and not kept[-1].strip():
        kept.pop()
    # Long ones are wrapped, and the end of one does not say when.
    for lines in (1, 2):
        last = " ".join(kept[-lines:])
        if _COLON_END.search(last) and _DATED.search(last):
            del kept[-lines:]
            return
    if kept and "@" in kept[-1] and _COLON_END.search(kept[-1]):
        kept.pop()


def folded(text: str) -> str:
    """``text`` on one line, every run of blanks one space."""
    return " ".join(text.split())


def _anchor(target: str) -> str:
    shown = entities.escape(target)
    if "@" in target and "://" not in target and not target.lower().startswith("www."):
        return f'<a href="mailto:{shown}"{_OUTSIDE}>{shown}</a>'
    scheme = "" if "://" in target else "http://"
    return f'<a href="{scheme}{shown}"{_OUTSIDE}>{shown}</a>'
