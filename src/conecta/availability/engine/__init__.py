"""The pure part of availability: facts in, free time out. No SQL, no HTTP, no clock of its own.

Instants are whole seconds since 1970 in UTC, days are numbers since 1970-01-01, lengths are seconds; every
range is half open, `[start, end)`. Integers, because a month of twenty providers has ten thousand candidates.
"""
