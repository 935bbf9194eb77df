"""What the operations of ops_samples.c give; see ops_a.py."""

import math

from ops_rows import ordered

SHARES = {0: 0.5, 1: 0.25, 2: 1, 5: 0, 77: 0.9}
MASK = (1 << 64) - 1


class _Mixer:
    """splitmix64 from a state."""

    def __init__(self, state):
        self.state = state

    def next(self):
        self.state = (self.state + 0x9e3779b97f4a7c15) & MASK
        mixed = ((self.state ^ (self.state >> 30)) * 0xbf58476d1ce4e5b9) & MASK
        mixed = ((mixed ^ (mixed >> 27)) * 0x94d049bb133111eb) & MASK
        return mixed ^ (mixed >> 31)


def _draws(seed, count):
    """The first draw of each row of partition 0."""
    partition_seed = _Mixer(_Mixer(seed).next()).next()
    return [_Mixer(_Mixer((partition_seed + place) & MASK).next()).next() for place in range(count)]


def sample_by_key(data, _):
    return ordered([row for row, draw in zip(data.left, _draws(11, len(data.left)))
                    if (draw >> 11) * 2.0 ** -53 < SHARES.get(row.key, 0)])


def _lowest(draws, places, count):
    return sorted(places, key=lambda place: (draws[place] >> 1, place))[:count]


def sample_by_key_exact(data, _):
    draws = _draws(12, len(data.left))
    chosen = set()
    for key, share in SHARES.items():
        places = [place for place, row in enumerate(data.left) if row.key == key]
        chosen.update(_lowest(draws, places, math.ceil(share * len(places))))
    return ordered([data.left[place] for place in sorted(chosen)])


def sample_fixed(data, _):
    draws = _draws(13, len(data.left))
    return ordered([data.left[place] for place in sorted(_lowest(draws, range(len(data.left)), 25))])


def draw_by_key(data, _):
    counts = {}
    for row in set(data.left):
        counts[row.key] = counts.get(row.key, 0) + 1
    return [(key, math.ceil(SHARES[key] * count)) for key, count in counts.items() if SHARES.get(key, 0) > 0]


def sample_fixed_of_all(data, _):
    return ordered([(row.id,) for row in data.left])


def _key_counts(data):
    counts = {}
    for row in data.left:
        counts[row.key] = counts.get(row.key, 0) + 1
    return counts


def count_within(data, _):
    counts = _key_counts(data)
    return ordered([(-1, len(data.left), 1), (-2, sum(row.key for row in data.left), 1)]
                   + [(key, counts[key], 1) for key in sorted(counts)])


def out_of_time(data, _):
    return list(_key_counts(data).items())
