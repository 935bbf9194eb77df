"""Ranks are killed and the output is right: test_kills.py [OPTION...] JOBS-FOLDER

A word count, a terasort, one with a slow executor, and a join run on four executors, over shared memory and over tcp, with --barks-work under
scripts/run-until-done, while one to three of their processes are killed (SIGKILL) at points of the protocol and at random
times. Each must end with the bytes of a quiet run, in time, and leave no process, no file and no segment of shared memory.
--path recovery starts mpirun so that the other ranks live on.

With --state it goes on where it was stopped (scripts/soak kills), else it prints TAP. Each failure tells the plan that
repeats it (kill_plan.py).
"""

import argparse
import concurrent.futures
import json
import os
import random
import sys
import tempfile

import harness
import inputs
import kill_plan
import kill_runner
import outputs

HOWS = ("recovery", "resume", "quiet", "wrong", "hang", "left")
GOOD = HOWS[:3]
PIECE = 20  # cases between two notes of the place
# What once went wrong: the hidden directory of an output that was whole stayed for a day.
ONCE_WRONG = ["join_csv shm output.whole@0"]


class Campaign:
    """The cases of a seed."""

    def __init__(self, jobs_folder, folder, seed, path):
        self.seed, self.path, self.folder = seed, path, folder
        self.runners = {}
        for name in kill_runner.JOBS:
            self.runners[name] = kill_runner.Runner(name, jobs_folder, os.path.join(folder, name), seed, path)
            self.runners[name].quiet()

    def plan(self, number):
        names = list(self.runners)
        name = names[number % len(names)]
        return kill_plan.draw(inputs.generator(self.seed, f"case {number}"), number // len(names), name,
                              self.runners[name].quiet_run, self.path == "resume", self.path == "recovery")

    def run(self, plan, label):
        return self.runners[plan.job].run(plan, os.path.join(self.folder, f"case-{label}"))

    def run_numbers(self, numbers, at_once, tell):
        def one(number):
            plan = self.plan(number)
            return number, plan, self.run(plan, number)
        with concurrent.futures.ThreadPoolExecutor(at_once) as pool:
            for number, plan, outcome in pool.map(one, numbers):
                tell(number, plan, outcome)


def replay(options, seed, plan):
    return f"scripts/soak kills --path {options.path} --seed {seed} --replay '{plan}'"


def print_table(tallies, path, margin=""):
    """A line for each job and transport, and one for all of them."""
    print(f"{margin}\n{margin}| job, transport ({path}) | runs | kills | right by recovery | by resuming | no kill struck | wrong | "
          f"hangs | left something |\n{margin}|---|---|---|---|---|---|---|---|---|")
    rows = sorted(tallies.items())
    total = {}
    for _, row in rows:
        for key, count in row.items():
            total[key] = total.get(key, 0) + count
    for name, row in [*rows, ("all", total)]:
        cells = [sum(row.get(how, 0) for how in HOWS), row.get("kills", 0)] + [row.get(how, 0) for how in HOWS]
        print(f"{margin}| {name} | " + " | ".join(map(str, cells)) + " |")
    sys.stdout.flush()


def note(tallies, plan, outcome):
    row = tallies.setdefault(f"{plan.job} {plan.transport}", {})
    row[outcome.how] = row.get(outcome.how, 0) + 1
    row["kills"] = row.get("kills", 0) + outcome.struck


