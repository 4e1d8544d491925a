"""The library made of ``loops.c``: where it lies, and whether it is to be used."""

from __future__ import annotations

import ctypes
import os
import zlib
from functools import lru_cache
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from typing import NamedTuple

SETTING = "CHIMED_LOOPS"
"""The environment variable that switches the compiled loops off: ``off``, ``no`` or ``0``."""

HOME = Path(__file__).parent
"""Where the library lies, beside what it is made from."""
_VECTORS = ("", ", AVX2", ", AVX-512")


class Found(NamedTuple):
    """library: None where there is none to be used. why: why not, or of which kind it is."""

    library: ctypes.CDLL | None
    why: str


@lru_cache(maxsize=1)
def found() -> Found:
    """Return the compiled library that this process is to use."""
    if os.environ.get(SETTING, "").strip().lower() in ("off", "no", "0", "false"):
        return Found(None, f"{SETTING}={os.environ[SETTING]}")
    files = [HOME / f"_compiled{suffix}" for suffix in EXTENSION_SUFFIXES]
    path = next((file for file in files if file.is_file()), None)
    if path is None:
        return Found(None, "not compiled")
    try:
        library = ctypes.CDLL(str(path))
        library.loops_source.restype = ctypes.c_uint32
        made_from = library.loops_source()
    except (OSError, AttributeError):  # of another machine, or no library at all
        return Found(None, f"{path.name} cannot be loaded")
    if made_from != zlib.crc32((HOME / "loops.c").read_bytes()):
        return Found(None, f"{path.name} is of another loops.c: install again")
    return Found(library, _VECTORS[library.loops_vectors()])


def state() -> str:
    """Return in a few words which loops this process uses: "compiled, AVX2", or "NumPy" and why."""
    library, why = found()
    return f"NumPy ({why})" if library is None else f"compiled{why}"
