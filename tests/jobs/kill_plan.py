"""Which ranks of a job are killed, when: a plan is drawn from a seed, and is a text that can be given again.

    wordcount tcp round.begun:3@2,0.312s@1/attempt.told@4

A word count over tcp is started with kills, and started again with the next ones: rank 2 dies as its third round begins
and rank 1 0.312 s after it was started; of the next run rank 4 dies when it tells of an attempt. Later runs are quiet.
"""

import dataclasses
import re

KILL = re.compile(r"(?:(?P<seconds>[0-9.]+)s|(?P<point>[a-z]+\.[a-z]+)(?::(?P<n>[0-9]+))?)@(?P<rank>[0-9]+)")
TRANSPORTS = ("shm", "tcp")
RANKS = 5  # a driver and four executors
KILLS_MAX = 3
STARTING = "executor.started"  # not all have reported: nobody can go on yet


@dataclasses.dataclass(frozen=True)
class Kill:
    rank: int
    seconds: float | None = None  # after its process has begun
    point: str | None = None
    n: int = 1

    def __str__(self):
        if self.point is None:
            return f"{self.seconds:.3f}s@{self.rank}"
        return f"{self.point}:{self.n}@{self.rank}" if self.n > 1 else f"{self.point}@{self.rank}"

    @staticmethod
    def of(text):
        found = KILL.fullmatch(text)
        if found is None:
            raise ValueError(f"'{text}' is no kill, such as round.begun:3@2 or 0.312s@1")
        seconds = None if found["seconds"] is None else float(found["seconds"])
        return Kill(int(found["rank"]), seconds, found["point"], int(found["n"] or 1))


@dataclasses.dataclass(frozen=True)
class Plan:
    job: str
    transport: str
    runs: tuple  # of tuples of kills: one for each start of the job

    def __str__(self):
        return f"{self.job} {self.transport} " + "/".join(",".join(map(str, kills)) for kills in self.runs)

    @staticmethod
    def of(text):
        words = text.split()
        if len(words) != 3 or words[1] not in TRANSPORTS:
            raise ValueError(f"'{text}' is no plan: JOB shm|tcp KILL[,KILL...][/KILL...]")
        return Plan(words[0], words[1], tuple(tuple(map(Kill.of, run.split(","))) for run in words[2].split("/")))

    @property
    def kill_count(self):
        return sum(map(len, self.runs))

    def faults(self):
        """The text of BARKS_FAULT of each run."""
        return [";".join(f"kill:at={kill.point}:{kill.n},rank={kill.rank}" for kill in kills if kill.point is not None)
                for kills in self.runs]


def draw(rng, number, job, quiet, with_driver, at_once):
    """The plan of a case. Its first kill is at the number-th point that the quiet run has passed, so that all have their
    turn; or, every third time, like the others at a time. at_once: all kills are in the first run, since that is to go on;
    else a run has mostly one, because it ends by it."""
    passed = sorted((point, rank) for point, by_rank in quiet.points.items() for rank in by_rank
                    if (rank > 0 or with_driver) and not (at_once and point == STARTING))
    names = sorted({point for point, _ in passed})
    victims = list(range(0 if with_driver else 1, RANKS))
    kills = []
    for turn in range(rng.choice([1, 1, 2, KILLS_MAX])):
        if not victims:
            break
        at_point = (number % 3 != 2) if turn == 0 else rng.random() < 0.5
        if at_point:
            point = names[(number - number // 3) % len(names)] if turn == 0 else rng.choice(names)
            ranks = [rank for name, rank in passed if name == point and rank in victims] or \
                [rank for name, rank in passed if name == point]
            rank = rng.choice(ranks)
            kill = Kill(rank, point=point, n=rng.randint(1, quiet.points[point][rank]))
        else:
            rank = rng.choice(victims)
            kill = Kill(rank, seconds=round(rng.uniform(0, quiet.seconds), 3))
        if at_once and rank in victims:
            victims.remove(rank)  # it dies once
        kills.append(kill)
    runs = [[]]
    for kill in kills:
        is_apart = not at_once and runs[-1] and (rng.random() < 0.7 or any(k.rank == kill.rank for k in runs[-1]))
        if is_apart:
            runs.append([])
        runs[-1].append(kill)
    return Plan(job, rng.choice(TRANSPORTS), tuple(map(tuple, runs)))
