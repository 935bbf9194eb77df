"""pi [SAMPLES] prints the same estimate in every shape, and a good one."""

import math
import re

import harness
import outputs


def case_for(samples, tolerance):
    def check_stdout(named, stdout):
        found = re.fullmatch(rb"pi is about ([0-9.]+) \(%d points\)\n" % samples, stdout)
        if not found or abs(float(found[1]) - math.pi) > tolerance:
            raise outputs.Wrong(f"not within {tolerance} of pi")

    return harness.Case(f"{samples} samples", make=lambda folder, rng: [], check=lambda named, output: None,
                        check_stdout=check_stdout, arguments=lambda named, output: [str(samples)])


CASES = [case_for(1, 4), case_for(1000, 0.3), case_for(10_000_000, 0.003)]

if __name__ == "__main__":
    harness.main("pi", None, CASES)
