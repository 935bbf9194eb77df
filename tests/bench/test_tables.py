"""The bounds for sorting, ranking, grouping and joining equal plain Python, and the generators give
what their usage says, for inputs that are cut by chunks, buckets and threads in nasty ways.

usage: test_tables.py FOLDER-OF-THE-PROGRAMS
"""

import collections
import os
import random
import struct
import subprocess
import sys
import tempfile

PROGRAMS = sys.argv[1]
CHUNK = 256 << 10  # CHUNK_BYTES of pagerank_bound


def run(program, *arguments):
    return subprocess.run([os.path.join(PROGRAMS, program), *map(str, arguments)], check=True,
                          timeout=100, stdout=subprocess.PIPE).stdout


def outputs(target, threads):
    for i in range(threads):
        with open(f"{target}.{i}", "rb") as file:
            yield file.read()


def store(path, content):
    with open(path, "wb") as file:
        file.write(content)
    return path


# ---- sorting ----

def check_sorting(name, content, folder):
    records = [content[i:i + 100] for i in range(0, len(content), 100)]
    expected = b"".join(sorted(records, key=lambda record: record[:10]))
    source, target = store(os.path.join(folder, "in"), content), os.path.join(folder, "out")
    for threads in (1, 3):
        run("terasort_bound", source, target, threads)
        assert b"".join(outputs(target, threads)) == expected, f"{name}, {threads} threads"


def sort_inputs(rng):
    yield "nothing", b""
    for count in (1, 2, 47, 49, 8191, 8192, 8193, 30001):
        yield f"{count} random", rng.randbytes(100 * count)
    keys = [rng.randbytes(10) for _ in range(5)]
    yield "five keys", b"".join(rng.choice(keys) + b"%90d" % i for i in range(30000))
    yield "one key", b"".join(b"k" * 10 + b"%90d" % i for i in range(30000))
    yield "the last byte of the key", b"".join(b"\xff" * 9 + rng.randbytes(1) + b"%90d" % i
                                               for i in range(30000))
    yield "descending", b"".join(struct.pack(">Q", i << 40) + b"%92d" % i for i in range(40000, 0, -1))


def check_records():
    binary, text = run("gen_records", 5000, 7), run("gen_records", 5000, 7, "--text")
    assert binary == run("gen_records", 5000, 7) != run("gen_records", 5000, 8)
    lines = text.split(b"\n")
    assert len(binary) == len(text) == 500000 and len(lines) == 5001
    for i in range(5000):
        record, line = binary[100 * i:100 * i + 100], lines[i]
        assert record[:10].hex().encode() == line[:20], "one key in both forms"
        assert record[10:30] == line[20:40] == b"%020d" % i
    assert len({binary[100 * i:100 * i + 10] for i in range(5000)}) == 5000


# ---- ranking ----

def ranks_of(edges, rounds):
    links = collections.Counter(page for page, _ in edges)
    ranks = {page: 1.0 for edge in edges for page in edge}
    for _ in range(rounds):
        sums = collections.defaultdict(float)
        for page, target in edges:
            sums[target] += ranks[page] / links[page]
        ranks = {page: 0.15 + 0.85 * sums[page] for page in ranks}
    return ranks


def check_ranking(name, text, folder, shapes=((1, 0), (1, 10), (3, 1), (3, 10))):
    edges = [tuple(map(int, line.replace(",", " ").split())) for line in text.split("\n") if line]
    source = store(os.path.join(folder, "in"), text.encode())
    target = os.path.join(folder, "out")
    for threads, rounds in shapes:
        run("pagerank_bound", source, target, rounds, threads)
        lines = b"".join(outputs(target, threads)).decode().split()
        found = [(int(page), float(rank)) for page, rank in (line.split(",") for line in lines)]
        expected = ranks_of(edges, rounds)
        assert [page for page, _ in found] == sorted(expected), f"{name}: pages"
        for page, rank in found:
            assert abs(rank - expected[page]) < 1e-9 * expected[page], f"{name}: {page}"


def graphs(rng):
    yield "nothing", ""
    yield "one edge", "0,1"
    yield "a loop", "5,5\n"
    yield "far apart", "0 9999999\n9999999 7\n"
    yield "carriage returns", "1,2\r\n2,3\r\n3,1\r\n"
    yield "repeated edges", "1,2\n" * 3 + "2,1\n1,3\n"
    yield "a star", "".join(f"{i},0\n0,{i}\n" for i in range(1, 5000))
    yield "random", "".join(f"{rng.randrange(3000)}\t{rng.randrange(9 ** rng.randrange(8))}\n"
                            for _ in range(20000))


