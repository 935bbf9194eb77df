"""A job that is started again goes on where it was: test_resume.py RESUME-JOB RESUME-JOB-WITH-VERSIONS JOBS-FOLDER [NAME...]

A job of several stages is killed at various moments and started again, on as many ranks or others: it writes the same
bytes, prints the same numbers, and says how many stages it has used again. What was changed meanwhile is computed
anew, and said; so is what was damaged.
"""

import functools
import glob
import os
import re
import shutil
import subprocess
import sys
import time

import harness
import outputs
import shapes

PLAIN, TWO, THREE, FIVE = shapes.PLAIN, shapes.Shape(ranks=2), shapes.Shape(ranks=3), shapes.Shape(ranks=5)
RESUMED = re.compile(rb"^barks: resumed: (\d+) of (\d+) stages reused$", re.MULTILINE)
LIMIT_SECONDS = 60
LINES = 4000
GIVEN = b"what functions are given (env, broadcast values, shipped files)"


class Place:
    """The folder of a test: input, work directory, outputs."""

    def __init__(self, folder, program, seed):
        self.folder, self.program, self.seed = folder, program, seed
        self.work = os.path.join(folder, "work")
        os.makedirs(os.path.join(folder, "in"))
        self.input = os.path.join(folder, "in", "input.txt")
        self.write_input(LINES)

    def write_input(self, lines):
        rng = harness.inputs.generator(self.seed, "words")
        with open(self.input, "w", encoding="ascii") as file:
            for _ in range(lines):
                words = ["w" * rng.randrange(1, 30) + str(int(rng.expovariate(0.004))) for _ in range(10)]
                file.write(" ".join(words) + "\n")

    def output(self, name="out"):
        return os.path.join(self.folder, name)

    def command(self, shape, name="out", factor="3", options=()):
        return shape.command(self.program, [self.input, self.output(name), factor] + list(options))

    def run(self, shape, name="out", factor="3", options=(), work=True, limit_seconds=LIMIT_SECONDS):
        own = [f"--barks-work={self.work}"] if work else []
        command = self.command(shape, name, factor, list(options) + own)
        return shapes.finish(shapes.start(command, self.folder), limit_seconds)

    def quiet(self, factor="3"):
        """What a job without a work directory does. Its arguments are the same but for the output's name."""
        ended = self.run(PLAIN, "quiet", factor, work=False)
        require(ended.status == 0, "the quiet job failed", ended)
        return ended

    def die(self, at):
        with open(os.path.join(self.folder, "in", "die-" + at), "wb"):
            pass

    def has_died(self, at):
        return not os.path.exists(os.path.join(self.folder, "in", "die-" + at))

    def stage_files(self):
        return sorted(glob.glob(os.path.join(self.work, "*", "*-*")))


def require(holds, what, ended):
    if not holds:
        raise outputs.Wrong(f"{what}\n{ended.describe()}")


def reused(ended):
    """(stages that were used again, all stages), (0, 0) where nothing is said."""
    said = RESUMED.search(ended.stderr)
    return (int(said[1]), int(said[2])) if said else (0, 0)


def check(place, ended, quiet, least_reused=0, most_reused=99, output="out"):
    require(ended.status == 0, "it failed", ended)
    require(ended.stdout == quiet.stdout, f"it printed something else than\n{quiet.describe()}", ended)
    outputs.check_same(place.output(output), place.output("quiet"), ".csv")
    count = reused(ended)[0]
    require(least_reused <= count <= most_reused,
            f"{count} stages reused, not {least_reused} to {most_reused}", ended)


# Of the 13 stages of a job that begins anew it uses some again that it has stored itself.
OWN = 4
# Where it dies, and how many of its stages are used again then: [least, most].
DEATHS = {"split": (OWN, OWN), "first": (6, 6), "weigh": (7, 7), "second": (9, 9), "sort": (10, 10), "write": (12, 12)}


