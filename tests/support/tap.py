"""TAP from Python: run_cases(case, case...) runs functions, prints a line for each, and exits."""
import sys
import traceback


class Skip(Exception):
    """Raised by a case that cannot run here; its text says why."""


def run_cases(*cases):
    failed = 0
    print(f"1..{len(cases)}", flush=True)
    for number, case in enumerate(cases, 1):
        try:
            case()
            line = f"ok {number} - {case.__name__}"
        except Skip as why:
            line = f"ok {number} - {case.__name__} # SKIP {why}"
        except Exception:  # pylint: disable=broad-except
            traceback.print_exc()
            failed += 1
            line = f"not ok {number} - {case.__name__}"
        print(line, flush=True)
    sys.exit(1 if failed else 0)
