"""Imported once, by the process that all workers are forked from: what every worker would else
import and build for itself (some 3 s each)."""

from __future__ import annotations

import importlib

for _name in ("read", "write", "decide.classify", "decide.label"):
    importlib.import_module(f"chimed_datasets.building.{_name}")
importlib.import_module("chimed_datasets.rows.declaration").builders()
for _name, _table in (
    ("stages.text.grams", "fold_table"),
    ("stages.text.grams", "_not_space"),
    ("stages.filter", "_kinds"),
    ("stages.simplify", "_script"),
):
    getattr(importlib.import_module(f"chimed_datasets.{_name}"), _table)()
