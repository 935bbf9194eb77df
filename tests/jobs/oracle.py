"""The dumbest right reader of the inputs: what a text source must give, in order."""

import glob
import gzip
import os
import subprocess

BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def named_files(argument):
    paths = glob.glob(argument) if "*" in argument else [argument]
    for path in paths:
        if os.path.isdir(path):
            yield from (os.path.join(path, name) for name in os.listdir(path) if name[0] not in "._")
        else:
            yield path


def files(arguments):
    """The files that arguments name, all in the order of their paths' bytes, and one as often as it is named. Of a
    directory those that do not begin with . or _."""
    return sorted((path for argument in arguments for path in named_files(argument)), key=os.fsencode)


def content(path):
    with open(path, "rb") as file:
        text = file.read()
    if path.endswith(".gz"):
        text = gzip.decompress(text)
    if path.endswith(".zst"):
        text = subprocess.run(["zstd", "-dc"], input=text, check=True, stdout=subprocess.PIPE).stdout
    return text.removeprefix(BYTE_ORDER_MARK)


def texts(arguments):
    return map(content, files(arguments))


def lines(arguments):
    """Lines end at \\n, and one \\r before it goes with it; a last line without \\n counts where it has bytes."""
    for text in texts(arguments):
        *whole, rest = text.split(b"\n")
        for line in whole:
            yield line.removesuffix(b"\r")
        if rest:
            yield rest
