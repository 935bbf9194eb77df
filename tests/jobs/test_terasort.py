"""terasort INPUT OUTPUT: the parts one after the other are the sorted records; terasort_check agrees."""

import os
import subprocess
import sys

import harness
import inputs
import outputs
import shapes

RECORD = 100


def records(count):
    def make(folder, rng):
        return [inputs.write(folder, "records", rng.randbytes(RECORD * count))]
    return make


def few_keys(folder, rng):
    return [inputs.write(folder, "records", b"".join(bytes([rng.randrange(3)]) * 10 + rng.randbytes(90)
                                                     for _ in range(3000)))]


def check(named, output):
    with open(named[0], "rb") as file:
        text = file.read()
    expected = b"".join(sorted(text[i:i + RECORD] for i in range(0, len(text), RECORD)))
    if b"".join(outputs.parts(output, ".bin")) != expected:
        raise outputs.Wrong("the records are not those of the input, sorted")
    checker = os.path.join(sys.argv[-1], "terasort_check")
    done = subprocess.run([checker, named[0], output, "--barks-quiet"], env=shapes.environment(), check=False, stdout=subprocess.PIPE)
    if done.returncode != 0 or not done.stdout.startswith(b"sorted: %d " % (len(text) // RECORD)):
        raise outputs.Wrong(f"terasort_check says {done.stdout!r}")
    if len(text) > RECORD:  # the unsorted input is no right output of itself
        done = subprocess.run([checker, named[0], named[0], "--barks-quiet"], env=shapes.environment(), check=False,
                              stdout=subprocess.PIPE)
        if done.returncode == 0 or not done.stdout.startswith(b"wrong"):
            raise outputs.Wrong(f"terasort_check says {done.stdout!r} of unsorted records")


if __name__ == "__main__":
    harness.main("terasort", ".bin", [harness.Case("random records", records(30000), check),
                                      harness.Case("few keys", few_keys, check),
                                      harness.Case("one record", records(1), check)])
