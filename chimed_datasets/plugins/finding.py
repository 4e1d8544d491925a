"""From the name in a recipe to the guest: where it is, what it is called, what its code is."""

from __future__ import annotations

import hashlib
import importlib
import re
import sys
import traceback
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import EntryPoint, entry_points, packages_distributions, version
from pathlib import Path
from typing import Any

from ..errors import BuildError, RecipeError, did_you_mean
from ..lang import _
from .files import module_of

KINDS = {
    "layouts": "layout",
    "stages": "stage",
    "builders": "builder",
    "tasks": "task",
    "exports": "export",
}
"""Kinds of guests, each with the word for one; the group of the entry points is
``chimed_datasets.<kind>``."""

_IMPORT = re.compile(r"(\w+(?:\.\w+)+)(?::(\w+))?|(\w+):(\w+)")


@dataclass(frozen=True)
class Guest:
    """Code from outside the package, found by its name. It can be sent to any process.

    kind:      one of :data:`KINDS`.
    key:       what the recipe calls it.
    module:    the name to import it by; that of a file leads back to the file.
    attribute: the object of the module; "" for the module itself.
    package:   the installed package that it comes from, and its version; "" where it is of none.
    sha256:    of the file, or over all files of the package that is imported.
    """

    kind: str
    key: str
    module: str
    attribute: str
    package: str
    sha256: str

    def __str__(self) -> str:
        """For people: "layout 'forum' of forum-guests 1.0 (sha256 0123456789ab)"."""
        origin = f" of {self.package}" if self.package else ""
        return f"{KINDS[self.kind]} {self.key!r}{origin} (sha256 {self.sha256[:12]})"

    def load(self) -> Any:
        """Return the module or object.

        Raises :class:`BuildError` where its code is another on this machine.
        """
        module = importlib.import_module(self.module)
        if code_hash(self.module) != self.sha256:
            raise BuildError(
                _("{self}: its code is another on this machine: install the same.").format(
                    self=self
                )
            )
        return getattr(module, self.attribute) if self.attribute else module

    @property
    def summary(self) -> str:
        """The first line of its docstring, or of its module's."""
        said = self.load().__doc__ or sys.modules[self.module].__doc__ or ""
        return said.strip().partition("\n")[0]

    def fault(self, error: BaseException) -> str:
        """Return "ValueError: what it says (my_layout.py, line 12)" for an error of its code."""
        words = " ".join(str(error).split())[:300]
        frames = traceback.extract_tb(error.__traceback__)
        home = getattr(sys.modules.get(self.module), "__file__", None)
        own = [frame for frame in frames if frame.filename == home] or frames[-1:]
        where = f" ({Path(own[-1].filename).name}, line {own[-1].lineno})" if own else ""
        return f"{type(error).__name__}: {words}{where}"


def installed(kind: str) -> dict[str, EntryPoint]:
    """Return the guests that installed packages offer, by key.

    Raises :class:`RecipeError` where two packages offer one key.
    """
    found: dict[str, EntryPoint] = {}
    for entry in entry_points(group=f"chimed_datasets.{kind}"):
        other = found.setdefault(entry.name, entry)
        if (other.value, _package(other)) != (entry.value, _package(entry)):
            raise RecipeError(
                _(
                    "{kinds} {name!r} is offered twice, by {package} and by {package_2}: "
                    "uninstall one."
                ).format(
                    kinds=KINDS[kind],
                    name=entry.name,
                    package=_package(other),
                    package_2=_package(entry),
                )
            )
    return found


def _package(entry: EntryPoint) -> str:
    return f"{entry.dist.name} {entry.dist.version}" if entry.dist else entry.value


def _file(key: str) -> tuple[str, str] | None:
    """Return the path and the attribute of "my_layout.py" or "my_layout.py:NAME"; None for
    another key."""
    path, colon, attribute = key.rpartition(":")
    if colon and path.endswith(".py") and attribute.isidentifier():
        return path, attribute
    return (key, "") if key.endswith(".py") else None


def names_code(key: object) -> bool:
    """Whether a key of a recipe names code by path or by import, not by a registered name."""
    return isinstance(key, str) and bool(_file(key) or _IMPORT.fullmatch(key))


