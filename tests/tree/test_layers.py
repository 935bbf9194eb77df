#!/usr/bin/env python3
"""The tree keeps to scripts/layers.txt, and scripts/layers finds each way not to."""
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/support"))
from tap import run_cases  # noqa: E402


def mistakes_of(files):
    """What the check says of a small tree with three layers and these files."""
    with tempfile.TemporaryDirectory(prefix="barks layers ") as folder:
        root = pathlib.Path(folder)
        table = {"scripts/layers.txt": "# a table\nsrc/base:\nsrc/net: src/base\nscheduler: src/base\n"}
        for name in ("src/base", "src/net", "scheduler", "include", "jobs"):
            (root / name).mkdir(parents=True)
        for name, text in {**table, **files}.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text)
        return run_check(root)


def run_check(root):
    run = subprocess.run([sys.executable, ROOT / "scripts/layers", root], capture_output=True,
                         text=True, check=False)
    assert (run.returncode == 0) == (run.stdout == ""), (run.returncode, run.stdout, run.stderr)
    return run.stdout.splitlines()


def this_tree_keeps_to_the_table():
    found = run_check(ROOT)
    assert not found, found


def downward_includes_are_fine():
    assert not mistakes_of({
        "src/base/a.c": '#include "base/b.h"\n#include <stdio.h>\n#include "barks/status.h"\n',
        "src/net/c.c": '#include "base/b.h"\n#include "net/d.h"\n#include <mpi.h>\n#include <hwloc.h>\n',
        "include/barks/e.h": '#include "barks/f.h"\n#include <stdint.h>\n',
        "jobs/g.c": "#include <barks/barks.h>\n#include <stdio.h>\n",
    })


def each_mistake_is_found():
    for name, text, expected in [
        ("src/base/a.c", '#include "net/b.h"\n', "src/base must not include net/b.h"),
        ("scheduler/a.h", '\n# include "net/b.h"\n', "scheduler/a.h:2: scheduler must not include"),
        ("scheduler/a.c", "#include <mpi.h>\n", "mpi.h belongs to src/net alone"),
        ("src/base/a.c", "#include <hwloc/bitmap.h>\n", "hwloc/bitmap.h belongs to src/net alone"),
        ("src/net/a.c", '#include "b.h"\n', '"b.h" is not a path that begins with a layer'),
        ("src/net/a.c", '#include "spark/b.h"\n', "not a path that begins with a layer"),
        ("src/net/a.c", "#include <barks/status.h>\n", 'inside the tree it is "barks/status.h"'),
        ("include/barks/a.h", '#include "base/b.h"\n', "a public header must not include base/b.h"),
        ("include/barks/a.h", "#include <mpi.h>\n", "a public header must not include mpi.h"),
        ("jobs/a.c", '#include "base/b.h"\n', "a job includes <barks/barks.h> alone"),
        ("jobs/a.c", "#include <barks/rdd.h>\n", "a job includes <barks/barks.h> alone"),
    ]:
        found = mistakes_of({name: text})
        assert len(found) == 1 and expected in found[0], (name, text, found)
    found = mistakes_of({"src/base/a.c": "", "scheduler/a.c": ""})
    assert len(found) == 1 and "has the same name" in found[0], found


run_cases(this_tree_keeps_to_the_table, downward_includes_are_fine, each_mistake_is_found)
