"""What the operations of ops_c.c give; see ops_a.py."""


def count(data, _):
    return [(len(data.left),)]
