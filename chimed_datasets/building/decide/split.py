"""Which work each record is of, for a split that holds whole works out."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import Literal

import numpy as np
import pyarrow as pa

from ..store import Store

_BOOK = "book"


def works_of(store: Store, by: Literal["books", "titles"]) -> np.ndarray:
    """Return uint64[n], a hash of the book or title of each record; 0 where it has none.

    Names are compared by their letters and digits. Conversations are of no work.
    """
    works = np.zeros(len(store), np.uint64)
    columns = ["text", "title", "metadata"]
    for where, batch in store.take(np.arange(len(store)), columns):
        if "text" not in batch.schema.names:
            continue
        names = _books(batch.column("metadata")) if by == "books" else batch.column("title")
        works[where] = [_hash(name) for name in names.to_pylist()]
    return works


def _books(metadata: pa.MapArray) -> pa.Array:
    """Return what each record's metadata have under "book"; null for nothing."""
    return pa.array([dict(given or ()).get(_BOOK) for given in metadata.to_pylist()], pa.string())


@lru_cache(maxsize=1 << 16)
def _hash(name: str | None) -> int:
    bare = "".join(filter(str.isalnum, (name or "").casefold()))
    digest = hashlib.blake2b(bare.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") | 1 if bare else 0
