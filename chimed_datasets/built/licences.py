"""Which licences allow that a source's texts are handed on, changed as a build changes them.

The table knows licences by their SPDX ids (lower case) and a few names in use for what has none.
It is a gate, not legal advice: what it does not know it takes for forbidden.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection
from functools import lru_cache
from typing import Literal, NamedTuple

from ..lang import _
from .manifest import Manifest

Terms = Literal["free", "non-commercial", "forbidden", "unknown"]

FREE = frozenset([
    "public-domain", "cc0-1.0", "pddl", "unlicense", "wtfpl", "cc-by-2.0", "cc-by-2.5",
    "cc-by-3.0", "cc-by-4.0", "cc-by-sa-3.0", "cc-by-sa-4.0", "odc-by", "odbl",
    "cdla-permissive-1.0", "cdla-permissive-2.0", "cdla-sharing-1.0", "mit", "apache-2.0", "bsd",
    "bsd-2-clause", "bsd-3-clause", "isc", "zlib", "afl-3.0", "artistic-2.0", "mpl-2.0", "gpl",
    "gpl-2.0", "gpl-3.0", "lgpl-2.1", "lgpl-3.0", "agpl-3.0", "gfdl", "mulanpsl-2.0",
])  # fmt: skip
NON_COMMERCIAL = frozenset([
    "cc-by-nc-2.0", "cc-by-nc-3.0", "cc-by-nc-4.0", "cc-by-nc-sa-2.0", "cc-by-nc-sa-3.0",
    "cc-by-nc-sa-4.0",
])  # fmt: skip
FORBIDDEN = frozenset([
    "proprietary", "all-rights-reserved", "contract", "restricted", "no-redistribution",
    "internal", "private", "cc-by-nd-4.0", "cc-by-nc-nd-3.0", "cc-by-nc-nd-4.0",
])  # fmt: skip
"""No-derivatives licences are among them: a cleaned and masked text is a changed one."""
WITHOUT_HUB_ID = frozenset(
    {"public-domain", "zlib", "mulanpsl-2.0", "gpl", "cc-by-nc-sa-2.0", *FORBIDDEN}
) - {"cc-by-nd-4.0", "cc-by-nc-nd-3.0", "cc-by-nc-nd-4.0"}


IN_WORDS = frozenset(["not-stated", "academic-use-only", "non-commercial-research", "unknown"])
"""What stands in place of an id where none fits, beside those above."""


class Restricted(NamedTuple):
    """A source that may not be handed on: its name, its licence, and why not."""

    source: str
    licence: str
    why: str


def terms(licence: str) -> Terms:
    """Return what a licence says about handing texts on."""
    name = licence.strip().lower()
    if name in FREE:
        return "free"
    if name in NON_COMMERCIAL:
        return "non-commercial"
    return "forbidden" if name in FORBIDDEN else "unknown"


def restricted(manifest: Manifest, allowed: Collection[str] = ()) -> list[Restricted]:
    """Return the sources with records in the dataset whose licence does not let them out.

    allowed: licences that the user vouches for, whatever the table says.
    """
    vouched = {name.strip().lower() for name in allowed}
    why = {
        "forbidden": _("it forbids redistribution of changed texts"),
        "unknown": _("it is not known to allow redistribution"),
    }
    found = []
    for source in manifest["sources"]:
        stated = why.get(terms(source["license"]))
        if (known := source.get("known")) and "forbidden" in known:
            stated = _("its publisher does not allow it ({why})").format(why=known["forbidden"])
        if source["out"] and stated and source["license"].strip().lower() not in vouched:
            found.append(Restricted(source["name"], source["license"], stated))
    return found


def hub_ids(licences: Collection[str]) -> list[str]:
    """Return the Hub's licence ids for a card, sorted; "other" for those it has no id for."""
    known = (FREE | NON_COMMERCIAL | FORBIDDEN) - WITHOUT_HUB_ID
    names = {name.strip().lower() for name in licences}
    return sorted({name if name in known else "other" for name in names})


