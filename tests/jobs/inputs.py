"""Inputs that text jobs must get right.

Each function makes files below a folder and returns the arguments that name them; TEXTS are whole files by name.
What is random comes from the seed that the test prints.
"""

import ctypes
import ctypes.util
import gzip
import os
import random

SPLIT = 64 << 10  # as in shapes.OPTIONS
MIB = 1 << 20


def words_text(rng, size):
    """Lines of words of which few are frequent, at least size bytes."""
    vocabulary = [bytes(rng.choices(b"abcdefghijklmnopqrstuvwxyz", k=rng.randint(1, 20)))
                  for _ in range(5000)]
    weights = [1 / (i + 1) for i in range(len(vocabulary))]
    lines, length = [], 0
    while length < size:
        lines.append(b" ".join(rng.choices(vocabulary, weights, k=rng.randint(0, 15))))
        length += len(lines[-1]) + 1
    return b"\n".join(lines) + b"\n"


def skewed_text(rng):
    words = [b"the"] * 450000 + [b"%d" % rng.randrange(100000) for _ in range(50000)]
    rng.shuffle(words)
    return b"\n".join(b" ".join(words[i:i + 10]) for i in range(0, len(words), 10)) + b"\n"


TEXTS = {
    "an empty file": lambda rng: b"",
    "one byte": lambda rng: b"x",
    "one newline": lambda rng: b"\n",
    "only newlines": lambda rng: b"\n" * (3 * SPLIT + 7),
    "no final newline": lambda rng: words_text(rng, 3 * SPLIT)[:-1],
    "many splits": lambda rng: words_text(rng, 2 * MIB),
    "invalid UTF-8": lambda rng: rng.randbytes(MIB),
    "a byte order mark": lambda rng: b"\xef\xbb\xbfword word\n\xef\xbb\xbfword\n",
    "NUL bytes": lambda rng: rng.randbytes(MIB // 2).translate(
        bytes(b"\0\0ab \n"[i % 6] for i in range(256))),
    "quotes and commas": lambda rng: rng.randbytes(MIB // 2).translate(
        bytes(b'"",,ab \n'[i % 8] for i in range(256))),
    "CRLF": lambda rng: words_text(rng, 3 * SPLIT).replace(b"\n", b"\r\n") + b"\ra\r\rb\r",
    "other control bytes": lambda rng: bytes(range(256)) * 1000,
    "words of 10 MB": lambda rng: b"s %s\n%s %s t\n" % (
        b"a" * (10 * MIB), b"b" * (10 * MIB), b"a" * (10 * MIB)),
    "lines of 10 MB": lambda rng: words_text(rng, 10 * MIB).replace(b"\n", b" ") + b"\n" + b"short\n" +
        words_text(rng, 10 * MIB).replace(b"\n", b" ") + b"\nlast",
    "a line end at each place near a split's end": lambda rng: b"".join(
        b"x" * (SPLIT - 2 + i) + b"\n" for i in range(5)) + b"y" * (SPLIT - 1) + b"\r\n",
    "words of all lengths": lambda rng: b"\n".join(b"k" * n + b" " + b"k" * n + b"z" for n in range(1, 300)),
    "one word in nine of ten": skewed_text,
}


def write(folder, name, text):
    path = os.path.join(folder, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(text)
    return path


def one_text(name):
    return lambda folder, rng: [write(folder, "text", TEXTS[name](rng))]


def empty_directory(folder, rng):
    path = os.path.join(folder, "nothing")
    os.makedirs(path)
    return [path]


def directory(folder, rng):
    """Files in path order; those that begin with . or _ do not count; empty ones do."""
    for name in ("b", "a", "c.txt", "aa", "B"):
        write(folder, f"texts/{name}", words_text(rng, rng.randrange(3 * SPLIT)))
    write(folder, "texts/empty", b"")
    write(folder, "texts/no-newline", b"end without newline")
    write(folder, "texts/.hidden", b"hidden\n")
    write(folder, "texts/_logs", b"logs\n")
    return [os.path.join(folder, "texts")]


def several(folder, rng):
    """A file that is named twice, a directory and a glob: read in the order of the paths, not of their naming."""
    first = write(folder, "z", words_text(rng, SPLIT))
    write(folder, "d/x", words_text(rng, SPLIT))
    write(folder, "d/y", b"no newline")
    write(folder, "glob/part-1.log", b"one\n")
    write(folder, "glob/part-2.log", b"two\n")
    write(folder, "glob/other.txt", b"other\n")
    return [first, os.path.join(folder, "d"), first, os.path.join(folder, "glob/part-*.log")]


def small_files(count):
    def make(folder, rng):
        for i in range(count):
            write(folder, f"small/{i:05}", b"file %d\nof %d\n" % (i, i % 100))
        return [os.path.join(folder, "small")]
    return make


def zstd_compress(text):
    library = ctypes.CDLL(ctypes.util.find_library("zstd") or "libzstd.so.1")
    library.ZSTD_compressBound.restype = library.ZSTD_compress.restype = ctypes.c_size_t
    library.ZSTD_compressBound.argtypes = [ctypes.c_size_t]
    library.ZSTD_compress.argtypes = [ctypes.c_char_p, ctypes.c_size_t, ctypes.c_char_p, ctypes.c_size_t,
                                      ctypes.c_int]
    out = ctypes.create_string_buffer(library.ZSTD_compressBound(len(text)))
    size = library.ZSTD_compress(out, len(out), text, len(text), 3)
    assert size <= len(out), "ZSTD_compress failed"
    return out.raw[:size]


def gzip_files(folder, rng):
    first, second = words_text(rng, 5 * SPLIT), words_text(rng, SPLIT)[:-1]
    two_members = gzip.compress(first) + gzip.compress(second)
    return [write(folder, "two.gz", two_members), write(folder, "empty.gz", gzip.compress(b"")),
            write(folder, "plain", b"plain\n")]


def zstd_files(folder, rng):
    first, second = words_text(rng, 5 * SPLIT), words_text(rng, SPLIT)[:-1]
    two_frames = zstd_compress(first) + zstd_compress(second)
    return [write(folder, "two.zst", two_frames), write(folder, "empty.zst", zstd_compress(b"")),
            write(folder, "plain", b"plain\n")]


LAYOUTS = {
    "an empty directory": empty_directory,
    "a directory": directory,
    "several inputs": several,
    "gzip": gzip_files,
    "zstd": zstd_files,
}


def generator(seed, name):
    """Each case has its own, so that a case replays alone."""
    return random.Random(f"{seed} {name}")