def killed(program, at, first, then, seed, folder):
    place = Place(folder, program, seed)
    quiet = place.quiet()
    place.die(at)
    dead = place.run(first)
    require(place.has_died(at) and dead.status != 0, f"it did not die at '{at}'", dead)
    outputs.check_nothing_visible(place.output())
    again = place.run(then)
    check(place, again, quiet, *DEATHS[at])
    if at == "write":  # of the last action's stages only the last one runs
        require(re.search(rb", [1-9]\d* stages? skipped$", again.stderr, re.MULTILINE), "no stage is skipped", again)
    once_more = place.run(then)
    stages = reused(once_more)
    require(stages[0] == stages[1] > 0, "a job that was done has computed something", once_more)
    check(place, once_more, quiet)


def changed(program, change, said, seed, folder):
    place = Place(folder, program, seed)
    check(place, place.run(THREE), place.quiet(), most_reused=OWN)
    shutil.rmtree(place.output())
    shutil.rmtree(place.output("quiet"))
    options = change(place) or {}
    quiet = place.quiet(options.get("factor", "3"))
    ended = place.run(TWO, **options)
    lines = re.findall(rb"computed anew, since another run had this otherwise: (.*)", ended.stderr)
    require(said in lines, f"it does not say that {said} differs, but {lines}", ended)
    # What differs differs in all that follows: only within the job itself something is used again.
    check(place, ended, quiet, most_reused=OWN)


def change_input(place):
    place.write_input(LINES + 1)


def change_argument(_):
    return {"options": ["unused"]}


def change_env(_):
    return {"factor": "4"}


def change_seed(_):
    return {"options": ["--barks-seed=17"]}


def change_program(place):
    """A copy with a longer file, which finds its library where the build has it."""
    build = os.path.dirname(os.path.dirname(os.path.dirname(place.program)))
    copy = os.path.join(place.folder, "tests", "jobs", os.path.basename(place.program))
    os.makedirs(os.path.dirname(copy))
    for library in glob.glob(os.path.join(build, "libbarks.so*")):
        os.symlink(library, os.path.join(place.folder, os.path.basename(library)))
    shutil.copy(place.program, copy)
    with open(copy, "ab") as file:
        file.write(b"what the loader does not read")
    place.program = copy


def other_program_same_versions(program, seed, folder):
    """Functions whose author says that they are as they were are not computed again."""
    place = Place(folder, program, seed)
    quiet = place.quiet()
    check(place, place.run(THREE), quiet)
    shutil.rmtree(place.output())
    change_program(place)
    check(place, place.run(TWO), quiet, 4)


def other_argument_same_versions(program, seed, folder):
    """The factor is in the env of some functions: what is made before them stays."""
    place = Place(folder, program, seed)
    check(place, place.run(PLAIN), place.quiet())
    shutil.rmtree(place.output())
    shutil.rmtree(place.output("quiet"))
    ended = place.run(PLAIN, factor="4")
    lines = re.findall(rb"computed anew, since another run had this otherwise: (.*)", ended.stderr)
    require(GIVEN in lines, f"it says {lines}", ended)
    check(place, ended, place.quiet("4"))


def flip(path, rng):
    with open(path, "r+b") as file:
        at = rng.randrange(os.fstat(file.fileno()).st_size)
        file.seek(at)
        byte = file.read(1)
        file.seek(at)
        file.write(bytes([byte[0] ^ (1 << rng.randrange(8))]))


def damaged(program, spoil, is_told, shape, seed, folder):
    place = Place(folder, program, seed)
    quiet = place.quiet()
    place.die("sort")
    place.run(THREE)
    rng = harness.inputs.generator(seed, "damage")
    files = [path for path in place.stage_files() if os.path.getsize(path) > 0]
    if not files:
        raise outputs.Wrong("nothing was stored")
    for path in files:
        spoil(path, rng)
    ended = place.run(shape)
    if is_told:
        require(b"a stored stage is damaged and is computed again" in ended.stderr, "it does not say so", ended)
    check(place, ended, quiet)


def remove(path, _):
    os.remove(path)


def cut(path, rng):
    os.truncate(path, rng.randrange(os.path.getsize(path)))


