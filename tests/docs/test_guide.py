#!/usr/bin/env python3
"""The jobs of docs/guide.md do what the page says: test_guide.py BUILD"""

import os
import pathlib
import re
import subprocess
import tempfile

from compiling import BUILD, ROOT, compile_job
from tap import run_cases

FENCE = re.compile(r"^```(\w+) ?(\S*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def guide_jobs_print_what_the_page_shows():
    environment = {**os.environ, "LC_ALL": "C", "LD_LIBRARY_PATH": str(BUILD), "BARKS_QUIET": "true"}
    jobs, outputs, printed = 0, 0, None
    with tempfile.TemporaryDirectory(prefix="barks_guide_") as folder:
        for kind, name, text in FENCE.findall((ROOT / "docs/guide.md").read_text()):
            if kind == "c":
                compile_job(text, folder, name)
                jobs += 1
            elif kind == "sh":
                done = subprocess.run(["sh", "-ec", text], cwd=folder, env=environment, capture_output=True, text=True,
                                      check=False, timeout=60)
                assert done.returncode == 0, (text, done)
                printed = done.stdout
            elif kind == "output":
                assert printed == text, (printed, text)
                outputs += 1
            else:
                pathlib.Path(folder, name).write_text(text)
    assert jobs == outputs == 16, (jobs, outputs)


def pages_name_calls_that_exist():
    headers = "\n".join(path.read_text() for path in (ROOT / "include/barks").glob("*.h"))
    for page in ("guide.md", "coming-from-spark.md"):
        names = set(re.findall(r"\b(?:barks|BARKS)_\w+", (ROOT / "docs" / page).read_text()))
        missing = sorted(name for name in names if not re.search(rf"\b{name}\b", headers))
        assert len(names) > 30 and not missing, (page, missing)


if __name__ == "__main__":
    run_cases(guide_jobs_print_what_the_page_shows, pages_name_calls_that_exist)
