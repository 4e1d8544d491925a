"""Which licences allow that a source's texts are handed on, changed as a build changes them.

The table knows licences by their SPDX ids (lower case) and a few names in use for what has none.
It is a gate, not legal advice: what it does not know it takes for forbidden.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal, NamedTuple

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
        "forbidden": "it forbids redistribution of changed texts",
        "unknown": "it is not known to allow redistribution",
    }
    found = []
    for source in manifest["sources"]:
        stated = why.get(terms(source["license"]))
        if (known := source.get("known")) and "forbidden" in known:
            stated = f"its publisher does not allow it ({known['forbidden']})"
        if source["out"] and stated and source["license"].strip().lower() not in vouched:
            found.append(Restricted(source["name"], source["license"], stated))
    return found


def hub_ids(licences: Collection[str]) -> list[str]:
    """Return the Hub's licence ids for a card, sorted; "other" for those it has no id for."""
    known = (FREE | NON_COMMERCIAL | FORBIDDEN) - WITHOUT_HUB_ID
    names = {name.strip().lower() for name in licences}
    return sorted({name if name in known else "other" for name in names})
