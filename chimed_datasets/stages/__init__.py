"""The stages: what is done to every record, in this order.

clean → simplify → filter → mask → deduplicate → decontaminate → split

A stage is a frozen dataclass. Its fields are its settings (they appear under ``stages:`` in a
recipe and in the manifest); calling it with a record batch returns a
:class:`~chimed_datasets.ledger.Result`: the batch that goes on, ledger rows for the records that
do not, and counts per rule. Stages hold no state between batches and do no I/O, so that any
executor can run them anywhere. `deduplicate` and `split` need to see all records: their
per-batch half computes features, their global half decides.
"""
