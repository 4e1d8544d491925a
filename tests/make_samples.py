"""Write those bundled samples that are no UTF-8 text, from the readable files in samples_text/.

    python tests/make_samples.py [FOLDER]      (left out: chimed_datasets/samples)

``{{ff}}`` in a readable file stands for that byte. Some books are broken into lines of one width
here; those of the classics end in a blank and CR LF, as files of that corpus do.
tests/test_samples.py checks that what is bundled holds the same bytes once unpacked.
"""

from __future__ import annotations

import gzip
import io
import json
import re
import sys
import tarfile
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

TEXT = Path(__file__).with_name("samples_text")
SAMPLES = Path(__file__).parents[1] / "chimed_datasets" / "samples"
BYTE = re.compile(r"\{\{([0-9a-f]{2})\}\}")
ENCODINGS = {
    "classics/澄江医话.txt": "gb18030",
    "classics/松窗药录.txt": "gb18030",
    "books/居家护理常识.txt": "utf-16",
    "books/急救手记.md": "utf-8",
    "cases.txt": "big5",
    "outpatient.csv": "gb18030",
    "blocks.txt": "gb18030",
}
WIDTHS = {"classics/澄江医话.txt": 36, "classics/松窗药录.txt": 36, "books/居家护理常识.txt": 40}
RAW = 0xE000
"""Private characters from here on stand for single bytes."""


def encoded(name: str) -> bytes:
    """Return the readable file ``name`` as the bytes that a user would meet."""
    text = (TEXT / name).read_text("utf-8")
    text = BYTE.sub(lambda byte: chr(RAW + int(byte[1], 16)), text)
    if name in WIDTHS:
        width = WIDTHS[name]
        text = re.sub(rf"((?:^[内属].：)?.{{{width}}})(?=.)", r"\1\n", text, flags=re.M)
    if name.startswith("classics/"):
        text = re.sub(r"(?<=.)$", " ", text, flags=re.M).replace("\n", "\r\n")
    parts = re.split(rf"([{chr(RAW)}-{chr(RAW + 255)}])", text)
    encoding = ENCODINGS[name]
    return b"".join(
        bytes([ord(part) - RAW]) if number % 2 else part.encode(encoding)
        for number, part in enumerate(parts)
    )


def members(folder: str) -> dict[str, bytes]:
    """Return the files of an archive by their names there."""
    names = [name for name in ENCODINGS if name.startswith(f"{folder}/")]
    return {name.partition("/")[2]: encoded(name) for name in names}


def lectures() -> pa.Table:
    lines = (TEXT / "lectures.jsonl").read_text("utf-8").splitlines()
    return pa.Table.from_pylist([json.loads(line) for line in lines])


def make(folder: Path) -> None:
    """Write all of them; with one version of the libraries, the same bytes each time."""
    with tarfile.open(folder / "classics.tar.xz", "w:xz") as tar:
        for name, content in members("classics").items():
            about = tarfile.TarInfo(name)
            about.size = len(content)
            tar.addfile(about, io.BytesIO(content))
    with zipfile.ZipFile(folder / "books.zip", "w") as archive:
        for name, content in members("books").items():
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    for name in ("cases.txt", "outpatient.csv"):
        (folder / name).write_bytes(encoded(name))
    (folder / "blocks.txt.gz").write_bytes(gzip.compress(encoded("blocks.txt"), mtime=0))
    pq.write_table(lectures(), folder / "lectures.parquet", compression="zstd")


if __name__ == "__main__":
    make(Path(sys.argv[1]) if len(sys.argv) > 1 else SAMPLES)
