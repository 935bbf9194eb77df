"""The programs that benchmarks rest on are right: the generator repeats itself, and the word count
bound equals a count by Python, for texts that are cut by chunks, blocks and threads in nasty ways.

usage: test_bounds.py GEN_WORDS WORDCOUNT_BOUND
"""

import collections
import os
import random
import re
import subprocess
import sys
import tempfile

GEN_WORDS, BOUND = sys.argv[1:3]
CHUNK = 256 << 10  # CHUNK_BYTES of the bound


def expected(text):
    return collections.Counter(re.findall(rb"[^ \t\n\v\f\r]+", text))


def counted(text, threads, folder):
    source, target = os.path.join(folder, "in"), os.path.join(folder, "out")
    with open(source, "wb") as file:
        file.write(text)
    subprocess.run([BOUND, source, target, str(threads)], check=True, timeout=60,
                   stdout=subprocess.DEVNULL)
    counts = collections.Counter()
    for i in range(threads):
        with open(f"{target}.{i}", "rb") as file:
            for line in file.read().split(b"\n")[:-1]:
                word, count = line.rsplit(b",", 1)
                assert word not in counts, f"{word[:40]!r} stands in two places"
                counts[word] = int(count)
    return counts


def texts(rng):
    yield "empty", b""
    yield "one byte", b"x"
    yield "one separator", b"\n"
    yield "only newlines", b"\n" * (CHUNK + 5)
    yield "no final newline", b"a b\nc"
    yield "all bytes", bytes(range(256)) * 700
    yield "NULs and quotes", b'\0 \0\0 a\0b "q,q" \x1f \x7f \x85 \xa0 ' * 20000
    yield "CRLF", b"one two\r\nthree\r\n" * 50000
    for length in list(range(1, 40)) + [CHUNK - 1, CHUNK, CHUNK + 1, 5 * CHUNK, 10 << 20]:
        word = bytes(rng.choices(b"abc\xff\0,", k=min(length, 999)))
        word = (word * (length // len(word) + 1))[:length]
        yield f"words of {length}", (b" ".join([word, b"b", word[:-1], word + b"c"]) + b"\n") * 3
    for shift in (-257, -256, -17, -16, -15, -1, 0, 1, 2, 15, 16, 17, 255, 256, 257):
        yield f"a word across a chunk's end {shift}", b" " * (CHUNK + shift) + b"w" * 16 + b" x" * 9
        yield f"a stop at a chunk's end {shift}", b"ab" * ((CHUNK + shift) // 2) + b" y " + b"z" * CHUNK
    yield "distinct words", b" ".join(b"%d" % i for i in range(300000))
    yield "distinct long words", b" ".join(b"a-long-prefix-%d" % i for i in range(100000))
    yield "skewed words", b"the " * 900000 + b" ".join(b"%d" % i for i in range(100000))
    for i in range(20):
        alphabet = rng.choice([b"ab \n", b"abcdefgh ", bytes(range(256)), b"a\t\v\f\r "])
        table = bytes(alphabet[i % len(alphabet)] for i in range(256))
        yield f"random {i}", rng.randbytes(rng.randrange(3 * CHUNK)).translate(table)


def check_generator():
    first, again, other = (
        subprocess.run([GEN_WORDS, "3M", seed], check=True, stdout=subprocess.PIPE, timeout=60).stdout
        for seed in ("1", "1", "2"))
    assert first == again and first != other and len(first) == 3 << 20
    lines = first.split(b"\n")
    assert lines[-1] == b""
    for line in lines[:-2]:  # the last one was cut
        words = line.split(b" ")
        assert 5 <= len(words) <= 15
        assert all(re.fullmatch(rb"[a-z]{2,14}", word) for word in words)
    (_, top), (_, second) = expected(first).most_common(2)
    assert 1.8 < top / second < 2.2, "the most frequent word comes twice as often as the next"


def main():
    seed = int(os.environ.get("BARKS_TEST_SEED", random.SystemRandom().randrange(1 << 32)))
    print(f"replay with BARKS_TEST_SEED={seed}", flush=True)
    check_generator()
    with tempfile.TemporaryDirectory() as folder:
        for name, text in texts(random.Random(seed)):
            for threads in (1, 3):
                assert counted(text, threads, folder) == expected(text), f"{name}, {threads} threads"


main()
