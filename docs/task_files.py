"""train_examples/tasks/*.yaml, from the registry: ``python docs/task_files.py`` writes them.

Address, commit and licence of a task are those of its entry in chimed_datasets/known, so that what
is asked of a model and what is kept out of its training text are the same files. A Hub of datasets
whose files are read by a loading script is not named: `datasets` runs none. Its files are.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from chimed_datasets import known
from chimed_datasets.sources.files.finding import at_revision

TASKS = Path(__file__).resolve().parent.parent / "train_examples" / "tasks"


@dataclass(frozen=True)
class Task:
    """A benchmark as lm-eval asks it.

    entry:     name of the registry's entry.
    asks:      what is asked, as a comment.
    reader:    which reader of `datasets` reads the files: csv, json or parquet.
    splits:    split -> the file of a subject, below the entry's address.
    asked:     the split that is asked.
    local:     split -> the file of a subject below --data-dir.
    subjects:  subject -> number of its questions, where it is known.
    whole:     the folder or archive below the address that the files of `splits` lie in.
    """

    entry: str
    asks: str
    reader: str
    splits: dict[str, str]
    asked: str
    local: dict[str, str]
    subjects: Mapping[str, int | None] = field(default_factory=lambda: {"exam": None})
    whole: str = ""
    kind: known.Kind = "benchmarks"


CMMLU = dict(zip(
    ("anatomy", "clinical_knowledge", "college_medical_statistics", "college_medicine", "genetics",
     "nutrition", "professional_medicine", "traditional_chinese_medicine", "virology"),
    (148, 237, 106, 273, 176, 145, 376, 185, 169), strict=True,
))  # fmt: skip
ASKED: dict[str, Task] = {
    "ceval": Task(
        "ceval-medical-parquet",
        "C-Eval (Huang et al. 2023), its medical subjects. Its validation split is asked: the\n"
        "answers of its test split were not public for long. Behind each: the number of questions.",
        "parquet",
        {
            "val": "{subject}/val-00000-of-00001.parquet",
            "dev": "{subject}/dev-00000-of-00001.parquet",
        },
        "val",
        {"val": "ceval/val/{subject}_val.csv", "dev": "ceval/dev/{subject}_dev.csv"},
        {"basic_medicine": 19, "clinical_medicine": 22, "physician": 49, "veterinary_medicine": 23},
    ),
    "cmb": Task(
        "cmb-exam",
        "CMB-Exam (Wang et al. 2023). The answers of its test split are not beside the\n"
        "questions, so the validation split is asked: 280 questions, some with several right\n"
        "answers.",
        "json",
        {"val": "CMB-Exam/CMB-val/CMB-val-merge.json"},
        "val",
        {"val": "CMB-Exam/CMB-val/CMB-val-merge.json"},
    ),
    "cmexam": Task(
        "cmexam",
        "CMExam (Liu et al. 2023), test split: 6,811 questions, some with several right answers.",
        "csv",
        {"test": "test_with_annotations.csv"},
        "test",
        {"test": "cmexam/test*"},
    ),
    "cmmlu": Task(
        "cmmlu-medical",
        "CMMLU (Li et al. 2023), its nine medical subjects. Behind each: the number of its test\n"
        "questions. The files are read out of the archive that lies beside the loading script.",
        "csv",
        {"test": "test/{subject}.csv", "dev": "dev/{subject}.csv"},
        "test",
        {"test": "cmmlu/test/{subject}.csv", "dev": "cmmlu/dev/{subject}.csv"},
        CMMLU,
        whole="cmmlu_v1_0_1.zip",
    ),
    "medqa": Task(
        "medqa-zh-parquet",
        "MedQA (Jin et al. 2020), mainland China, four options, test split: 3,426 questions.",
        "parquet",
        {"test": "med_qa_zh_4options_bigbio_qa/test-00000-of-00001.parquet"},
        "test",
        {"test": "medqa/test.*"},
        {"mainland": None},
    ),
    "mlecqa": Task(
        "mlec-qa",
        "MLEC-QA (Li et al. 2021), its five subjects, test parts: those questions that need no\n"
        "picture.",
        "json",
        {"test": "{subject}_test.json"},
        "test",
        {"test": "mlec-qa/{subject}_test.json"},
        {"Clinic": None, "Stomatology": None, "PublicHealth": None, "TCM": None, "CWM": None},
        whole="mlec-qa",
    ),
}


def url(entry: known.Entry, whole: str, path: str) -> str:
    """Return where `datasets` finds a file of an entry, at the entry's commit.

    An entry without an address has its files in a folder of the user, ``whole``.
    """
    if entry.path is None:
        return f"{whole}/{path}"
    at_github = re.fullmatch(r"github://([^:]+):([^@]+)@([^/]+)(/.*)?", entry.path)
    if at_github:
        owner, name, branch, folder = at_github.groups()
        place = f"{owner}/{name}/{entry.revision or branch}{folder or ''}"
        return f"https://raw.githubusercontent.com/{place}/{path}"
    place = at_revision(entry.path, entry.revision) if entry.revision else entry.path
    return f"zip://{path}::{place}/{whole}" if whole else f"{place}/{path}"


def licence(entry: known.Entry) -> str:
    """Return an entry's licence in words, and who states it."""
    if entry.licence.by == "nobody":
        return "none is stated"
    return f"{entry.licence.id}, as {entry.licence.by} says"


def text(name: str) -> str:
    """Return the YAML of a task, in lm-eval's format."""
    task = ASKED[name]
    entry = known.entry(task.kind, task.entry)
    if entry.path is None:
        where = (
            f"Its files have no address of their own: get them at {entry.page},\n"
            f"and put them into the folder {task.whole} where lm-eval is started.\n"
            "No commit of theirs is known."
        )
    else:
        at = (
            f"commit {entry.revision}" if entry.revision else "its newest state: no commit is known"
        )
        where = f"From {entry.page}, {at}."
    head = [
        *f"{task.asks}\n{where}\nLicence: {licence(entry)}.".split("\n"),
        f"Written by docs/task_files.py, from the entry {task.entry} of the registry.",
    ]
    shots = [split for split in task.splits if split == "dev"]
    split = "test_split" if task.asked == "test" else "validation_split"
    lines = [
        *(f"# {line}" for line in head),
        "include: _common.yaml",
        f"group: chimed_{name}",
        "aggregate_metric_list:",
        "  - {metric: acc, weight_by_size: true}  # over questions, not over subjects",
        f"dataset_path: {task.reader}",
        f"{split}: {task.asked}",
        *(
            line
            for s in shots
            for line in (f"fewshot_split: {s}", "fewshot_config: {sampler: first_n}")
        ),
        "metadata:",
        "  version: 1",
        *([f"  revision: {entry.revision}"] if entry.revision else []),
        "  local:",
        *(f'    {s}: "{path}"' for s, path in task.local.items()),
        "task:",
    ]
    for subject, questions in task.subjects.items():
        lines.append(f"  - task: {subject}" + (f"  # {questions}" if questions else ""))
        lines.append("    dataset_kwargs:")
        if task.reader == "csv":
            lines.append("      keep_default_na: false  # an option may be named NA")
        lines.append("      data_files:")
        for s, path in task.splits.items():
            lines.append(f"        {s}: {url(entry, task.whole, path.format(subject=subject))}")
    return "\n".join(lines) + "\n"


def main() -> None:
    for name in ASKED:
        (TASKS / f"{name}.yaml").write_text(text(name), "utf-8")


if __name__ == "__main__":
    main()
