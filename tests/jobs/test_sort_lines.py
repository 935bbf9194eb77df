"""sort_lines INPUT... OUTPUT: its parts one after the other are LC_ALL=C sort of the input's lines."""

import subprocess

import harness
import oracle
import outputs
import shapes


def check(named, output):
    text = b"".join(line + b"\n" for line in oracle.lines(named))
    expected = subprocess.run(["sort"], input=text, env=shapes.environment(), check=True,
                              stdout=subprocess.PIPE).stdout
    written = b"".join(outputs.parts(output, ".txt"))
    if written != expected:
        lines, wanted = written.split(b"\n"), expected.split(b"\n")
        at = next((i for i, (a, b) in enumerate(zip(lines, wanted)) if a != b), min(len(lines), len(wanted)))
        raise outputs.Wrong(f"line {at} of {len(lines) - 1}, not {len(wanted) - 1}: "
                            f"{lines[at:at + 1]!r:.200}, not {wanted[at:at + 1]!r:.200}")


if __name__ == "__main__":
    harness.main("sort_lines", ".txt", harness.all_inputs(check))
