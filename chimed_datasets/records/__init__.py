"""What a record is, and how it ends.

A source yields :class:`Document`, :class:`QAThread`, :class:`Dialogue` or :class:`ExamItem`; from
there on everything is an Arrow record batch of one kind, until each record is in a config or in the
ledger.

    model    the four kinds as dataclasses, and their ids
    points   the characters of many texts as one array of code points
    arrow    the kinds' schemas; records become batches
    batch    all texts of a batch side by side, whatever its kind
    ledger   what a stage returns, and a row for every record that it dropped
"""

from .arrow import ANSWER, KINDS, MESSAGE, OPTION, SCHEMAS, batches, kind_of, to_batch
from .batch import PARTED, RIGHT, Batch, Leaves, compared_columns, exam_texts, text_columns
from .ledger import EXCERPT_CHARS, READ_CHARS, Result, excerpt, shorten
from .model import (
    ROLES,
    Answer,
    Columns,
    Dialogue,
    Document,
    ExamItem,
    Malformed,
    Message,
    Option,
    QAThread,
    Record,
    TextField,
    num_chars,
    pseudonym,
    record_id,
    record_ids,
)
from .points import (
    Codepoints,
    codepoints,
    counts_of,
    from_codepoints,
    look_up,
    places_of,
    sums,
    utf8,
)

__all__ = [
    "ANSWER",
    "EXCERPT_CHARS",
    "KINDS",
    "MESSAGE",
    "OPTION",
    "PARTED",
    "READ_CHARS",
    "RIGHT",
    "ROLES",
    "SCHEMAS",
    "Answer",
    "Batch",
    "Codepoints",
    "Columns",
    "Dialogue",
    "Document",
    "ExamItem",
    "Leaves",
    "Malformed",
    "Message",
    "Option",
    "QAThread",
    "Record",
    "Result",
    "TextField",
    "batches",
    "codepoints",
    "compared_columns",
    "counts_of",
    "exam_texts",
    "excerpt",
    "from_codepoints",
    "kind_of",
    "look_up",
    "num_chars",
    "places_of",
    "pseudonym",
    "record_id",
    "record_ids",
    "shorten",
    "sums",
    "text_columns",
    "to_batch",
    "utf8",
]
