"""A built dataset, as a Python user meets it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape
from typing import TYPE_CHECKING, Any, Literal, cast, overload

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ..built import dataset
from ..errors import ReportError, did_you_mean
from ..lang import _
from ..report.explain import explain as story
from ..stages import ORDER, place_of

if TYPE_CHECKING:
    import datasets
    import pandas as pd

_FIGURES = pa.schema(
    [
        ("config", pa.string()),
        ("split", pa.string()),
        ("rows", pa.int64()),
        ("chars", pa.int64()),
        ("han_chars", pa.int64()),
        ("words", pa.int64()),
        ("mean_length", pa.float64()),
    ]
)


class Story(str):
    """Lines of text that a prompt or a notebook shows as they are."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


class Built(dataset.Built, Mapping[str, Any]):
    """A dataset that was built: what it holds, what was dropped, and how to load it.

    folder: where it is (a ``pathlib.Path``).
    manifest: what ``manifest.json`` says, as a dict.

    It is also a mapping with the keys of the manifest: ``built["sources"]``, ``dict(built)``. Two
    are equal when their manifests are, wherever they lie.

    Tables come as a pandas DataFrame, or with ``format="arrow"`` as a ``pyarrow.Table``, which
    needs less memory.

    >>> built = chimed.open_built("chimed2")
    >>> built
    <Built 'chimed2': 243 of 327 records; rows: pretrain 80, sft 141, preference 79; in chimed2>
    >>> built["seed"]
    42
    """

    def __getitem__(self, key: str) -> Any:
        return cast("dict[str, Any]", self.manifest)[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self.manifest)

    def __len__(self) -> int:
        return len(self.manifest)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Mapping):
            return NotImplemented
        return dict(self) == dict(other)

    def __repr__(self) -> str:
        read = sum(source["in"] for source in self.manifest["sources"])
        kept = sum(source["out"] for source in self.manifest["sources"])
        rows: dict[str, int] = {}
        for config, __, file in self.files():
            rows[config] = rows.get(config, 0) + file["rows"]
        told = ", ".join(f"{config} {n:,}" for config, n in rows.items())
        name = self.manifest["name"]
        return f"<Built {name!r}: {kept:,} of {read:,} records; rows: {told}; in {self.folder}>"

    def _repr_html_(self) -> str | None:
        try:
            rows = self.stats("arrow").to_pylist()
        except OSError:  # the folder is gone: the line of __repr__ is left
            return None
        lost: dict[str, int] = {}
        for stages in self.manifest["dropped"].values():
            for stage, rules in stages.items():
                lost[stage] = lost.get(stage, 0) + sum(rules.values())
        head = "".join(f"<th>{name}</th>" for name in ("config", "split", "rows", "characters"))
        body = "".join(
            f"<tr><td>{escape(row['config'])}</td><td>{escape(row['split'])}</td>"
            f"<td>{row['rows']:,}</td><td>{row['chars']:,}</td></tr>"
            for row in rows
        )
        told = ", ".join(f"{escape(stage)} {lost[stage]:,}" for stage in sorted(lost, key=place_of))
        return (
            f"<p>{escape(repr(self))}</p>"
            f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
            f"<p>Dropped records, by stage: {told or 'none'}.</p>"
        )

    @overload
    def stats(self, format: Literal["pandas"] = ...) -> pd.DataFrame: ...
    @overload
    def stats(self, format: Literal["arrow"]) -> pa.Table: ...
    def stats(self, format: str = "pandas") -> Any:
        """Return how much each split of each config holds.

        The columns are ``config`` and ``split`` (string); ``rows``, ``chars`` (Unicode code
        points), ``han_chars`` (the Chinese ones among them) and ``words`` (int64); ``mean_length``
        (float64: characters of a row). Words of a large dataset are estimated from a sample.

        >>> built = chimed.open_built("chimed2")
        >>> built.stats()[["config", "split", "rows", "chars"]].head(3)
             config       split  rows  chars
        0  pretrain       train    64   4642
        1  pretrain  validation     9    635
        2  pretrain        test     7    480
        """
        rows = [
            {"config": config, "split": split, **figures}
            for config, splits in self.statistics().items()
            for split, figures in splits.items()
            if split != "all"
        ]
        return _given(pa.Table.from_pylist(rows, _FIGURES), format)

    @overload
    def dropped(
        self,
        *,
        source: str | None = ...,
        stage: str | None = ...,
        rule: str | None = ...,
        format: Literal["pandas"] = ...,
    ) -> pd.DataFrame: ...
    @overload
    def dropped(
        self,
        *,
        source: str | None = ...,
        stage: str | None = ...,
        rule: str | None = ...,
        format: Literal["arrow"],
    ) -> pa.Table: ...
    def dropped(
        self,
        *,
        source: str | None = None,
        stage: str | None = None,
        rule: str | None = None,
        format: str = "pandas",
    ) -> Any:
        """Return the records that are in no config, one row each, and why.

        The columns are strings: ``id``, ``source``, ``key`` (file and place in it), ``stage``,
        ``rule``, ``evidence`` and ``twin`` (the id of the record that was kept instead, or null).

        source, stage, rule: only the records of this source, or dropped by this stage or rule.

        Raises :class:`ReportError` for a source or stage that the build does not have.

        >>> built = chimed.open_built("chimed2")
        >>> built.dropped(rule="near")[["id", "evidence"]].head(1)
                                            id       evidence
        0  classics-4d6f05931433f231c5c2  Jaccard 0.877
        """
        table = self.ledger("dropped")
        stages = {*ORDER, *self.manifest["configs"], *pc.unique(table["stage"]).to_pylist()}
        known = {"source": {entry["name"] for entry in self.manifest["sources"]}, "stage": stages}
        for column, wanted in (("source", source), ("stage", stage), ("rule", rule)):
            if wanted is not None:
                _check(column, wanted, known.get(column))
                table = table.filter(pc.equal(table[column], wanted))
        return _given(table, format)

    @overload
    def rows(
        self, config: str, split: str | None = ..., format: Literal["pandas"] = ...
    ) -> pd.DataFrame: ...
    @overload
    def rows(
        self, config: str, split: str | None = ..., *, format: Literal["arrow"]
    ) -> pa.Table: ...
    def rows(self, config: str, split: str | None = None, format: str = "pandas") -> Any:
        """Return the rows of a config, of one split or of all.

        The card (``README.md``) lists the columns. Lists of messages are arrays of dicts in a
        DataFrame.

        Raises :class:`ReportError` for a config or a split that the dataset does not have.

        >>> built = chimed.open_built("chimed2")
        >>> len(built.rows("sft")), len(built.rows("sft", "train"))
        (141, 111)
        """
        configs = self.manifest["configs"]
        _check("config", config, configs)
        if split is not None:
            _check("split", split, configs[config])
        files = [
            self.folder / file["file"]
            for name, part, file in self.files()
            if name == config and split in (None, part)
        ]
        return _given(pa.concat_tables(map(pq.read_table, files)), format)

    def load(
        self, config: str, **options: Any
    ) -> datasets.DatasetDict | datasets.Dataset | datasets.IterableDataset:
        """Load a config with ``datasets.load_dataset``, which gets the further options.

        Without options it returns a ``DatasetDict`` of all splits; with ``split="train"`` the
        ``Dataset`` of one.

        Raises :class:`ReportError` for a config that the dataset does not have.

        >>> built = chimed.open_built("chimed2")
        >>> built.load("sft", split="train").num_rows
        111
        """
        _check("config", config, self.manifest["configs"])
        from datasets import load_dataset

        return load_dataset(str(self.folder), config, **options)

    def explain(self, id: str) -> Story:
        """Return where a record came from and what became of it: a few lines of text.

        id: of a record or of a row, as in the column ``id`` of the dataset and of the ledger.

        Raises :class:`ReportError` for an id that the dataset does not know.

        >>> built = chimed.open_built("chimed2")
        >>> built.explain("classics-4d6f05931433f231c5c2")
        classics-4d6f05931433f231c5c2 came from classics.tar.xz/澄江医话.txt#14 of ...
        It was dropped by deduplicate, rule 'near'. Its text is nearly equal to ...
        Evidence: Jaccard 0.877
        ...
        """
        return Story("\n".join(story(self, id)))


def _check(what: str, wanted: str, known: Any) -> None:
    """Refuse a name that is not among those that are known; ``known`` None: any name will do."""
    if known is not None and wanted not in known:
        raise ReportError(
            _("unknown {what} {wanted!r}.{did_you_mean}").format(
                what=what, wanted=wanted, did_you_mean=did_you_mean(wanted, known)
            )
        )


def _given(table: pa.Table, format: str) -> Any:
    _check("format", format, ("arrow", "pandas"))
    return table.to_pandas() if format == "pandas" else table
