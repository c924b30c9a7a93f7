"""Times, as servers write them."""
import datetime
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def format_time(value):
    # type: (Any) -> Any
    """Return a time as the text that servers expect.

    :param value: a `datetime.datetime`; without a time zone it is a local
        time, as in Python's own functions. Other values are returned as they
        are.
    """
    if not isinstance(value, datetime.datetime):
        return value
    if value.utcoffset() is None:
        parts = time.gmtime(time.mktime(value.timetuple()))
    else:
        parts = value.utctimetuple()
    return time.strftime('%Y-%m-%dT%H:%M:%SZ', parts)
