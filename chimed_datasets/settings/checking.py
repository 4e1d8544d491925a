"""What a user wrote, checked against the dataclass or model that holds it: all faults at once.

A validator raises :class:`Faulty` with all that it found; pydantic gathers these with its own
errors and says where each was, and :func:`faults_of` makes one list of all. A key that is mistyped
is told, and what stands under it is looked at as if it were right: a user mends both at once.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from types import UnionType
from typing import (
    Annotated,
    Any,
    ClassVar,
    Self,
    TypeVar,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

from pydantic import (
    BaseModel,
    ConfigDict,
    ModelWrapValidatorHandler,
    TypeAdapter,
    ValidationError,
    model_validator,
)

from ..errors import (
    Fault,
    RecipeError,
    behind,
    hint,
    listed,
    nearest,
    told,
    without_known,
)
from ..lang import _
from .words import sentence, shown

T = TypeVar("T")

MOST_HINTS = 50
"""Unknown keys of one mapping for which one is looked for that may be meant."""


class Faulty(ValueError):
    """Faults of what a validator looked at, relative to it."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__(told(faults))
        self.faults = tuple(faults)


@contextmanager
def gathered(*at: str | int) -> Iterator[None]:
    """Within a validator: errors of a recipe become faults, which pydantic gathers with others.
    at: the keys that lead to what is wrong."""
    try:
        yield
    except RecipeError as error:
        raise Faulty([fault.under(*at) for fault in faults_in(error)]) from None


def faults_in(error: RecipeError, given: Any = None) -> tuple[Fault, ...]:
    """Return the faults of an error; of one that names none the error itself, at the key of
    ``given`` that its text begins with."""
    if error.faults:
        return error.faults
    return (_placed(str(error), given),)


def _placed(said: str, given: Any) -> Fault:
    """Return a fault that says "where: ..." at the key where, where ``given`` has it."""
    said, known = without_known(said)
    path = re.match(r"[\w.-]{1,200}", said)
    if path and isinstance(given, Mapping) and (rest := behind(said, path[0])):
        parts = tuple(path[0].split("."))
        if parts[0] in given:
            return Fault(rest, known, at=parts)
    return Fault(said, known)


# --- keys ------------------------------------------------------------------------------------


@dataclass
class Sifted:
    """What keys of a mapping are known.

    given:   known key -> value, as if no key were mistyped.
    faults:  of the keys that are not known.
    written: known key -> the key that the user wrote, where that is another.
    guessed: those of ``written`` that are mistyped.
    """

    given: dict[str, Any] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    written: dict[str, str] = field(default_factory=dict)
    guessed: set[str] = field(default_factory=set)

    def as_written(self, fault: Fault) -> Fault:
        """Return a fault with the key as the user wrote it."""
        if fault.at and fault.at[0] in self.written:
            return replace(fault, at=(self.written[str(fault.at[0])], *fault.at[1:]))
        return fault


def sift(
    given: Mapping[Any, Any],
    known: Collection[str],
    *,
    also: Mapping[str, str] | None = None,
    said_as: Mapping[str, str] | None = None,
    passed: Callable[[Any], bool] = lambda key: False,
    lacking: Collection[str] | None = None,
    what: str = "key",
) -> Sifted:
    """Return what is known of the keys of a mapping.

    also:    other names that are taken for known keys.
    said_as: other names that are no keys, but show what is meant.
    passed:  which other keys are known all the same.
    lacking: where there may be other keys as well: the only ones of ``known`` that an unknown key
             can stand for, where they are not given; all others pass.
    what:    what a key is called.
    """
    found = Sifted()
    also = also or {}
    wrong = []
    for key, value in given.items():
        if key in known or passed(key):
            found.given[key] = value
        elif key in also and also[key] not in given and also[key] not in found.given:
            found.given[also[key]] = value
            found.written[also[key]] = key
        else:
            wrong.append(key)
    allowed = listed(known) if known else "It takes no keys of its own."
    free = [key for key in known if key not in found.given]
    for number, key in enumerate(wrong):
        if key in also and also[key] in found.given:
            other = found.written.get(also[key], also[key])
            said = _("{key!r} and {other!r} mean the same: keep one of them.").format(
                key=key, other=other
            )
            found.faults.append(Fault(said, at=(str(key),), kind="unknown"))
            continue
        meant = nearest(str(key), known, said_as) if number < MOST_HINTS else None
        if lacking is not None and not (meant in lacking and meant in free):
            found.given[key] = given[key]
            continue
        said = _("unknown {what} {shown}.{hint}").format(
            what=_(what), shown=shown(key), hint=hint(meant)
        )
        found.faults.append(Fault(said, allowed, at=(str(key),), kind="unknown"))
        if meant in free:
            free.remove(meant)
            found.given[meant] = given[key]
            found.written[meant] = str(key)
            found.guessed.add(meant)
    return found


# --- models and dataclasses ------------------------------------------------------------------


