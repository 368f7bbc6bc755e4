"""Seeded damage to small files: bytes flipped, rows cut, columns swapped, cells changed, ends lost."""

from __future__ import annotations

import random
from collections.abc import Callable

ODD_CELLS = (
    b"", b" ", b"-1", b"0", b"7", b"999999", b"99999999999999999999", b"1.5", b"12,5", b"1e9",
    b"NaN", b"null", b'"', b'""', b'"a', b"=1+1", b"\x00", b"\xe9", b"\xc3\xa9", b"\xff\xfe",
    b"0101", b"ZZ", b"2A", b"13", b"99", b"LUG", b"UG", b"--", b"#REF!", b"a;b", b"a,b", b"a\tb",
    b"\xef\xbb\xbf", b"{", b"]", b"x" * 5000,
)  # fmt: skip
SEPARATORS = (b";", b"\t", b",", b"\x1f")


def _lines(content: bytes) -> list[bytes]:
    return content.split(b"\n")


def flip_bytes(content: bytes, chance: random.Random) -> bytes:
    out = bytearray(content)
    for _ in range(chance.choice((1, 1, 2, 5, 20))):
        if out:
            out[chance.randrange(len(out))] = chance.randrange(256)
    return bytes(out)


def truncate(content: bytes, chance: random.Random) -> bytes:
    return content[: chance.randrange(len(content) + 1)]


def lose_start(content: bytes, chance: random.Random) -> bytes:
    return content[chance.randrange(len(content) + 1) :]


def cut_rows(content: bytes, chance: random.Random) -> bytes:
    lines = _lines(content)
    start = chance.randrange(len(lines))
    return b"\n".join(lines[:start] + lines[start + chance.choice((1, 1, 2, 5)) :])


def double_rows(content: bytes, chance: random.Random) -> bytes:
    lines = _lines(content)
    at = chance.randrange(len(lines))
    return b"\n".join([*lines[: at + 1], lines[at], *lines[at + 1 :]])


def cut_inside(content: bytes, chance: random.Random) -> bytes:
    start = chance.randrange(len(content) + 1)
    return content[:start] + content[start + chance.choice((1, 2, 3, 10, 100)) :]


def _separator(content: bytes) -> bytes:
    return max(SEPARATORS, key=content.count)


def swap_columns(content: bytes, chance: random.Random) -> bytes:
    """Two columns change places: in all rows, or in all but the header."""
    separator = _separator(content)
    rows = [line.split(separator) for line in _lines(content)]
    widest = max(map(len, rows))
    one, two = chance.randrange(widest), chance.randrange(widest)
    for row in rows[chance.randrange(2) :]:
        if max(one, two) < len(row):
            row[one], row[two] = row[two], row[one]
    return b"\n".join(separator.join(row) for row in rows)


def change_cells(content: bytes, chance: random.Random) -> bytes:
    separator = _separator(content)
    lines = _lines(content)
    for _ in range(chance.choice((1, 1, 1, 3))):
        at = chance.randrange(len(lines))
        cells = lines[at].split(separator)
        cells[chance.randrange(len(cells))] = chance.choice(ODD_CELLS)
        lines[at] = separator.join(cells)
    return b"\n".join(lines)


def drop_column(content: bytes, chance: random.Random) -> bytes:
    separator = _separator(content)
    rows = [line.split(separator) for line in _lines(content)]
    at = chance.randrange(max(map(len, rows)))
    return b"\n".join(separator.join(row[:at] + row[at + 1 :]) for row in rows)


def change_separator(content: bytes, chance: random.Random) -> bytes:
    return content.replace(_separator(content), chance.choice(SEPARATORS))


MUTATIONS: tuple[Callable[[bytes, random.Random], bytes], ...] = (
    flip_bytes, truncate, lose_start, cut_rows, double_rows, cut_inside, swap_columns,
    change_cells, change_cells, change_cells, drop_column, change_separator,
)  # fmt: skip


def mutated(content: bytes, seed: str) -> bytes:
    """`content` damaged once to three times, the same for the same seed."""
    chance = random.Random(seed)
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        content = chance.choice(MUTATIONS)(content, chance)
    return content
