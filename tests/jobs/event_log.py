"""Reads the event log of a job, by the words of src/history/history_record.h alone: the kinds, their numbers and
fields come from that header, msgpack is read here. What the reader of barks makes of a log is compared with it."""

import pathlib
import re
import struct

HEADER = pathlib.Path(__file__).resolve().parents[2] / "src/history/history_record.h"


class Cut(Exception):
    """The file ends within an object, at this offset."""


def read_kinds():
    """{number: (name, [field])}"""
    text = HEADER.read_text().replace("\\\n", " ")
    kinds = {}
    for number, macro, name in re.findall(r"KIND\((\d+), (\w+), (\w+)\)", text):
        fields = re.search(rf"#define HISTORY_{macro}\(N, T\)(.*)", text).group(1)
        kinds[int(number)] = (name, re.findall(r"\b[NT]\((\w+)\)", fields))
    assert len(kinds) > 10, kinds
    return kinds


KINDS = read_kinds()
# first byte: (format of what follows, whether that is the value or the length of it, type)
SIZED = {0xC4: (">B", bytes), 0xC5: (">H", bytes), 0xC6: (">I", bytes),
         0xD9: (">B", str), 0xDA: (">H", str), 0xDB: (">I", str)}
NUMBERS = {0xCC: ">B", 0xCD: ">H", 0xCE: ">I", 0xCF: ">Q"}


def take(data, at, size):
    if at + size > len(data):
        raise Cut(at)
    return data[at:at + size], at + size


def unpack(data, at):
    """One msgpack object of those that a log has, and where the next one begins."""
    first, at = take(data, at, 1)
    first = first[0]
    if first < 0x80:
        return first, at
    if first == 0xC0:
        return None, at
    if first in NUMBERS:
        raw, at = take(data, at, struct.calcsize(NUMBERS[first]))
        return struct.unpack(NUMBERS[first], raw)[0], at
    if 0xA0 <= first <= 0xBF:
        size, kind = first & 0x1F, str
    else:
        form, kind = SIZED[first]
        raw, at = take(data, at, struct.calcsize(form))
        size = struct.unpack(form, raw)[0]
    raw, at = take(data, at, size)
    return (raw.decode(errors="replace") if kind is str else raw), at


def offsets(data):
    """Where each record begins."""
    at, found = 0, []
    while at < len(data):
        found.append(at)
        for _ in range(3):
            _, at = unpack(data, at)
    return found


def read(path, may_be_cut=False):
    """[{"kind": name, field: value ...}]; a cut tail raises Cut unless it may be cut."""
    data, at, records = pathlib.Path(path).read_bytes(), 0, []
    while at < len(data):
        try:
            number, at = unpack(data, at)
            _, at = unpack(data, at)
            body, at = unpack(data, at)
        except Cut:
            if may_be_cut:
                break
            raise
        name, fields = KINDS[number]
        record, inside = {"kind": name}, 0
        for field in fields:
            record[field], inside = unpack(body, inside)
        assert inside == len(body), (name, inside, len(body))
        records.append(record)
    return records


def of_kind(records, name):
    return [record for record in records if record["kind"] == name]