def offered(kind: str, own: Iterable[str]) -> list[str]:
    """Return all keys that a recipe may use without more: the package's own and the installed."""
    return sorted({*own, *installed(kind)})


def refuse_code(named: Iterable[tuple[str, str]], base: Path) -> None:
    """Raise :class:`RecipeError` that tells all code that would run, by (kind, key); none: pass."""
    would = [
        _("{kind} {key!r} would run {place}").format(
            kind=_(KINDS[kind]), key=key, place=_place(key, base)
        )
        for kind, key in named
    ]
    if would:
        raise RecipeError(
            _(
                "the recipe names code: {would}. Nothing of it was run. Read it first, "
                "then allow it with --allow-code (allow_code=True in Python)."
            ).format(would=_("; ").join(would))
        )


def _place(key: str, base: Path) -> str:
    if named := _file(key):
        return str((base / Path(named[0]).expanduser()).resolve())
    return _("the module {name}").format(name=key.partition(":")[0])


def find(
    kind: str, key: str, base: Path = Path(), *, allow_code: bool = False, own: Iterable[str] = ()
) -> Guest:
    """Return the guest that ``key`` names, imported and hashed.

    base:       the folder that a path starts from.
    allow_code: whether code that is named by path or by import may run.
    own:        the package's own keys, for the hint where there is no such guest.

    Raises :class:`RecipeError` where there is none, where it is not allowed, and where it cannot
    be imported.
    """
    entry = installed(kind).get(key)
    if entry is not None:
        return _imported(kind, key, entry.module, entry.attr, _package(entry))
    if not names_code(key):
        hint = did_you_mean(key, offered(kind, own))
        raise RecipeError(
            _("unknown {kinds} {key!r}.{hint}").format(kinds=KINDS[kind], key=key, hint=hint)
        )
    if not allow_code:
        refuse_code([(kind, key)], base)
    if named := _file(key):
        path = Path(_place(key, base))
        try:
            return _imported(kind, key, module_of(path), named[1], "")
        except OSError as error:
            raise RecipeError(
                _("{kinds} {key!r}: {path} cannot be read ({strerror}).").format(
                    kinds=KINDS[kind], key=key, path=path, strerror=error.strerror
                )
            ) from None
    module, __, attribute = key.partition(":")
    return _imported(kind, key, module, attribute, None)


def _imported(kind: str, key: str, module: str, attribute: str, package: str | None) -> Guest:
    """Import a guest and return it. package: None where it is to be found out."""
    guest = Guest(kind, key, module, attribute, package or "", "")
    try:
        found = importlib.import_module(module)
        if attribute:
            getattr(found, attribute)
    except Exception as error:  # whatever a guest's first lines raise
        raise RecipeError(f"{KINDS[kind]} {key!r}: {guest.fault(error)}") from error
    if package is None:
        package = _distribution(module)
    return Guest(kind, key, module, attribute, package, code_hash(module))


def _distribution(module: str) -> str:
    """Return "name version" of the installed package that a module is of, "" for none."""
    names = packages_distributions().get(module.partition(".")[0], [])
    return ", ".join(f"{name} {version(name)}" for name in sorted(set(names)))


@lru_cache(maxsize=256)
def code_hash(module: str) -> str:
    """Return the sha256 (hex) of an imported module's code: of its file, where it stands alone,
    else over all files below the package that it is of."""
    loaded = sys.modules[module]
    top = sys.modules.get(module.partition(".")[0])
    if module.startswith(f"{__package__}.") or not hasattr(top, "__path__"):
        file = getattr(loaded, "__file__", None)
        if file is None:
            raise RecipeError(
                _("{module}: it has no file, so that its code cannot be named.").format(
                    module=module
                )
            )
        return hashlib.sha256(Path(file).read_bytes()).hexdigest()
    digest = hashlib.sha256()
    for root in map(Path, top.__path__):  # type: ignore[union-attr]
        for path in sorted(root.rglob("*")):
            if path.is_file() and path.suffix != ".pyc":
                name = path.relative_to(root).as_posix().encode()
                digest.update(name + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def described(guests: Iterable[Guest]) -> list[Mapping[str, str]]:
    """Return what a manifest says of guests."""
    return [
        {"kind": g.kind, "key": g.key, "package": g.package, "sha256": g.sha256} for g in guests
    ]
