"""How fast do messages leave? Ratios against what else one could do, and waits, in one run.

    python -m bench.messages_bench                 everything, half an hour
    python -m bench.messages_bench --only drain,smtp --pairs 3
    python -m bench.messages_bench --quick         a few hundred messages, for the suite

Writes build/bench.json and prints a table; a whole run puts it into docs/delivery-bench.md too,
where the method stands. Only ratios mean anything: ours and the other's by turns, the median of
the pairs. Each run is held against the sink, which has to name every message exactly once.
"""

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path

import django

from bench.messages_figures import Row, line, put_into
from bench.messages_site import Site

ROOT = Path(__file__).parents[1]
RESULT = ROOT / "build" / "bench.json"
DOCUMENT = ROOT / "docs" / "delivery-bench.md"
ALL = "drain,smtp,idle,burst"


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default=ALL, help="some of the four")
    parser.add_argument("--pairs", type=int, help="runs of each, by turns")
    parser.add_argument("--quick", action="store_true", help="a few hundred messages")
    parser.add_argument("--result", type=Path, default=RESULT)
    options = parser.parse_args(arguments)
    rows: list[Row] = []
    with _site() as site:
        # Models can be imported only once Django stands on the servers of this run.
        measures = import_module("bench.messages_measures")
        sizes = measures.QUICK if options.quick else measures.Sizes()
        if options.pairs:
            sizes = replace(sizes, pairs=options.pairs)
        bench = measures.Bench(site, sizes)
        for name in options.only.split(","):
            for row in measures.MEASURES[name](bench):
                rows.append(row)
                print(line(row), flush=True)
    options.result.parent.mkdir(parents=True, exist_ok=True)
    options.result.write_text(json.dumps([asdict(row) for row in rows], indent=1) + "\n")
    if options.only == ALL and not options.quick:
        put_into(DOCUMENT, rows, datetime.now(UTC).date())
    missed = [row.name for row in rows if row.passed is False]
    print(f"\n{len(rows)} figures in {options.result}; {len(missed)} goals missed")
    return 0 if all(row.exactly_once is not False for row in rows) else 1


@contextmanager
def _site() -> Iterator[Site]:
    """Servers of this run, and Django in this process on them."""
    with tempfile.TemporaryDirectory(prefix="portal-bench-") as folder:
        site = Site(Path(folder))
        try:
            site.start()
            os.environ.update(site.environment())
            django.setup()
            yield site
        finally:
            site.stop()


if __name__ == "__main__":
    sys.exit(main())
