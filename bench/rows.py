"""The rows of the table: which runs they pair, and what they say about them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median

from servers.slow_link import SlowLink

from . import mbsync, moods, runs
from .databases import Databases
from .post import Post

MEGABYTE = 1e6
SIGN_IN = {"LOGIN", "CAPABILITY", "ID", "ENABLE", "LOGOUT", "LIST"}


@dataclass(frozen=True)
class Sizes:
    """How many mails, contacts and repetitions."""

    stock: int = 500
    mails: int = 5_000
    attachments: int = 2_000
    few_mails: int = 1_000
    many_mails: int = 20_000
    new_mails: int = 100
    distant_mails: int = 500
    window_mails: int = 100_000
    contacts: int = 1_000
    more_contacts: int = 10_000
    most_contacts: int = 1_000_000
    pages: int = 50
    repetitions: int = 5


QUICK = Sizes(
    stock=40,
    mails=400,
    attachments=100,
    few_mails=200,
    many_mails=1_000,
    new_mails=20,
    distant_mails=60,
    window_mails=5_000,
    contacts=200,
    more_contacts=1_000,
    most_contacts=20_000,
    pages=10,
    repetitions=1,
)


@dataclass(frozen=True)
class Figure:
    """One number of the table.

    :param readings: of each repetition; the median counts
    :param at_least: the aim, if there is one
    :param at_most: the aim, if there is one
    """

    row: str
    name: str
    readings: Sequence[float]
    unit: str
    at_least: float | None = None
    at_most: float | None = None

    @property
    def value(self) -> float:
        return median(self.readings)

    @property
    def met(self) -> bool | None:
        """Whether it is as it should be; None where there is no aim."""
        if self.at_least is not None:
            return self.value >= self.at_least
        return self.value <= self.at_most if self.at_most is not None else None


@dataclass(frozen=True)
class Ground:
    """What the rows need: Odoo's configuration file, databases, accounts, and how much of all."""

    configuration: str
    databases: Databases
    post: Post
    sizes: Sizes

    def repeated(self, measure: Callable[[], Mapping[str, float]]) -> dict[str, list[float]]:
        """Measure again and again; collect each number."""
        measured = [measure() for _ in range(self.sizes.repetitions)]
        return {name: [one[name] for one in measured] for name in measured[0]}

    def first_sync(self, mails: int, contacts: int, *, attachments: bool = False, contents: bool = False) -> dict:
        account = self.post.account(mails)
        with self.databases.fresh("linked", contacts) as database:
            return runs.alone(runs.first_sync, self.configuration, database, account, attachments, contents)

    def stock(self) -> dict:
        account = self.post.new_account(self.sizes.stock)
        with self.databases.fresh("stock", self.sizes.contacts) as database:
            return runs.alone(runs.stock, self.configuration, database, account, self.sizes.stock)


def throughput(ground: Ground) -> Iterator[Figure]:
    """Stock Odoo and the module one after the other, again and again."""
    sizes = ground.sizes
    found = ground.repeated(lambda: _beside_stock(ground))

    def figure(name: str, key: str, unit: str, **aim: float) -> Figure:
        return Figure("throughput", name, found[key], unit, **aim)

    yield figure("stock Odoo: fetchmail into leads", "stock", "mails/s")
    yield figure("stock Odoo: SQL", "stock_queries", "queries/mail")
    yield figure("stock Odoo: processor time in Odoo", "stock_cpu", "ms/mail")
    yield figure("envelopes with links", "envelopes", "mails/s")
    yield figure("envelopes with links", "envelopes_ratio", "× stock", at_least=150)
    yield figure("envelopes with links: processor time in Odoo", "envelopes_cpu", "ms/mail")
    yield figure("envelopes with links: SQL", "envelopes_queries", "queries/mail", at_most=0.1)
    yield figure("bound mail with body", "bodies", "mails/s")
    yield figure("bound mail with body", "bodies_ratio", "× stock", at_least=40)
    yield figure("bound mail with body: processor time in Odoo", "bodies_cpu", "ms/mail")
    yield figure("first sync with bodies: SQL", "bodies_queries", "queries/mail", at_most=0.5)
    yield figure("bound mail with all attachments", "attachments", "mails/s")
    yield figure("bound mail with all attachments", "attachments_ratio", "× stock", at_least=10)
    yield figure(f"peak memory, {sizes.mails} mails with bodies", "bodies_memory", "MB", at_most=100)
    yield figure(f"peak memory, {sizes.attachments} with attachments", "attachments_memory", "MB", at_most=100)