def graphs_around_a_chunk():
    for shift in range(-16, 4):  # a line before, across and behind the end of a chunk
        filler = "1,2\n" * ((CHUNK + shift) // 4)
        yield f"a chunk's end {shift}", filler + "0" * (shift % 4) + "123456,7654321\n" * 30


def check_graph():
    text = run("gen_graph", 10, 16, 1)
    assert text == run("gen_graph", 10, 16, 1) != run("gen_graph", 10, 16, 2)
    assert text == run("gen_graph", 10, 16, 1, " ").replace(b" ", b",")
    edges = [tuple(map(int, line.split(b","))) for line in text.split()]
    assert len(edges) == 16 << 10 and all(0 <= v < 1 << 10 for edge in edges for v in edge)
    degrees = sorted(collections.Counter(page for page, _ in edges).values())
    assert degrees[-1] > 20 * degrees[len(degrees) // 2], "few vertices have most of the edges"


# ---- grouping and joining ----

def rows_of(path):
    with open(path, "rb") as file:
        return list(struct.iter_unpack("<qq", file.read()))


def found_rows(target, threads):
    for content in outputs(target, threads):
        yield from struct.iter_unpack("<qqq", content)


def check_grouping(name, rows, folder):
    source = store(os.path.join(folder, "in"), b"".join(struct.pack("<qq", *row) for row in rows))
    target = os.path.join(folder, "out")
    sums, counts = collections.Counter(), collections.Counter()
    for key, value in rows:
        sums[key] += value
        counts[key] += 1
    for threads in (1, 3):
        run("groupby_bound", source, target, threads)
        found = list(found_rows(target, threads))
        assert len(found) == len(counts), f"{name}: groups"
        assert {key: (total, count) for key, total, count in found} == \
            {key: (sums[key], counts[key]) for key in counts}, f"{name}, {threads} threads"


def check_joining(name, left, right, folder):
    paths = [store(os.path.join(folder, side), b"".join(struct.pack("<qq", *row) for row in rows))
             for side, rows in (("left", left), ("right", right))]
    target = os.path.join(folder, "out")
    partners = collections.defaultdict(list)
    for key, value in right:
        partners[key].append(value)
    expected = sorted((key, value, other) for key, value in left for other in partners.get(key, ()))
    for threads in (1, 3):
        run("join_bound", *paths, target, threads)
        assert sorted(found_rows(target, threads)) == expected, f"{name}, {threads} threads"


def tables(rng):
    extreme = [0, -1, 1, 2 ** 63 - 1, -2 ** 63]
    yield "nothing", []
    yield "one row", [(5, -7)]
    yield "one key", [(3, i) for i in range(40000)]
    yield "extreme keys", [(rng.choice(extreme), rng.randrange(-9, 9)) for _ in range(1000)]
    for keys in (10, 30000):
        yield f"{keys} keys", [(rng.randrange(keys), rng.randrange(-1000, 1000)) for _ in range(40000)]
    # A thread's table is full with 163,840 groups.
    yield "a full table", [(i * 7919, 1) for i in range(163841)]
    yield "few keys, then many", [(i if i > 40000 else i % 3, 1) for i in range(300000)]


def check_tables(folder):
    path = os.path.join(folder, "table")
    for rows, keys in ((0, 5), (1, 1), (1000, 10), (1000, 1000), (997, 100), (100, 1000)):
        content = store(path, run("gen_table", rows, keys, 3, "--binary")) and rows_of(path)
        counts = collections.Counter(key for key, _ in content)
        assert sum(counts.values()) == rows and len(counts) == min(rows, keys)
        assert all(0 <= key < keys for key in counts) and all(0 <= value < 1000 for _, value in content)
        assert rows == 0 or max(counts.values()) - min(counts.values()) <= 1, "keys are even"
        lines = run("gen_table", rows, keys, 3).decode().split("\n")
        assert lines[0] == "key,value" and lines[-1] == ""
        assert [tuple(map(int, line.split(","))) for line in lines[1:-1]] == content
    hot = store(path, run("gen_table", 10000, 500, 3, "--binary", "--hot", 90)) and rows_of(path)
    counts = collections.Counter(key for key, _ in hot)
    assert counts.pop(0) == 9000 and len(counts) == 499 and set(counts.values()) <= {2, 3}
    assert run("gen_table", 50, 50, 3) != run("gen_table", 50, 50, 4)
    wide = run("gen_table", 50, 50, 3, "--text", 33).decode().split("\n")
    assert wide[0] == "key,value,text" and all(len(line.split(",")[2]) == 33 for line in wide[1:-1])


def main():
    seed = int(os.environ.get("BARKS_TEST_SEED", random.SystemRandom().randrange(1 << 32)))
    print(f"replay with BARKS_TEST_SEED={seed}", flush=True)
    rng = random.Random(seed)
    check_records()
    check_graph()
    with tempfile.TemporaryDirectory() as folder:
        check_tables(folder)
        for name, content in sort_inputs(rng):
            check_sorting(name, content, folder)
        for name, text in graphs(rng):
            check_ranking(name, text, folder)
        for name, text in graphs_around_a_chunk():
            check_ranking(name, text, folder, ((3, 1),))
        for name, rows in tables(rng):
            check_grouping(name, rows, folder)
        few = [(rng.randrange(50), i) for i in range(3000)]
        for name, rows in tables(rng):
            check_joining(name, rows[:40000], [(key, -i) for i, (key, _) in enumerate(few)], folder)
            check_joining(name + " on the right", few, rows[:3000], folder)
        many = [(i * 7919 % 50000, i) for i in range(50000)]
        check_joining("a partner for each", many, [(key, -value) for key, value in many], folder)


main()