def damaged_manifests(program, seed, folder):
    place = Place(folder, program, seed)
    quiet = place.quiet()
    place.die("sort")
    place.run(PLAIN)
    rng = harness.inputs.generator(seed, "damage")
    for path in glob.glob(os.path.join(place.work, "*", "manifest")):
        flip(path, rng)
    ended = place.run(TWO)
    require(b"a stored stage is damaged" in ended.stderr, "it does not say so", ended)
    # The job's own stages of the first action serve the later ones.
    check(place, ended, quiet, most_reused=OWN)


def stored_seldom(program, shape, seed, folder):
    """Where storing costs milliseconds and a failure is due in months, one exchange of a short job is stored."""
    place = Place(folder, program, seed)
    quiet = place.quiet()
    place.die("write")
    place.run(shape, options=["--barks-work.mtbf=1000h"])
    stored = {os.path.dirname(path) for path in place.stage_files()}
    check(place, place.run(shape), quiet, least_reused=1)
    all_stored = {os.path.dirname(path) for path in place.stage_files()}
    if len(stored) != 1 or len(all_stored) < 3:
        raise outputs.Wrong(f"{len(stored)} exchanges were stored, and {len(all_stored)} without work.mtbf")


def full_disk(program, shape, seed, folder):
    place = Place(folder, program, seed)
    quiet = place.quiet()
    with harness.small_disk(place.work, "64k"):
        ended = place.run(shape)
        warnings = re.findall(rb"warn runtime: (.*)", ended.stderr)
        require(len(warnings) == 1 and b"stages are not stored any more" in warnings[0] and
                b"No space left on device" in warnings[0], "no one sentence says so", ended)
        check(place, ended, quiet)


def read_only(program, shape, seed, folder):
    place = Place(folder, program, seed)
    with harness.small_disk(place.work, "1m"):
        subprocess.run(["mount", "-o", "remount,ro", place.work], check=True)
        ended = place.run(shape)
    require(ended.status == 5 and ended.stderr.count(b"cannot write in the work directory") == 1 and
            b"Read-only file system" in ended.stderr, "it was not refused", ended)
    outputs.check_nothing_visible(place.output())


def refused(program, seed, folder):
    place = Place(folder, program, seed)
    os.makedirs(place.work)
    with open(os.path.join(place.work, "thesis.tex"), "wb"):
        pass
    ended = place.run(PLAIN)
    require(ended.status == 2 and b"it holds 'thesis.tex'" in ended.stderr, "other files were no reason", ended)
    shutil.rmtree(place.work)
    with open(place.work, "wb"):
        pass
    ended = place.run(PLAIN)
    require(ended.status == 2 and b"is a file" in ended.stderr, "a file was no reason", ended)
    os.remove(place.work)
    place.work = os.path.join(folder, "not", "there")
    ended = place.run(PLAIN)
    require(ended.status == 5 and b"cannot make the work directory" in ended.stderr, "it was made", ended)


def fresh(program, seed, folder):
    place = Place(folder, program, seed)
    quiet = place.quiet()
    place.die("sort")
    place.run(PLAIN)
    check(place, place.run(PLAIN, options=["--barks-fresh"]), quiet, most_reused=OWN)


def two_at_once(program, seed, folder):
    place = Place(folder, program, seed)
    quiet = place.quiet()
    both = [shapes.start(place.command(TWO, name, options=[f"--barks-work={place.work}"]), folder)
            for name in ("one", "two")]
    for process, name in zip(both, ("one", "two")):
        check(place, shapes.finish(process, LIMIT_SECONDS), quiet, output=name)


def started_five_times(folder, job, arguments, seed, check_output):
    """Ended by a signal at times that are more each time, and started again each time, as a batch system does."""
    rng = harness.inputs.generator(seed, "times")
    command = [job] + arguments + shapes.OPTIONS + ["--barks-work=" + os.path.join(folder, "work")]
    times = []
    for turn in range(5):
        process = shapes.start(shapes.MPIRUN + [str(rng.choice([2, 3]))] + command, folder)
        times.append(0.2 + 0.15 * turn + 0.3 * rng.random())
        time.sleep(times[-1] * shapes.SLOWNESS)  # what a time limit is
        process.terminate()
        shapes.finish(process, LIMIT_SECONDS)
    ended = shapes.finish(shapes.start(shapes.MPIRUN + ["3"] + command, folder), LIMIT_SECONDS)
    require(ended.status == 0, f"ended after {times} s it fails", ended)
    check_output(ended)