def _beside_stock(ground: Ground) -> dict[str, float]:
    sizes = ground.sizes
    stock = ground.stock()
    bodies = ground.first_sync(sizes.mails, sizes.contacts, contents=True)
    attachments = ground.first_sync(sizes.attachments, sizes.contacts, contents=True, attachments=True)
    stock_rate = stock["mails"] / stock["seconds"]
    envelopes_rate = bodies["mails"] / bodies["envelopes"]["seconds"]
    queries = bodies["envelopes"]["queries"], bodies["contents"]["queries"]
    return {
        "stock": stock_rate,
        "stock_queries": stock["queries"] / stock["mails"],
        "stock_cpu": stock["cpu"] / stock["mails"] * 1000,
        "envelopes": envelopes_rate,
        "envelopes_ratio": envelopes_rate / stock_rate,
        "envelopes_cpu": bodies["envelopes"]["cpu"] / bodies["mails"] * 1000,
        "envelopes_queries": queries[0] / bodies["mails"],
        "bodies": 1 / _bound_cost(bodies, "seconds"),
        "bodies_cpu": _bound_cost(bodies, "cpu") * 1000,
        "bodies_ratio": 1 / _bound_cost(bodies, "seconds") / stock_rate,
        "bodies_queries": sum(queries) / bodies["mails"],
        "attachments": 1 / _bound_cost(attachments, "seconds"),
        "attachments_ratio": 1 / _bound_cost(attachments, "seconds") / stock_rate,
        "bodies_memory": bodies["memory"] / MEGABYTE,
        "attachments_memory": attachments["memory"] / MEGABYTE,
    }


def _bound_cost(sync: Mapping, kind: str) -> float:
    """What a bound mail takes: its share of the envelopes, and its content.

    :param kind: ``seconds`` or ``cpu``
    """
    return sync["envelopes"][kind] / sync["mails"] + sync["contents"][kind] / sync["stored"]


def start(ground: Ground) -> Iterator[Figure]:
    """What Odoo loads when it starts, before there is any mail."""
    # The first time writes byte code.
    runs.alone(runs.start, ground.configuration)
    found = ground.repeated(lambda: runs.alone(runs.start, ground.configuration))
    yield Figure("start", "import of CRM", found["crm"], "ms")
    yield Figure("start", "import of this module beside it", found["module"], "ms", at_most=50)


def incremental(ground: Ground) -> Iterator[Figure]:
    """A mailbox that is synchronised already: nothing new, then some mail."""
    found = ground.repeated(lambda: _next_runs(ground))
    yield Figure("incremental", "nothing new", found["idle"], "ms")
    yield Figure("incremental", "nothing new: IMAP", found["round_trips"], "round trips/folder", at_most=2)
    yield Figure("incremental", "nothing new: IMAP with sign-in", found["commands"], "commands/run")
    yield Figure("incremental", "nothing new: SQL", found["writes"], "writes", at_most=0)
    yield Figure("incremental", f"{ground.sizes.new_mails} new mails with bodies and to-dos", found["new"], "s")


