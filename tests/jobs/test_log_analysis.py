"""log_analysis INPUT... OUTPUT: the ten pages with most errors of each hour, as a regular expression finds them."""

import collections
import re

import harness
import inputs
import outputs
import tables

LINE = re.compile(rb'[^\[]*\[([^\]]{14})[^\]]*\][^"]*"[^" ]* ([^" ]*) [^"]*" (\d+) ')


def make(folder, rng):
    lines = []
    for _ in range(20000):
        hour = b"%02d/Oct/2000:%02d" % (rng.randrange(1, 3), rng.randrange(24))
        page = b"/page%d.html" % min(rng.randrange(40), rng.randrange(40))
        status = rng.choice([200, 200, 301, 404, 500, 503])
        lines.append(rng.choice([b"", b"no line of a log\n", b'10.0.0.1 - - [] "GET" 404\n']) if rng.random() < 0.02 else
                     b'10.0.0.%d - - [%s:13:36 -0700] "GET %s HTTP/1.0" %d 2326\n' % (
                         rng.randrange(256), hour, page, status))
    return [inputs.write(folder, "access.log", b"".join(lines))]


def check(named, output):
    errors = collections.Counter()
    with open(named[0], "rb") as file:
        for line in file:
            found = LINE.match(line)
            if found and int(found[3]) >= 400:
                errors[found[1].decode(), found[2].decode()] += 1
    hours = {}
    for (hour, page), count in errors.items():
        hours.setdefault(hour, []).append((-count, page))
    expected = [(hour, page, str(-count)) for hour in sorted(hours) for count, page in sorted(hours[hour])[:10]]
    rows = tables.written(output, ["hour", "page", "errors"])
    if rows != expected:
        raise outputs.Wrong(f"{rows[:3]}..., not {expected[:3]}...")


if __name__ == "__main__":
    harness.main("log_analysis", ".csv", [harness.Case("two days", make, check)])
