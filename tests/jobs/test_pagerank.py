"""pagerank EDGES OUTPUT ROUNDS: ranks as a loop over dictionaries computes them, highest first unless --unsorted."""

import math

import graphs
import harness
import outputs
import tables

ROUNDS = 4


def ranks(edges):
    links, pages = {}, set()
    for page, target in edges:
        links.setdefault(page, []).append(target)
        pages |= {page, target}
    rank = dict.fromkeys(pages, 1.0)
    for _ in range(ROUNDS):
        shares = {page: [] for page in pages}
        for page, targets in links.items():
            for target in targets:
                shares[target].append(rank[page] / len(targets))
        rank = {page: 0.15 + 0.85 * math.fsum(shares[page]) for page in pages}
    return rank


def check(named, output):
    rows = check_unsorted(named, output)
    if rows != sorted(rows, key=lambda row: (-row[1], row[0])):
        raise outputs.Wrong("not in order")


def check_unsorted(named, output):
    expected = ranks(graphs.edges(named))
    rows = [(int(page), float(rank)) for page, rank in tables.written(output, ["page", "rank"])]
    if dict(rows).keys() != expected.keys() or len(rows) != len(expected):
        raise outputs.Wrong("other pages than the graph's")
    if any(abs(rank - expected[page]) > 1e-9 for page, rank in rows):
        raise outputs.Wrong("other ranks")
    return rows


if __name__ == "__main__":
    harness.main("pagerank", ".csv", [
        harness.Case(name, graphs.edges_file(b"page,target", nodes, count), check,
                     arguments=lambda named, output: named + [output, str(ROUNDS)])
        for name, nodes, count in (("sparse", 500, 1500), ("two pages", 2, 9), ("no edges", 1, 0))] + [
        harness.Case("unsorted", graphs.edges_file(b"page,target", 300, 900), check_unsorted,
                     arguments=lambda named, output: named + [output, str(ROUNDS), "--unsorted"])])
