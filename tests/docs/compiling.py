"""Compiles programs as the build compiles its jobs: with its compiler, its warnings, its sanitizers, its library."""
import functools
import json
import os
import pathlib
import shlex
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/support"))
BUILD = pathlib.Path(sys.argv[1]).resolve()


@functools.cache
def job_command():
    """(compiler, flags) of jobs/wordcount.c, without files."""
    entries = json.loads((BUILD / "compile_commands.json").read_text())
    entry = next(entry for entry in entries if entry["file"].endswith("jobs/wordcount.c"))
    words, flags = shlex.split(entry["command"]), []
    for word in words[1:]:
        if word in ("-MD", "-c", "-o", "-MQ", "-MF") or word.startswith("jobs/") or word == entry["file"]:
            continue
        flags.append(word)
    return words[0], flags


def run(command, **options):
    return subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False, timeout=60,
                          **options)


def compile_job(text, folder, name):
    """The program of the text, whose warnings are errors."""
    source, program = pathlib.Path(folder, name + ".c"), pathlib.Path(folder, name)
    source.write_text(text)
    compiler, flags = job_command()
    done = run([compiler, *flags, "-Werror", source, "-o", program, f"-L{BUILD}", "-lbarks", f"-Wl,-rpath,{BUILD}",
                "-rdynamic"], cwd=BUILD)
    assert done.returncode == 0, f"{name}:\n{done.stderr}"
    return program


def run_job(program, *arguments, status=0, cwd=None):
    """What it prints, on both."""
    done = run([program, *arguments, "--barks-quiet"], cwd=cwd, env={**os.environ, "HOME": str(cwd or "/"), "XDG_CONFIG_HOME": ""})
    assert done.returncode == status, (arguments, done.returncode, done.stdout, done.stderr)
    return done.stdout, done.stderr