def _next_runs(ground: Ground) -> dict[str, float]:
    sizes = ground.sizes
    account = ground.post.new_account(sizes.few_mails)
    with ground.databases.fresh("linked", sizes.contacts) as database:
        runs.alone(runs.first_sync, ground.configuration, database, account, False, True)
        idle = runs.alone(runs.next_sync, ground.configuration, database, account, True)
        ground.post.deliver_new(account, sizes.new_mails)
        new = runs.alone(runs.next_sync, ground.configuration, database, account, False)
    if new["mails"] != sizes.new_mails:
        raise RuntimeError(f"{new['mails']} of {sizes.new_mails} new mails were found")
    commands = sum(count for name, count in idle["commands"].items() if name not in SIGN_IN)
    return {
        "idle": idle["seconds"] * 1000,
        "round_trips": commands / idle["folders"],
        "commands": sum(idle["commands"].values()),
        "writes": idle["writes"],
        "new": new["seconds"],
    }


def growth(ground: Ground) -> Iterator[Figure]:
    """Few mails and many, and how soon the first one of many is there."""
    sizes = ground.sizes
    found = ground.repeated(lambda: _few_and_many(ground))
    many = f"{sizes.many_mails:,} mails"
    yield Figure("growth", f"envelopes of {sizes.few_mails:,} mails", found["few"], "mails/s")
    yield Figure("growth", f"envelopes of {many}", found["many"], "mails/s")
    yield Figure("growth", f"rate at {many} : at {sizes.few_mails:,}", found["ratio"], "×", at_least=0.8)
    yield Figure("growth", f"first mail on a card, of {many}", found["first_mail"], "s", at_most=10)
    yield Figure("growth", f"peak memory, envelopes of {many}", found["memory"], "MB", at_most=100)


def _few_and_many(ground: Ground) -> dict[str, float]:
    few = ground.first_sync(ground.sizes.few_mails, ground.sizes.contacts)
    many = ground.first_sync(ground.sizes.many_mails, ground.sizes.contacts)
    rates = [one["mails"] / one["envelopes"]["seconds"] for one in (few, many)]
    return {
        "few": rates[0],
        "many": rates[1],
        "ratio": rates[1] / rates[0],
        "first_mail": many["first_mail"],
        "memory": many["memory"] / MEGABYTE,
    }


def contacts(ground: Ground) -> Iterator[Figure]:
    """Few contacts and a million."""
    sizes = ground.sizes
    found = ground.repeated(lambda: _by_contacts(ground))
    most = f"{sizes.most_contacts:,}"
    yield Figure("contacts", f"envelopes, {sizes.contacts:,} contacts", found["few"], "mails/s")
    yield Figure("contacts", f"envelopes, {most} contacts", found["most"], "mails/s")
    yield Figure("contacts", f"rate at {most} contacts : at {sizes.contacts:,}", found["ratio"], "×")
    yield Figure("contacts", f"200 addresses matched, {sizes.more_contacts:,} contacts", found["page"], "ms")
    yield Figure("contacts", f"200 addresses matched, {most} contacts", found["largest"], "ms", at_most=10)


def _by_contacts(ground: Ground) -> dict[str, float]:
    sizes = ground.sizes
    rates = [
        one["mails"] / one["envelopes"]["seconds"]
        for one in (ground.first_sync(sizes.few_mails, count) for count in (sizes.contacts, sizes.most_contacts))
    ]
    pages = [
        runs.alone(
            runs.matching,
            ground.configuration,
            ground.databases.with_contacts("linked", count),
            count,
            sizes.pages,
        )["seconds"]
        for count in (sizes.more_contacts, sizes.most_contacts)
    ]
    return {
        "few": rates[0],
        "most": rates[1],
        "ratio": rates[1] / rates[0],
        "page": pages[0] * 1000,
        "largest": pages[1] * 1000,
    }


def window(ground: Ground) -> Iterator[Figure]:
    """The first page of the mailbox window, with the counters of all folders."""
    mails = ground.sizes.window_mails
    found = ground.repeated(lambda: _window(ground))
    for name, key in (("all mail", "all"), ("inbox", "inbox"), ("a small folder", "folder"), ("unread", "unread")):
        yield Figure("window", f"first page of {mails:,} mails, with counters: {name}", found[key], "s", at_most=1)


