"""grep PATTERN INPUT... OUTPUT keeps the lines that contain the pattern, in the order of the input."""

import harness
import oracle
import outputs


def case_for(pattern):
    def check(named, output):
        expected = [line for line in oracle.lines(named) if pattern in line]
        written = b"".join(outputs.parts(output, ".txt"))
        if written != b"".join(line + b"\n" for line in expected):
            lines = written.split(b"\n")[:-1]
            at = next((i for i, (a, b) in enumerate(zip(lines, expected)) if a != b),
                      min(len(lines), len(expected)))
            raise outputs.Wrong(f"line {at} of {len(lines)}, not {len(expected)}: "
                                f"{lines[at:at + 1]!r:.200}, not {expected[at:at + 1]!r:.200}")
    return check


def cases(pattern, label, **options):
    check = case_for(pattern.encode())
    made = harness.all_inputs(check, lambda named, output: [pattern] + named + [output], **options)
    for case in made:
        case.name = f"{label}: {case.name}"
    return made


CASES = cases("a", "a letter")
CASES += [case for case in cases("", "every line") if case.name.split(": ")[1] in
          ("an empty file", "one newline", "only newlines", "many splits", "CRLF", "several inputs")]
CASES += [case for case in cases(".*[", "not an expression") if "many" in case.name or "quotes" in case.name]

if __name__ == "__main__":
    harness.main("grep", ".txt", CASES)
