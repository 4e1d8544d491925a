"""A guest that is a file, as a module that any process can import.

Workers get objects by pickle, which knows a class by the name of its module. So the module of a
file has a name that leads back to it: the file's stem, a hash of its content and its path in hex,
below this package. A worker that imports the name finds the file, and refuses one that has
changed. An edited file is another module, also within one notebook.
"""

from __future__ import annotations

import hashlib
import importlib.machinery
import importlib.util
import re
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from pathlib import Path
from types import ModuleType

_PACKAGE = __package__
_NAME = re.compile(rf"{re.escape(_PACKAGE)}\.file_(\w*)_([0-9a-f]{{64}})_([0-9a-f]+)")


def module_of(path: Path) -> str:
    """Return the name by which the file at ``path`` can be imported as it is now.

    Raises ``OSError`` where it cannot be read.
    """
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    stem = re.sub(r"\W", "_", path.stem)
    return f"{_PACKAGE}.file_{stem}_{digest}_{str(path).encode().hex()}"


class _Files(MetaPathFinder):
    """Finds the modules that :func:`module_of` names."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        named = _NAME.fullmatch(fullname)
        if not named:
            return None
        file = bytes.fromhex(named[3]).decode()
        return importlib.util.spec_from_file_location(
            fullname, file, loader=_Loader(fullname, file)
        )


class _Loader(importlib.machinery.SourceFileLoader):
    """Reads the file itself, never a cached compilation beside it, and leaves none there."""

    def get_code(self, fullname: str):  # type: ignore[no-untyped-def]  # a code object
        named = _NAME.fullmatch(fullname)
        content = Path(self.path).read_bytes()
        if named is None or hashlib.sha256(content).hexdigest() != named[2]:
            raise ImportError(f"{self.path} is another file by now", name=fullname, path=self.path)
        return self.source_to_code(content, self.path)


sys.meta_path.append(_Files())
