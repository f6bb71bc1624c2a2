"""The versions of timm whose source is read right, by their numbers.

Of each from the oldest to the newest here, what is read was held against the registry that importing it fills.
"""

import re

OLDEST, NEWEST = "0.9.16", "1.0.31"
RANGE = f"timm {OLDEST} to {NEWEST}"


def is_too_old(version: str) -> bool:
    """Whether it is known to be older than what can be read."""
    numbers = _numbers(version)
    return bool(numbers) and numbers < _numbers(OLDEST)


def is_newer(version: str) -> bool:
    """Whether it is newer than what was tried."""
    return _numbers(version) > _numbers(NEWEST)


def _numbers(version: str) -> tuple[int, ...]:
    """The first three numbers of a version; none where it has no numbers at all."""
    found = re.match(r"\s*v?(\d+)(?:\.(\d+))?(?:\.(\d+))?", version, re.ASCII)
    return tuple(int(number or 0) for number in found.groups()) if found else ()