def wordcount_five_times(jobs, seed, folder):
    place = Place(folder, None, seed)
    place.write_input(60000)
    job = os.path.join(jobs, "wordcount")
    quiet = shapes.finish(shapes.start([job, place.input, place.output("quiet")] + shapes.OPTIONS, folder),
                          LIMIT_SECONDS)
    require(quiet.status == 0, "the quiet job failed", quiet)
    started_five_times(folder, job, [place.input, place.output()], seed, lambda ended: outputs.check_same(
        place.output(), place.output("quiet"), ".csv"))


def terasort_five_times(jobs, seed, folder):
    job, source = os.path.join(jobs, "terasort"), os.path.join(folder, "in.bin")
    with open(source, "wb") as file:
        file.write(harness.inputs.generator(seed, "tera").randbytes(100 * 150000))
    quiet = shapes.finish(shapes.start([job, source, os.path.join(folder, "quiet")] + shapes.OPTIONS, folder),
                          LIMIT_SECONDS)
    require(quiet.status == 0, "the quiet job failed", quiet)
    suffix = os.path.splitext(sorted(os.listdir(os.path.join(folder, "quiet")))[-1])[1]
    started_five_times(folder, job, [source, os.path.join(folder, "out")], seed, lambda ended: outputs.check_same(
        os.path.join(folder, "out"), os.path.join(folder, "quiet"), suffix))


HOT_ROWS = {"left": 60000, "right": 30000}


def write_hot_tables(folder, seed):
    """Of the right one, which is mapped second, most rows have a key of two rows of the left one."""
    rng = harness.inputs.generator(seed, "hot")
    for name, count in HOT_ROWS.items():
        with open(os.path.join(folder, name + ".csv"), "w", encoding="ascii") as file:
            file.write(f"key,{name}\n")
            for row in range(count):
                is_hot = row in (7, 8) if name == "left" else rng.random() < 0.8
                file.write(f"{0 if is_hot else rng.randrange(1, count)},{row}\n")


def hot_join_killed(jobs, stage, first, then, seed, folder):
    write_hot_tables(folder, seed)
    options = ["--barks-broadcast-join-bytes=0"]
    arguments = [os.path.join(folder, "left.csv"), os.path.join(folder, "right.csv"), "key"]
    job, quiet_out, out = os.path.join(jobs, "join_csv"), os.path.join(folder, "quiet"), os.path.join(folder, "out")

    def run(shape, output, before=(), more=()):
        command = shape.command(job, arguments + [output] + options + list(more))
        return shapes.finish(shapes.start(list(before) + command, folder), LIMIT_SECONDS)

    work = [f"--barks-work={os.path.join(folder, 'work')}"]
    quiet = run(first, quiet_out)
    require(quiet.status == 0 and b"1 hot key spread" in quiet.stderr, "the quiet job found no hot key", quiet)
    dead = run(first, out, ["env", f"BARKS_FAULT=kill:at=stage.committed:{stage}"], work)
    require(dead.status != 0, f"it did not die after stage {stage}", dead)
    again = run(then, out, more=work)
    require(again.status == 0, "it failed", again)
    outputs.check_same(out, quiet_out, ".csv")


def write_tables_of_few(folder, seed):
    """The left one is far larger, and most of its rows have no partner; so have others of the third."""
    rng = harness.inputs.generator(seed, "few")
    for name, other, count, first in [("left", "left", 60000, 0), ("right", "right", 3000, 0),
                                      ("third", "right", 3000, 30000)]:
        with open(os.path.join(folder, name + ".csv"), "w", encoding="ascii") as file:
            file.write(f"key,{other}\n")
            for row in range(count):
                file.write(f"{first + rng.randrange(count)},{row}\n")


