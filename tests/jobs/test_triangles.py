"""triangles EDGES prints how many there are."""

import itertools

import graphs
import harness
import outputs


def check_stdout(named, stdout):
    near = {}
    for a, b in graphs.edges(named):
        if a != b:
            near.setdefault(a, set()).add(b)
            near.setdefault(b, set()).add(a)
    count = sum(1 for a in near for b, c in itertools.combinations(sorted(n for n in near[a] if n > a), 2)
                if c in near[b])
    if stdout != b"%d triangles\n" % count:
        raise outputs.Wrong(f"{stdout!r}, not {count}")


if __name__ == "__main__":
    harness.main("triangles", None, [
        harness.Case(name, graphs.edges_file(b"a,b", nodes, count), lambda named, output: None,
                     check_stdout=check_stdout, arguments=lambda named, output: named)
        for name, nodes, count in (("dense", 40, 600), ("sparse", 1000, 8000), ("no edges", 1, 0))])