def as_test(options, seed):
    """A piece of it as TAP."""
    tallies, bad = {}, []

    def tell(number, plan, outcome):
        note(tallies, plan, outcome)
        if options.path == "recovery" and outcome.how == "resume":
            print(f"# resumed: {replay(options, seed, plan)}", flush=True)
        if outcome.how not in GOOD:
            bad.append(f"{outcome.how}: {replay(options, seed, plan)}\n{outcome.words}")

    def cases(folder):
        campaign = Campaign(options.folder, folder, seed, options.path)
        if options.path == "resume":
            for number, text in enumerate(ONCE_WRONG):
                plan = kill_plan.Plan.of(text)
                tell(None, plan, campaign.run(plan, f"once-{number}"))
        campaign.run_numbers(range(options.count), options.at_once, tell)
        print_table(tallies, options.path, "# ")
        if bad:
            raise outputs.Wrong("\n".join(bad[:5]))
        struck = sum(row["kills"] for row in tallies.values())
        if struck < options.count // 10:  # a job may end sooner than the quiet run whose length the times are drawn from
            raise outputs.Wrong(f"only {struck} kills have struck in {options.count} runs")
    return harness.run_all([(f"{options.count} runs with kills, {options.path}", lambda: harness.in_folder(cases))])


def as_soak(options):
    """Goes on where the state is; what is bad ends nothing, but the exit status tells of it."""
    state = {"seed": options.seed or random.SystemRandom().randrange(1 << 32), "done": 0, "path": options.path, "tallies": {},
             "bad": []}
    if os.path.exists(options.state):
        with open(options.state, encoding="ascii") as file:
            state = json.load(file)
        if state["path"] != options.path:
            raise SystemExit(f"'{options.state}' is of --path {state['path']}: start with --anew")

    def keep():
        with open(options.state + ".new", "w", encoding="ascii") as file:
            json.dump(state, file)
        os.rename(options.state + ".new", options.state)

    def tell(number, plan, outcome):
        note(state["tallies"], plan, outcome)
        if options.path == "recovery" and outcome.how == "resume":  # right, but it should have gone on
            print(f"soak kills: resumed, run {number}: {replay(options, state['seed'], plan)}", flush=True)
        if outcome.how not in GOOD:
            state["bad"].append(str(plan))
            print(f"soak kills: {outcome.how}, run {number}: {replay(options, state['seed'], plan)}\n{outcome.words}",
                  flush=True)

    print(f"soak kills: seed {state['seed']}, {state['done']} of {options.count} runs were done before", flush=True)
    with tempfile.TemporaryDirectory(prefix="barks-kills-", ignore_cleanup_errors=True) as folder:
        campaign = Campaign(options.folder, folder, state["seed"], options.path)
        while state["done"] < options.count:
            until = min(state["done"] + PIECE, options.count)
            campaign.run_numbers(range(state["done"], until), options.at_once, tell)
            state["done"] = until
            keep()
            print(f"soak kills: {until} of {options.count} runs, {len(state['bad'])} bad", flush=True)
    print_table(state["tallies"], options.path)
    return 1 if state["bad"] else 0


def as_replay(options, seed):
    plan = kill_plan.Plan.of(options.replay)
    with tempfile.TemporaryDirectory(prefix="barks-kills-", ignore_cleanup_errors=True) as folder:
        outcome = Campaign(options.folder, folder, seed, options.path).run(plan, "replay")
    print(f"{plan}: {outcome.how}, {outcome.struck} kills struck, {outcome.runs} runs\n{outcome.words}")
    return 0 if outcome.how in GOOD else 1


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--path", choices=kill_runner.PATHS, default="resume")
    parser.add_argument("--count", type=int, default=10, help="runs (10)")
    parser.add_argument("--at-once", type=int, default=2, help="runs at the same time (2)")
    parser.add_argument("--state", help="goes on where this file says, and keeps the place there")
    parser.add_argument("--seed", type=int, help="instead of BARKS_TEST_SEED, or one by lot")
    parser.add_argument("--replay", metavar="PLAN", help="this one alone, on the inputs of the seed")
    parser.add_argument("folder", help="where the jobs are built")
    options = parser.parse_args()
    options.folder = os.path.abspath(options.folder)
    if options.state is not None:
        sys.exit(as_soak(options))
    seed = options.seed if options.seed is not None else harness.seed_of_run()
    sys.exit(as_test(options, seed) if options.replay is None else as_replay(options, seed))


if __name__ == "__main__":
    main()
