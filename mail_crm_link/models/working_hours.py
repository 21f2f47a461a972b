"""Working hours between moments, by a calendar of Odoo, which knows holidays, time zones and changes of the clock."""

from bisect import bisect_left
from collections.abc import Sequence
from datetime import datetime, timezone
from itertools import accumulate


class WorkingHours:
    """Working hours of one calendar between many pairs of moments, read from the calendar once.

    :param calendar: ``resource.calendar``; empty: all hours are working hours
    :param times: a key and two moments each, naive UTC
    """

    def __init__(self, calendar, times: Sequence[tuple[int, datetime, datetime]]):
        self._times = times
        first = min(start for _key, start, _end in times)
        last = max(end for _key, _start, end in times)
        span = _aware(first), _aware(last)
        intervals = calendar._work_intervals_batch(*span)[False] if calendar else [(*span, None)]
        self._starts = [start for start, _end, _record in intervals]
        self._lengths = [(end - start).total_seconds() for start, end, _record in intervals]
        self._before = list(accumulate(self._lengths, initial=0.0))

    def hours(self) -> dict[int, float]:
        """Return the hours by key."""
        return {key: (self._until(end) - self._until(start)) / 3600 for key, start, end in self._times}

    def _until(self, moment: datetime) -> float:
        """Seconds of work until then."""
        aware = _aware(moment)
        position = bisect_left(self._starts, aware)
        if not position:
            return 0.0
        last = position - 1
        return self._before[last] + min((aware - self._starts[last]).total_seconds(), self._lengths[last])


def _aware(moment: datetime) -> datetime:
    return moment.replace(tzinfo=timezone.utc)
