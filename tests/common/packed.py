"""What reads RAR and 7z, where the machine has it."""

from __future__ import annotations

from typing import Any

import pytest


def libarchive() -> Any:
    """Return libarchive-c. Skips where it, or the machine's libarchive, is not there: the import
    then ends in an error of ctypes."""
    try:
        import libarchive as found
    except (ImportError, AttributeError, OSError, TypeError) as error:
        pytest.skip(f"no libarchive: {error}", allow_module_level=True)
    return found
