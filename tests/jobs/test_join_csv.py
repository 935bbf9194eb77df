"""join_csv LEFT RIGHT KEYS OUTPUT --kind KIND: rows as nested loops find them."""

import dataclasses

import harness
import inputs
import outputs
import shapes
import tables

KEYS = ["id", "day"]


def make(folder, rng, id_count=60):
    def table(name, other, count):
        rows = ["%s,%s,%s" % (rng.choice(["", *map(str, range(id_count))]), rng.randrange(3),
                              rng.choice(["", '"a, ""b""\nc"', f"{other}{rng.randrange(1000)}"])) for _ in range(count)]
        text = f"id,day,{other}\n" + "\n".join(rows) + "\n"
        return inputs.write(folder, name, text.encode())
    return [table("left.csv", "name", 4000), table("right.csv", "note", 300)]


def joined(kind, left, right):
    by_key, seen = {}, set()
    for *key, note in right:
        by_key.setdefault(tuple(key), []).append(note)
    for *key, name in left:
        notes = by_key.get(tuple(key), [])
        seen.add(tuple(key))
        if kind in ("semi", "anti"):
            if bool(notes) == (kind == "semi"):
                yield (*key, name)
        elif notes or kind in ("left", "full"):
            yield from ((*key, name, note) for note in notes or [""])
    if kind in ("right", "full"):
        yield from ((*key, "", note) for *key, note in right if tuple(key) not in seen)


def case(kind):
    def check(named, output):
        header = KEYS + ["name"] + ([] if kind in ("semi", "anti") else ["note"])
        rows = tables.written(output, header)
        expected = joined(kind, tables.read(named[0], KEYS + ["name"]), tables.read(named[1], KEYS + ["note"]))
        if sorted(map(tuple, rows)) != sorted(expected):
            raise outputs.Wrong("other rows than nested loops find")

    return harness.Case(kind, make, check, arguments=lambda named, output: named + ["id, day", output, "--kind", kind])


def case_of_few(kind):
    """Both sides are exchanged, and most rows of the left have no partner: where they may be missed none is sent."""
    options = ["--barks-broadcast-join-bytes=0", "--barks-join-filter=on"]
    plain = case(kind)
    return dataclasses.replace(
        plain, name=f"{kind}, few", make=lambda folder, rng: make(folder, rng, 1000),
        arguments=lambda named, output: plain.arguments(named, output) + options)


def case_on_nodes(kind):
    return dataclasses.replace(case_of_few(kind), name=f"{kind}, few, on several nodes", shapes=[shapes.PLAIN] + shapes.NODES)


if __name__ == "__main__":
    kinds = ("inner", "left", "right", "full", "semi", "anti")
    harness.main("join_csv", ".csv", [case(kind) for kind in kinds] + [case_of_few(kind) for kind in kinds]
                 + [case_on_nodes(kind) for kind in ("inner", "full")])
