"""What documents are of by their names: one subject in several sources, one work."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..store import Store, names_of

_BOOK = "book"
_FEW = 8
"""A title that a source has more often than this names no entry of it, but a kind of chapter."""


def subjects_of(store: Store) -> np.ndarray:
    """Return uint64[n], one number for the entries of two or more sources on one subject, 0 else.

    Documents are of one subject if they have one title, whatever its case, and each of
    their sources has it at most 8 times.
    """
    subjects = np.zeros(len(store), np.uint64)
    documents = np.flatnonzero(store.kinds() == "document")
    names = names_of(store, documents, ["title", "source"])
    title = pc.utf8_lower(pc.utf8_trim_whitespace(names["title"]))
    titled = pc.fill_null(pc.greater(pc.binary_length(title), 0), False)
    documents = documents[titled.to_numpy()]
    codes = [
        column.filter(titled).combine_chunks().dictionary_encode().indices.to_numpy()
        for column in (title, names["source"])
    ]
    sources = int(codes[1].max(initial=0)) + 1
    entries, entry, times = np.unique(
        codes[0].astype(np.int64) * sources + codes[1], return_inverse=True, return_counts=True
    )
    of, few = entries // sources, times <= _FEW
    shared = few & (np.bincount(of[few], minlength=int(of.max(initial=0)) + 1)[of] > 1)
    subjects[documents] = np.where(shared, of + 1, 0)[entry]
    return subjects


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
