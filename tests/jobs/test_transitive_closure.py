"""transitive_closure EDGES OUTPUT: all pairs that a path joins."""

import graphs
import harness
import outputs
import tables


def check(named, output):
    near = {}
    for a, b in graphs.edges(named):
        near.setdefault(a, set()).add(b)
    expected = []
    for start in near:
        seen, wanted = set(), [start]
        while wanted:
            for node in near.get(wanted.pop(), ()):
                if node not in seen:
                    seen.add(node)
                    wanted.append(node)
        expected += [(start, node) for node in seen]
    rows = [tuple(map(int, row)) for row in tables.written(output, ["from", "to"])]
    if rows != sorted(expected):
        raise outputs.Wrong(f"{len(rows)} pairs, not the {len(expected)} that there are")


if __name__ == "__main__":
    harness.main("transitive_closure", ".csv", [
        harness.Case(name, graphs.edges_file(b"from,to", nodes, count), check, limit_seconds=120)
        for name, nodes, count in (("sparse", 120, 130), ("a few nodes", 6, 9), ("no edges", 1, 0))])
