"""Every job of jobs/ with a tenth of the memory that it takes when it may: same bytes, and no death.

usage: test_tenth.py JOBS GENERATORS [NAME...]. A job runs once with ample memory, and again with --barks-memory of a
tenth of the peak that it then told, but 64 MiB for each of two workers at least. TAP on stdout; what each took stands
in comments.
"""

import os
import random
import re
import shutil
import subprocess
import sys
import tempfile

LEAST_BYTES = 2 * 64 << 20
AMPLE = "12g"
SECONDS = 600
UNITS = {"B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}


class Place:
    """A folder for inputs, and the programs that make them."""

    def __init__(self, folder, generators):
        self.folder, self.generators = folder, generators

    def path(self, name):
        return os.path.join(self.folder, name)

    def generate(self, name, program, *arguments, header=None):
        """A file of what the program prints; header: instead of its first line."""
        with open(self.path(name), "wb") as file:
            made = subprocess.Popen([os.path.join(self.generators, program), *map(str, arguments)],
                                    stdout=subprocess.PIPE)
            if header is not None:
                made.stdout.readline()
                file.write(header + b"\n")
            shutil.copyfileobj(made.stdout, file, 1 << 20)
            if made.wait() != 0:
                sys.exit(f"{program} failed")
        return self.path(name)

    def write(self, name, lines):
        with open(self.path(name), "wb") as file:
            file.writelines(lines)
        return self.path(name)


def words(place, size, vocabulary):
    return place.generate("words.txt", "gen_words", size, 1, vocabulary)


def joined(place):
    left = place.generate("left.csv", "gen_table", "4M", "4M", 1, header=b"key,value")
    right = place.generate("right.csv", "gen_table", "4M", "4M", 2, header=b"key,other")
    return [left, right, "key", place.path("out")]


def indexed(place):
    os.mkdir(place.path("texts"))
    for i in range(8):
        place.generate(f"texts/{i}.txt", "gen_words", "24M", i, "1000000")
    return [place.path("texts"), place.path("out")]


def logged(place):
    rng = random.Random(1)
    lines = (b'10.0.0.1 - - [%02d/Oct/2000:%02d:13:36 -0700] "GET /page%d.html HTTP/1.0" %d 2326\n' % (
        rng.randrange(1, 9), rng.randrange(24), rng.randrange(1 << 20), rng.choice([200, 404, 500]))
        for _ in range(1000000))
    return [place.write("access.log", lines), place.path("out")]


def reached(place):
    rng = random.Random(2)
    edges = [b"%d,%d\n" % (rng.randrange(1500), rng.randrange(1500)) for _ in range(2700)]
    return [place.write("edges.csv", [b"from,to\n"] + edges), place.path("out")]


# The arguments of each job, whose output is place.path("out").
JOBS = {
    "wordcount": lambda place: [words(place, "300M", 5000000), place.path("out"), "--top", "20"],
    "grep": lambda place: ["ab", words(place, "300M", 5000000), place.path("out")],
    "sort_lines": lambda place: [place.generate("lines.txt", "gen_records", "4M", 1, "--text"), place.path("out")],
    "terasort": lambda place: [place.generate("records.bin", "gen_records", "4M", 1), place.path("out")],
    "pi": lambda place: ["20000000"],
    "join_csv": joined,
    "inverted_index": indexed,
    "log_analysis": logged,
    "pagerank": lambda place: [place.generate("graph.csv", "gen_graph", 18, 16, 1, header=b"page,target"),
                               place.path("out"), "3"],
    "kmeans": lambda place: [place.generate("points.csv", "gen_table", "4M", "1M", 1, header=b"x,y"),
                             place.path("out"), "5", "3"],
    "transitive_closure": reached,
    "triangles": lambda place: [place.generate("graph.csv", "gen_graph", 13, 8, 1, header=b"a,b")],
}


def parts(folder):
    """What was written: the bytes of each file."""
    found = {}
    for name in sorted(os.listdir(folder)) if os.path.isdir(folder) else []:
        if name.startswith("part-"):
            with open(os.path.join(folder, name), "rb") as file:
                found[name] = file.read()
    return found


def run(job, arguments, memory, output):
    """What the job printed, wrote, and said of its peak and of what it spilled."""
    shutil.rmtree(output, ignore_errors=True)
    command = [job, *arguments, "--barks-workers", "2", "--barks-memory", str(memory)]
    ended = subprocess.run(command, capture_output=True, timeout=SECONDS, check=False)
    said = ended.stderr.decode(errors="replace")
    if ended.returncode != 0:
        raise RuntimeError(f"exit status {ended.returncode} with --barks-memory {memory}:\n{said}")
    peak = re.search(r"peak memory ([\d.]+) (\w+)(?:, spilled ([\d.]+ \w+))?", said)
    return ended.stdout, parts(output), float(peak[1]) * UNITS[peak[2]], peak[3] or "nothing"


def check(jobs, generators, name):
    folder = tempfile.mkdtemp(prefix="barks-tenth-")
    try:
        place = Place(folder, generators)
        arguments = JOBS[name](place)
        job, output = os.path.join(jobs, name), place.path("out")
        stdout, written, peak, _ = run(job, arguments, AMPLE, output)
        budget = max(int(peak / 10), LEAST_BYTES)
        same_stdout, same_written, small_peak, spilled = run(job, arguments, budget, output)
        print(f"# {name}: {peak / (1 << 20):.0f} MiB, then {small_peak / (1 << 20):.0f} of {budget >> 20}, spilled {spilled}")
        if stdout != same_stdout or written != same_written:
            raise RuntimeError("other bytes than with ample memory")
        if small_peak > budget * 1.05:
            raise RuntimeError("more memory than its budget and 5 %")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def main():
    jobs, generators, *wanted = sys.argv[1:]
    names = [name for name in JOBS if not wanted or name in wanted]
    print(f"1..{len(names)}")
    failed = 0
    for number, name in enumerate(names, 1):
        try:
            check(jobs, generators, name)
            print(f"ok {number} - {name} with a tenth of its memory", flush=True)
        except (RuntimeError, subprocess.TimeoutExpired) as error:
            failed += 1
            print("# " + str(error).replace("\n", "\n# "))
            print(f"not ok {number} - {name} with a tenth of its memory", flush=True)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