def _window(ground: Ground) -> dict[str, float]:
    sizes = ground.sizes
    with ground.databases.fresh("linked", sizes.contacts) as database:
        return runs.alone(runs.window, ground.configuration, database, sizes.window_mails)


def insight(ground: Ground) -> Iterator[Figure]:
    """Figures about mail, and what cards say of when it came."""
    mails = ground.sizes.window_mails
    found = ground.repeated(lambda: _insight(ground))
    yield Figure("insight", f"report of {mails:,} mails: the slowest group", found["report"], "s", at_most=2)
    yield Figure("insight", f"cards of all teams, beside {mails:,} mails", found["teams"], "s", at_most=1)
    yield Figure("insight", "moments of the 200 busiest cards", found["moments"], "s", at_most=5)


def _insight(ground: Ground) -> dict[str, float]:
    sizes = ground.sizes
    with ground.databases.fresh("linked", sizes.contacts) as database:
        return runs.alone(runs.insight, ground.configuration, database, sizes.window_mails)


def sentiment(ground: Ground) -> Iterator[Figure]:
    """What people said of texts, and what is said of them here; without ``MAIL_CORPUS`` nothing is measured."""
    if not (texts := moods.labelled()):
        return
    for name, engine in moods.engines().items():
        found = ground.repeated(lambda engine=engine: moods.measured(engine, texts))
        aims = ({"at_least": 0.73}, {"at_least": 1000}) if name == "ours" else ({}, {})
        yield Figure("sentiment", f"macro-F1 in English: {name}", found["f1"], "", **aims[0])
        yield Figure("sentiment", f"judged: {name}", found["rate"], "mails/s", **aims[1])


def distance(ground: Ground) -> Iterator[Figure]:
    """The first sync over 40 ms each way and 4 MB/s, beside mbsync, which copies all mail with its attachments."""
    if not mbsync.is_there():
        print("mbsync is not installed, so nothing is measured beside it: sudo apt-get install isync")
        return
    found = ground.repeated(lambda: _far_away(ground))
    yield Figure("distance", "mbsync: copies all mail", found["mbsync"], "mails/s")
    yield Figure("distance", "first sync with bodies", found["bodies"], "mails/s")
    yield Figure("distance", "first sync with bodies", found["bodies_ratio"], "× mbsync", at_least=0.5)
    yield Figure("distance", "first sync with all attachments", found["attachments"], "mails/s")
    yield Figure("distance", "first sync with all attachments", found["attachments_ratio"], "× mbsync", at_least=0.5)


def _far_away(ground: Ground) -> dict[str, float]:
    account = ground.post.account(ground.sizes.distant_mails)
    with SlowLink(account.host, account.port) as link:
        distant = replace(account, host=link.host, port=link.port)
        beside = mbsync.copied(distant)
        bodies, attachments = (_distant_sync(ground, distant, kept) for kept in (False, True))
    if not beside["mails"] == bodies["mails"] == attachments["mails"]:
        raise RuntimeError(f"Not the same mail: {beside}, {bodies}, {attachments}")
    rates = {name: one["mails"] / one["seconds"] for name, one in (("bodies", bodies), ("attachments", attachments))}
    rate = beside["mails"] / beside["seconds"]
    return {"mbsync": rate, **rates, **{f"{name}_ratio": one / rate for name, one in rates.items()}}


def _distant_sync(ground: Ground, server: runs.Server, attachments: bool) -> dict[str, float]:
    with ground.databases.fresh("linked", ground.sizes.contacts) as database:
        sync = runs.alone(runs.first_sync, ground.configuration, database, server, attachments, True)
    return {"mails": sync["mails"], "seconds": sync["envelopes"]["seconds"] + sync["contents"]["seconds"]}


ROWS: dict[str, Callable[[Ground], Iterator[Figure]]] = {
    "start": start,
    "throughput": throughput,
    "incremental": incremental,
    "distance": distance,
    "growth": growth,
    "contacts": contacts,
    "window": window,
    "insight": insight,
    "sentiment": sentiment,
}