# --- what a licence may be that is no id -----------------------------------------------------


@lru_cache(maxsize=256)
def is_id(licence: str) -> bool:
    """Whether a licence is an SPDX id or expression, in any letters, or one of the names above.

    >>> is_id("Apache-2.0"), is_id("mit or gpl-3.0-only"), is_id("Apache 2.0")
    (True, True, False)
    """
    from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression

    name = licence.strip().lower()
    if terms(name) != "unknown" or name in IN_WORDS or name.startswith("by permission"):
        return True
    try:
        canonicalize_license_expression(name)
    except InvalidLicenseExpression:
        return False
    return True


_WORDS = {
    "creative-commons": "cc", "attribution": "by", "non-commercial": "nc", "noncommercial": "nc",
    "share-alike": "sa", "sharealike": "sa", "no-derivatives": "nd", "noderivatives": "nd",
    "noderivs": "nd", "gnu-general-public": "gpl", "gnu": "", "the": "", "software": "",
    "license": "", "licence": "", "licensed": "", "version": "", "international": "",
    "unported": "", "generic": "", "deed": "", "知识共享": "cc", "署名": "by", "非商业性使用": "nc",
    "相同方式共享": "sa", "禁止演绎": "nd", "国际": "", "许可协议": "", "许可证": "", "协议": "",
}  # fmt: skip
_NAMES = {
    "cc0": "cc0-1.0", "cc-0": "cc0-1.0", "公有领域": "public-domain", "pd": "public-domain",
    "木兰": "mulanpsl-2.0", "mulan": "mulanpsl-2.0", "mulan-psl-2": "mulanpsl-2.0",
    "new-bsd": "bsd-3-clause", "simplified-bsd": "bsd-2-clause", "none": "not-stated",
    "n-a": "not-stated", "无": "not-stated", "未知": "not-stated", "未注明": "not-stated",
    "unstated": "not-stated", "闭源": "proprietary", "专有": "proprietary", "内部": "internal",
    "仅限研究": "non-commercial-research", "研究": "non-commercial-research",
}  # fmt: skip


def nearest_id(licence: str) -> str | None:
    """Return the id that a licence in other words most likely is; None where none is near.

    >>> nearest_id("Apache License, Version 2.0"), nearest_id("CC BY-NC"), nearest_id("ours")
    ('apache-2.0', 'cc-by-nc-4.0', None)
    """
    form = re.sub(r"[^\w.]+", "-", licence[:100].strip().lower()).replace("_", "-").strip("-.")
    for word, short in _WORDS.items():
        form = form.replace(word, f"-{short}-")
    form = re.sub(r"(?<![a-z])v(?=\d)|(?<=pl)v(?=\d)", "-", form)
    form = re.sub(r"-+", "-", form).strip("-.")
    if not form:
        return None
    ids = sorted(FREE | NON_COMMERCIAL | FORBIDDEN | IN_WORDS)
    if form in ids:
        return form
    if form in _NAMES:
        return _NAMES[form]
    versions = [one for one in ids if re.fullmatch(rf"{re.escape(form)}[-.]?[\d.]+", one)]
    if versions:
        return versions[-1]
    close = difflib.get_close_matches(form, ids, n=1, cutoff=0.75)
    return close[0] if close else None


def doubt(licence: str) -> str:
    """Return a sentence on a licence that is no id, with the one that may be meant; "" for one."""
    if is_id(licence):
        return ""
    meant = nearest_id(licence)
    if meant is None:
        return _(
            "the licence {licence!r} is no SPDX id (https://spdx.org/licenses), so "
            "that `chimed push` holds the source back; not-stated stands for one that "
            "nobody states."
        ).format(licence=licence[:100])
    return _(
        "the licence {licence!r} is no SPDX id, so that `chimed push` holds the source "
        "back. Did you mean {meant!r}?"
    ).format(licence=licence[:100], meant=meant)
