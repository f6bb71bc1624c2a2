"""What of this machine the reading of the user's own source may depend on, in one hash.

Source of one's own is read as it is imported here (``evaluator/surroundings.py``), so that its graph in the cache holds
for as long as this is the same.
"""

import hashlib
import os
import platform
import sys
from collections.abc import Iterable
from pathlib import Path

_DRIVERS = ("/dev/nvidiactl", "/dev/dxg")
"""Files that are there where an NVIDIA driver is; to ask it costs a command a tenth of a second."""


def machine_digest(folders: Iterable[Path] = ()) -> str:
    """A hash of Python, the platform, what is installed, and what lies in the folders beside the user's own files.

    A package that is installed, updated or removed shows in the time at which its folder was last changed.
    """
    facts = [sys.version, sys.platform, platform.machine(), *map(os.path.exists, _DRIVERS)]
    facts += [(place, _changed(place)) for place in sys.path if place]
    facts += [(str(folder), _modules(folder)) for folder in folders]
    return hashlib.blake2b(repr(facts).encode(errors="surrogatepass"), digest_size=8).hexdigest()


def _changed(place: str) -> int:
    try:
        return Path(place).stat().st_mtime_ns
    except (OSError, ValueError):
        return 0


def _modules(folder: Path) -> list[str]:
    """What can be imported from a folder."""
    try:
        return sorted(e.name for e in os.scandir(folder) if e.name.endswith(".py") or (e.name.isidentifier()))
    except OSError:
        return []
