"""`herl list`: which benchmarks there are."""

from __future__ import annotations

from herl.cli.options import AsJson
from herl.cli.output import print_json, print_table

EXAMPLE = "herl list --json"


def run(as_json: AsJson = False) -> None:
    """List the benchmarks."""
    from herl import benchmarks

    found = [benchmarks.get(name) for name in benchmarks.names()]
    if as_json:
        keys = ("name", "title", "size", "licence", "tags", "version")
        print_json([{key: getattr(benchmark, key) for key in keys} for benchmark in found])
        return
    print_table(
        ["name", "title", "items", "licence", "tags", "version"],
        [
            [each.name, each.title, str(each.size or "?"), each.licence, ", ".join(each.tags), each.version]
            for each in found
        ],
    )
