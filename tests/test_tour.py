"""The notebook runs from the top, and shows what a reader is promised."""

from __future__ import annotations

import nbformat
import pytest
from nbclient import NotebookClient

from tests.common import pages

TOUR = pages.ROOT / "docs" / "start" / "tour.ipynb"


def cells() -> list[nbformat.NotebookNode]:
    return [cell for cell in nbformat.read(TOUR, 4).cells if cell.cell_type == "code"]


def test_no_output_is_saved_with_it():
    assert [(c.outputs, c.execution_count) for c in cells()] == [([], None)] * len(cells())


@pytest.fixture(scope="module")
def shown(tmp_path_factory) -> dict[str, str]:
    """First line of a cell -> all that is shown below it, as text and as HTML."""
    place = tmp_path_factory.mktemp("tour")
    notebook = nbformat.read(TOUR, 4)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_HOME", str(place / "hf"))
        patch.setenv("HF_HUB_OFFLINE", "1")
        NotebookClient(
            notebook,
            timeout=120,
            kernel_name="python3",
            resources={"metadata": {"path": str(place)}},
        ).execute()
    return {
        cell.source.partition("\n")[0]: "\n".join(map(told, cell.outputs))
        for cell in notebook.cells
        if cell.cell_type == "code"
    }


def told(output: nbformat.NotebookNode) -> str:
    if output.output_type == "stream":
        return output.text
    return "\n".join(str(output.data[form]) for form in sorted(output.data))


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        # a line for each phase, and its bar; then the table
        ("import chimed", ["<progress", "read    18 of 18  records: 327", "write   9 of 9  rows: 300"]),
        ("import chimed", ["&lt;Built", "<td>sft</td>", "deduplicate 12", "243 of 327 records"]),
        ("built.stats()", ["mean_length", "4642"]),
        ("built.stats().groupby", ["141"]),
        ("built.rows", ["pair_origin", "ranked"]),
        ("dropped =", ["deduplicate", "near"]),
        ("near =", ["Jaccard 0.877"]),
        ("built.explain", ["came from", "\nIt was dropped by deduplicate", "\nKept instead: classics-"]),
        ("dataset =", ["DatasetDict", "num_rows: 111"]),
        ("for message", ["user: ", "assistant: "]),
        ("chimed.validate", ["[]"]),
    ],
)  # fmt: skip
def test_the_tour(shown, cell, words):
    text = next(text for line, text in shown.items() if line.startswith(cell))
    assert [word for word in words if word not in text] == [], text
