"""Words that the report is given by the data, not by the code: roles, places of a text, tags, kinds
of differences. The data keeps them in English; who shows them asks here."""

from __future__ import annotations

from ..lang import N_, _

WORDS = (
    # what a list can be filtered by
    N_("config"), N_("source"), N_("split"), N_("department"), N_("origin"), N_("domain"),
    N_("length"), N_("tag"), N_("stage"), N_("rule"),
    # who speaks, and places of a text
    N_("user"), N_("assistant"), N_("system"), N_("chosen"), N_("rejected"), N_("good"), N_("bad"),
    N_("reasoning"), N_("text"), N_("title"), N_("question"), N_("answer"), N_("explanation"),
    N_("options"), N_("prompt"), N_("completion"),
    # labels of a row
    N_("id"), N_("characters"), N_("from"), N_("keyphrases"), N_("pair_origin"), N_("license"),
    N_("mark"), N_("defect"), N_("answer_type"), N_("evidence"),
    # tags
    N_("reasoning trace"), N_("masked"), N_("several replies"), N_("contradicts another"),
    N_("inside another"), N_("changed"), N_("text kept"), N_("beside the kept one"),
    N_("beside an exam item"),
    # why another record stands beside one
    N_("near-duplicate"), N_("contradicts it on one question"),
    # kinds of differences
    N_("dose"), N_("number"), N_("negation"), N_("side"), N_("person"), N_("direction"), N_("part"),
    N_("drug"), N_("herb"), N_("disease"), N_("point"), N_("name"), N_("subject"), N_("stem"),
    # votes, and what became of records
    N_("right"), N_("wrong"), N_("kept"), N_("dropped"), N_("records"), N_("all"),
    # checks
    N_("pass"), N_("fail"), N_("not checked"),
)  # fmt: skip


def word(english: str) -> str:
    """Return one of the words in the language that is spoken; any other as it is."""
    return _(english)
