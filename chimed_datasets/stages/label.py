"""Label: department, domain and keyphrases for records whose source has none. Off by default.

department  by a small linear classifier (naive Bayes over characters and their pairs), learnt from
            the records of this build that have one
domain      Chinese or modern medicine, by another, learnt from the sources whose entry in the
            recipe says so; for records of those whose entry says nothing
keyphrases  the nouns that set a record apart from the others of the build (TF-IDF over segmented
            text); no person's name

The column ``label_origin`` says of each label how it was made. A verdict is used only above the
margin from which on held-out records were judged with the wanted precision, and only for records as
like what was learnt as 95 % of those; the manifest has the figures. They hold for records of the
kind that was learnt from: of another source a label is a guess, and nothing is labelled with what
no source has. Nothing is downloaded, and the same records get the same labels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

from pydantic import Field


@dataclass(frozen=True)
class Label:
    """Label what has no label; see the module.

    department:   whether departments are given.
    domain:       whether domains are.
    keyphrases:   how many are given to a record without any; 0 for none.
    precision:    how many verdicts on held-out records must be right.
    min_examples: records that a department must have to be learnt; of a domain, each source.
    """

    department: bool = True
    domain: bool = True
    keyphrases: Annotated[int, Field(ge=0, le=50)] = 5
    precision: Annotated[float, Field(gt=0, le=1)] = 0.9
    min_examples: Annotated[int, Field(ge=2)] = 30
    name: ClassVar[str] = "label"
