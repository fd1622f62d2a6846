"""Sets of time as sorted lists of ranges that do not overlap."""

from collections.abc import Iterable, Sequence

Range = tuple[int, int]
Ranges = list[Range]


def merge(ranges: Iterable[Range]) -> Ranges:
    """Return the union of any ranges; empty ones drop out."""
    merged: Ranges = []
    last = None
    for start, end in sorted(ranges):
        if start >= end:
            continue
        if last is not None and start <= last:
            if end > last:
                last = end
                merged[-1] = (merged[-1][0], end)
        else:
            merged.append((start, end))
            last = end
    return merged


def split_at_starts(ranges: Iterable[Range]) -> Ranges:
    """Return the union of any ranges, in pieces that touch wherever one of the ranges begins."""
    pieces: Ranges = []
    for start, end in sorted(ranges):
        if start >= end:
            continue
        if pieces and start < pieces[-1][1]:
            before, until = pieces.pop()
            if before < start:
                pieces.append((before, start))
            pieces.append((start, max(until, end)))
        else:
            pieces.append((start, end))
    return pieces


def subtract(ranges: Sequence[Range], holes: Sequence[Range]) -> Ranges:
    """Return what is left of a set without another set."""
    if not holes:
        return list(ranges)
    left: Ranges = []
    index, count = 0, len(holes)
    for begin, end in ranges:
        start = begin
        while index < count and holes[index][1] <= start:
            index += 1
        at = index
        while at < count and holes[at][0] < end:
            hole_start, hole_end = holes[at]
            if hole_start > start:
                left.append((start, hole_start))
            start = hole_end
            if start >= end:
                break
            at += 1
        if start < end:
            left.append((start, end))
    return left


def intersect(one: Sequence[Range], other: Sequence[Range]) -> Ranges:
    """Return what two sets share."""
    shared: Ranges = []
    i = j = 0
    while i < len(one) and j < len(other):
        start = max(one[i][0], other[j][0])
        end = min(one[i][1], other[j][1])
        if start < end:
            shared.append((start, end))
        if one[i][1] <= other[j][1]:
            i += 1
        else:
            j += 1
    return shared


def holds(ranges: Sequence[Range], start: int, end: int) -> bool:
    """Say whether one of the ranges has all of [start, end)."""
    return any(first <= start and end <= last for first, last in ranges)


def clip(ranges: Sequence[Range], start: int, end: int) -> Ranges:
    """Return the part of a set within [start, end)."""
    return intersect(ranges, [(start, end)])