class StrictModel(BaseModel):
    """A part of a user's file that takes the keys it names and no others.

    ALSO:    other names that are taken for its keys.
    SAID_AS: other names that are no keys, but show what is meant.
    SECRET:  whether what was given may be a key to a server: then no error repeats it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    ALSO: ClassVar[Mapping[str, str]] = {}
    SAID_AS: ClassVar[Mapping[str, str]] = {}
    SECRET: ClassVar[bool] = False

    @model_validator(mode="wrap")
    @classmethod
    def _gather(cls, given: Any, make: ModelWrapValidatorHandler[Self]) -> Self:
        if not isinstance(given, Mapping):
            return make(given)
        keys = sift(given, cls.model_fields, also=cls.ALSO, said_as=cls.SAID_AS)
        return made(make, keys, secret=cls.SECRET)


def made(
    make: Callable[[Any], T], keys: Sifted, faults: Sequence[Fault] = (), *, secret: bool = False
) -> T:
    """Return what is made of the keys. Raises :class:`Faulty` with all that is wrong: with them,
    with their values, and the ``faults`` that are known before."""
    own: Sequence[Fault] = ()
    try:
        whole = make(keys.given)
    except ValidationError as error:
        own = faults_of(error, keys.given, secret=secret)
    except RecipeError as error:
        own = faults_in(error, keys.given)
    # A value that cannot stand under the key that seems to be meant may be meant for another.
    left = [one for one in own if len(one.at) != 1 or one.at[0] not in keys.guessed]
    if found := [*keys.faults, *faults, *map(keys.as_written, left)]:
        raise Faulty(found)
    return whole


def checked(cls: type[T], given: Mapping[str, Any] | None, where: str) -> T:
    """Return ``cls(**given)`` with its types checked.

    Raises :class:`RecipeError` that names ``where`` and every key that is wrong, and what is
    allowed.
    """
    try:
        if given is not None and not isinstance(given, Mapping):
            raise Faulty(
                [
                    Fault(
                        _("expected a mapping of settings, got {shown}.").format(shown=shown(given))
                    )
                ]
            )
        known = [field.name for field in dataclasses.fields(cls)]  # type: ignore[arg-type]
        keys = sift(given or {}, known, said_as=getattr(cls, "SAID_AS", None))
        return made(TypeAdapter(cls).validate_python, keys)
    except Faulty as error:
        faults = [_with_keys(fault, cls) for fault in error.faults]
        raise RecipeError(told(faults, where), faults=faults) from None


def _with_keys(fault: Fault, cls: type) -> Fault:
    """Return a fault of an unknown key in a dataclass within ``cls`` with what may be meant."""
    if fault.kind != "unknown" or len(fault.at) < 2 or fault.known:
        return fault
    if not (known := _keys_at(cls, fault.at[:-1])):
        return fault
    meant = nearest(str(fault.at[-1]), known)
    said = fault.said if hint(meant) in fault.said else f"{fault.said}{hint(meant)}"
    return replace(fault, said=said, known=listed(known))


def _keys_at(cls: type, at: Iterable[str | int]) -> set[str]:
    """Return the fields of the dataclasses that may stand at a place within ``cls``."""
    kinds = [cls]
    for part in at:
        kinds = [kind for outer in kinds for inner in _below(outer, part) for kind in _plain(inner)]
    return {key for kind in kinds for key in _keys_of(kind)}


def _below(kind: Any, part: str | int) -> tuple[Any, ...]:
    """Return the type of a key of a dataclass, or that of all entries of a mapping or list."""
    if dataclasses.is_dataclass(kind):
        return tuple(inner for key, inner in _keys_of(kind).items() if key == part)
    return tuple(arg for arg in get_args(kind) if arg is not ...)[-1:]


def _keys_of(kind: Any) -> dict[str, Any]:
    """Return the types of a dataclass by the keys that a user writes; none of anything else."""
    if not dataclasses.is_dataclass(kind):
        return {}
    types = get_type_hints(kind, include_extras=True)
    found = {}
    for one in dataclasses.fields(kind):
        given = [getattr(about, "alias", None) for about in get_args(types[one.name])[1:]]
        found[next(filter(None, given), one.name)] = types[one.name]
    return found


def _plain(kind: Any) -> Iterator[Any]:
    """Yield the types that ``X | Y`` and ``Annotated`` stand for."""
    if get_origin(kind) is Annotated:
        yield from _plain(get_args(kind)[0])
    elif get_origin(kind) in (Union, UnionType):
        for member in get_args(kind):
            yield from _plain(member)
    else:
        yield kind


_UNKNOWN = ("extra_forbidden", "unexpected_keyword_argument")


def faults_of(error: ValidationError, given: Any = None, *, secret: bool = False) -> list[Fault]:
    """Return all that pydantic found, each at the keys that a user wrote.

    given:  what was checked.
    secret: what was given may be a key to a server: it is not repeated.
    """
    own: dict[tuple[Any, ...], list[Fault]] = {}
    inner: list[Fault] = []
    for one in error.errors(include_url=False):
        at = _inside(given, one["loc"], one["type"] in ("missing", *_UNKNOWN))
        cause = one.get("ctx", {}).get("error")
        if isinstance(cause, Faulty):
            inner += (fault.under(*at) for fault in cause.faults)
        else:
            own.setdefault(at, []).append(_fault(dict(one), at, cause, secret))
    found = [fault for faults in own.values() for fault in _joined(faults)]
    return [*_mistyped(found), *inner]


def _mistyped(faults: list[Fault]) -> Iterator[Fault]:
    """Yield faults without what is missing where another key of the same mapping is mistyped for
    it."""
    lacking = {fault.at for fault in faults if fault.kind == "missing"}
    told = set()
    for fault in faults:
        beside = [str(at[-1]) for at in lacking if at[:-1] == fault.at[:-1]]
        if fault.kind == "unknown" and (meant := nearest(str(fault.at[-1]), beside)):
            told.add((*fault.at[:-1], meant))
            fault = replace(fault, said=f"{fault.said}{hint(meant)}")
        if fault.kind != "missing":
            yield fault
    yield from (fault for fault in faults if fault.kind == "missing" and fault.at not in told)


def _fault(one: dict[str, Any], at: tuple[str | int, ...], inner: object, secret: bool) -> Fault:
    kind, context = one["type"], one.get("ctx", {})
    if kind == "missing":
        name = (
            _("entry {number}").format(number=at[-1] + 1)
            if isinstance(at[-1], int)
            else repr(at[-1])
        )
        return Fault(_("{name} is missing.").format(name=name), at=at, kind="missing")
    if kind in _UNKNOWN:
        return Fault(_("unknown key {shown}.").format(shown=shown(at[-1])), at=at, kind="unknown")
    if kind == "value_error":
        return Fault(_("{said}.").format(said=str(inner).rstrip(".。")), at=at)
    if kind in ("union_tag_invalid", "union_tag_not_found"):
        return _of_tag(kind, context, at)
    said = sentence(kind, context, ... if secret else one["input"], one["msg"])
    if secret or one["input"] is None:
        return Fault(_("{said}.").format(said=said), at=at)
    return Fault(_("{said} (got {got}).").format(said=said, got=shown(one["input"])), at=at)


def _of_tag(kind: str, context: Mapping[str, Any], at: tuple[str | int, ...]) -> Fault:
    key = context["discriminator"].strip("'")
    if kind == "union_tag_not_found":
        return Fault(_("{key!r} is missing.").format(key=key), at=(*at, key), kind="missing")
    known = context["expected_tags"].replace("'", "").split(", ")
    meant = hint(nearest(context["tag"], known))
    return Fault(
        _("unknown {key} {tag!r}.{meant}").format(key=key, tag=context["tag"], meant=meant),
        listed(known),
        at=(*at, key),
    )


def _inside(given: Any, loc: Iterable[Any], missing: bool) -> tuple[str | int, ...]:
    """Return the keys of a place as they stand in what was given: pydantic names the members of
    unions as well."""
    at: list[str | int] = []
    parts = list(loc)
    for number, part in enumerate(parts):
        counted = isinstance(given, list | tuple) and isinstance(part, int) and part < len(given)
        if counted or (isinstance(given, Mapping) and part in given):
            given = given[part]
        elif not (missing and number == len(parts) - 1):
            continue
        at.append(part)
    return tuple(at)


def _joined(faults: list[Fault]) -> list[Fault]:
    """Return the faults of one value: those that each say what it must be are one."""
    be, but = _("must be "), _(" (got ")
    must = [fault for fault in faults if fault.said.startswith(be)]
    if len(must) < 2:
        return faults
    said, __, got = must[0].said.rpartition(but)
    others = [fault.said.rpartition(but)[0] or fault.said.rstrip(".。") for fault in must[1:]]
    words = [
        said or must[0].said.rstrip(".。"),
        *(other.removeprefix(be) for other in others),
    ]
    whole = _(" or ").join(dict.fromkeys(words)) + (f"{but}{got}" if said else _("."))
    return [replace(must[0], said=whole), *(fault for fault in faults if fault not in must)]


def in_order(faults: Iterable[Fault], given: Any) -> list[Fault]:
    """Return faults as they stand in a file, by entry: of each the unknown keys, then what is
    wrong, then what is missing."""
    kinds = {"unknown": 0, "wrong": 1, "missing": 2}
    orders: dict[int, dict[str, int]] = {}

    def position(at: tuple[str | int, ...]) -> tuple[int, ...]:
        """Return which entry of what holds it each key of a place is, from 0."""
        out: list[int] = []
        inner = given
        for part in at:
            if isinstance(inner, Mapping):
                if id(inner) not in orders:
                    orders[id(inner)] = {str(key): n for n, key in enumerate(inner)}
                out.append(orders[id(inner)].get(str(part), len(inner)))
                inner = inner.get(part)
            elif isinstance(inner, list | tuple) and isinstance(part, int) and part < len(inner):
                out.append(part)
                inner = inner[part]
            else:
                break
        return tuple(out)

    def place(fault: Fault) -> tuple[Any, ...]:
        where = position(fault.at)
        return where[:2], kinds[fault.kind], where, fault.line or 0

    return sorted(dict.fromkeys(faults), key=place)
