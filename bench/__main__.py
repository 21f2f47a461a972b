"""Measure, and print a table; ``make bench`` calls this with an Odoo and databases that it set up."""

import argparse
from dataclasses import replace
from pathlib import Path

from servers.dovecot import Dovecot

from . import report
from .databases import Databases
from .post import Post
from .rows import QUICK, ROWS, Figure, Ground, Sizes

RESULTS = Path(__file__).parent / "results" / "bench.json"


def main() -> None:
    options = arguments()
    sizes = QUICK if options.quick else Sizes()
    sizes = replace(sizes, repetitions=options.repetitions or sizes.repetitions)
    with Dovecot() as dovecot, Databases(options.stock_database, options.database) as databases:
        ground = Ground(options.config, databases, Post(dovecot, sizes.contacts), sizes)
        figures = [figure for row in options.only or ROWS for figure in measured(row, ground)]
    report.write(options.out, figures, sizes)
    print(f"\nAs JSON: {options.out}")
    if options.quick:
        print("Sizes this small show that it runs; the aims are for the full ones.")


def measured(row: str, ground: Ground) -> list[Figure]:
    print(f"\n{row}: {ROWS[row].__doc__}", flush=True)
    figures = list(ROWS[row](ground))
    for figure in figures:
        print(report.line(figure), flush=True)
    return figures


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--config", required=True, help="Odoo's configuration file")
    parser.add_argument("--stock-database", required=True, help="a database with Odoo's CRM; it is copied")
    parser.add_argument("--database", required=True, help="a database with this module; it is copied")
    parser.add_argument("--quick", action="store_true", help="small sizes, once: shows that it works, not how fast")
    parser.add_argument("--only", action="append", choices=ROWS, metavar="ROW", help=f"one of {', '.join(ROWS)}")
    parser.add_argument("--repetitions", type=int, help="how often each row is measured; the median counts")
    parser.add_argument("--out", type=Path, default=RESULTS, help="where the JSON goes")
    return parser.parse_args()


if __name__ == "__main__":
    main()
