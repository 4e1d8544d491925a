"""docs/how-to/begin.md shows what the commands print."""

from __future__ import annotations

import re

import pytest
from typer.testing import CliRunner

from chimed_datasets.cli import app
from tests.common.files import ROOT

PAGE = (ROOT / "docs" / "how-to" / "begin.md").read_text("utf-8")
TABLE = """\
ke_shi;wen_ti;da_an
內科;感冒發燒可以吃雞蛋嗎？;可以吃。發燒時蛋白質消耗增加，吃雞蛋羹容易消化，但是不要吃煎炸的雞蛋。
內科;高血壓要吃一輩子的藥嗎？;多數人需要長期服藥。血壓平穩以後可以在醫生指導下減量，不要自己停藥。
皮膚科;濕疹可以碰水嗎？;可以洗澡，水溫不要太高，時間不要超過十分鐘，洗後馬上塗潤膚霜。
兒科;孩子三歲還尿床是病嗎？;三歲尿床大多不是病。睡前少喝水，定時叫醒小便，五歲以後還尿床再就診。
骨科;腰椎間盤突出能跑步嗎？;急性期不能跑步。緩解以後可以游泳和快走，逐步加強腰背肌的鍛煉，電話13912345678。
"""


def lines_of(text: str) -> list[str]:
    return [line.rstrip() for line in text.splitlines()]


def test_the_page_shows_what_is_printed_and_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "export.csv").write_bytes(TABLE.encode("gb18030"))
    table, detected, *_ = re.findall(r"^```text.*?\n(.*?)^```", PAGE, re.M | re.S)
    assert set(table.splitlines()) - set(TABLE.splitlines()) == {"…"}
    commands = [line for line in PAGE.splitlines() if line.startswith("chimed ")]
    printed = []
    for command in commands:
        args = command.split()[1:]
        run = CliRunner().invoke(app, args, env={"COLUMNS": "80"})
        assert run.exit_code == 0, run.output
        printed.append(run.output)
    assert lines_of(printed[0]) == lines_of(detected)
    [recipe] = re.findall(r'^```yaml title="my.yaml"\n(.*?)^```', PAGE, re.M | re.S)
    assert (tmp_path / "my.yaml").read_text("utf-8") == recipe
    preview = re.findall(r"^```text\n(.*?)^```", PAGE, re.M | re.S)[1]
    shown = [line for line in lines_of(preview) if line.strip() != "…"]
    assert set(shown) <= set(lines_of(printed[2]))


def test_the_python_of_the_page_prints_what_it_shows(capsys, monkeypatch):
    monkeypatch.chdir(ROOT)
    code, said = re.findall(r"^```python\n(.*?)^```\n\n```text\n(.*?)^```", PAGE, re.M | re.S)[0]
    exec(code, {})
    assert capsys.readouterr().out == said


@pytest.mark.parametrize("grade", ["sure", "likely", "guess"])
def test_the_page_explains_each_grade(grade):
    assert f"**{grade}**" in PAGE or f"A **{grade}**" in PAGE
