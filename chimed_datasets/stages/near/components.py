"""Union-find over arrays."""

from __future__ import annotations

import numpy as np


def join(root: np.ndarray, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Return ``root`` with the components of ``left[i]`` and ``right[i]`` made one for every i.

    ``root`` (int64[n]) holds the smallest index of each element's component, before and after.

    >>> join(np.arange(5), np.array([1, 3]), np.array([3, 4])).tolist()
    [0, 1, 2, 1, 1]
    """
    while True:
        a, b = root[left], root[right]
        apart = a != b
        if not apart.any():
            return root
        left, right, a, b = left[apart], right[apart], a[apart], b[apart]
        # The larger root gets the smaller one as its parent; of several, the least. What that
        # leaves out is still apart and comes again in the next round.
        parent = np.arange(len(root))
        np.minimum.at(parent, np.maximum(a, b), np.minimum(a, b))
        while True:  # pointer jumping: halves the height of every tree
            above = parent[parent]
            if np.array_equal(above, parent):
                break
            parent = above
        root = parent[root]