def filtered_join_killed(jobs, stage, first, then, seed, folder):
    """What was sent for one join, with rows left out, is reused for the same join, and not for another."""
    write_tables_of_few(folder, seed)
    options = ["--barks-broadcast-join-bytes=0", f"--barks-work={os.path.join(folder, 'work')}"]
    job = os.path.join(jobs, "join_csv")

    def run(shape, right, output, before=(), more=options):
        names = [os.path.join(folder, name + ".csv") for name in ("left", right)]
        command = list(before) + shape.command(job, names + ["key", os.path.join(folder, output)] + list(more))
        return shapes.finish(shapes.start(command, folder), LIMIT_SECONDS)

    for right in ("right", "third"):
        quiet = run(first, right, "quiet-" + right, more=options[:1])
        require(quiet.status == 0 and b"without a partner not sent" in quiet.stderr, "the quiet job sent all", quiet)
    dead = run(first, "right", "out", ["env", f"BARKS_FAULT=kill:at=stage.committed:{stage}"])
    require(dead.status != 0, f"it did not die after stage {stage}", dead)
    again = run(then, "right", "out")
    require(again.status == 0, "it failed", again)
    # The first finds the quotes of the input alone.
    require(stage == 1 or b"resumed: " in again.stderr, "it reused nothing", again)
    other = run(then, "third", "out-third")
    require(other.status == 0, "the other join failed", other)
    outputs.check_same(os.path.join(folder, "out"), os.path.join(folder, "quiet-right"), ".csv")
    outputs.check_same(os.path.join(folder, "out-third"), os.path.join(folder, "quiet-third"), ".csv")


def main():
    program, versioned, jobs = (os.path.abspath(path) for path in sys.argv[1:4])
    seed = harness.seed_of_run()
    calls = []

    def add(name, call, *arguments):
        if not sys.argv[4:] or any(part in name for part in sys.argv[4:]):
            calls.append((name, functools.partial(harness.in_folder, call, *arguments, seed)))

    shapes_then = [PLAIN, TWO, THREE, FIVE]
    for number, at in enumerate(DEATHS):
        add(f"killed at {at}, np 3", killed, program, at, THREE, shapes_then[number % 4])
        add(f"killed at {at}, plain", killed, program, at, PLAIN, shapes_then[(number + 2) % 4])
    for name, change, said in [("input", change_input, b"the input"),
                               ("argument", change_argument, b"the job's arguments"),
                               ("env", change_env, GIVEN),
                               ("setting", change_seed, b"a setting"),
                               ("program", change_program, b"the job's program")]:
        add("changed " + name, changed, program, change, said)
    add("other program, same versions", other_program_same_versions, versioned)
    add("other argument, same versions", other_argument_same_versions, versioned)
    for shape in (PLAIN, THREE):
        for name, spoil, is_told in [("a byte", flip, False), ("cut", cut, True), ("gone", remove, True)]:
            add(f"damaged, {name}, {shape.name}", damaged, program, spoil, is_told, shape)
        add(f"stored seldom, {shape.name}", stored_seldom, program, shape)
        add(f"full disk, {shape.name}", full_disk, program, shape)
        add(f"read-only, {shape.name}", read_only, program, shape)
    add("damaged manifests", damaged_manifests, program)
    add("refused directories", refused, program)
    add("fresh", fresh, program)
    add("two at once", two_at_once, program)
    for stage in range(1, 7):
        add(f"hot join killed after stage {stage}", hot_join_killed, jobs, stage,
            shapes_then[stage % 3], shapes_then[(stage + 1) % 4])
    for stage in range(1, 5):
        add(f"filtered join killed after stage {stage}", filtered_join_killed, jobs, stage,
            shapes_then[(stage + 1) % 3], shapes_then[stage % 4])
    add("wordcount ended five times", wordcount_five_times, jobs)
    add("terasort ended five times", terasort_five_times, jobs)
    sys.exit(harness.run_all(calls))


if __name__ == "__main__":
    main()
