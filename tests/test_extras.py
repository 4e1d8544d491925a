"""An extra that is not there, or is broken, is one line that names the package."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

SITE = """\
name: p
license: mit
contact: a@b.example
start_urls: ["https://a.example/"]
allowed_domains: [a.example]
pages: [{kind: article, match: /, title: h1, text: p}]
"""
# As lxml 5.2 says it to who imports what went into a project of its own.
GONE = "lxml.html.clean module is now a separate project lxml_html_clean."
CALL = "from chimed_datasets.cli import app; app()"
BROKEN = f"cannot be imported ({GONE}): pip install"


@pytest.mark.parametrize(
    ("package", "line", "said"),
    [
        ("parsel", "raise ImportError({gone!r})", f"{BROKEN} 'chimed-datasets[collect]'"),
        ("scrapy", "raise ImportError({gone!r})", f"{BROKEN} 'chimed-datasets[collect]'"),
        (
            "parsel",
            "raise ModuleNotFoundError(name='parsel')",
            "parsel is not installed: pip install 'chimed-datasets[collect]'",
        ),
    ],
)
def test_a_broken_extra_is_one_line(tmp_path, package, line, said):
    (tmp_path / f"{package}.py").write_text(line.format(gone=GONE), "utf-8")
    (tmp_path / "site.yaml").write_text(SITE, "utf-8")
    paths = os.pathsep.join([str(tmp_path), *filter(None, [os.environ.get("PYTHONPATH")])])
    done = subprocess.run(
        [sys.executable, "-c", CALL, "collect", "site.yaml", "--out", "out"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": paths, "COLUMNS": "400"},
    )
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1, done.stderr
    assert said in done.stderr
