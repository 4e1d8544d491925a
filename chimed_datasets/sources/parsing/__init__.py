"""What layouts share: rows of JSON and CSV, and what their fields are made into.

row        a row with its key, and what may go wrong with it
json       JSON and JSON Lines, tolerant of what real files hold
csv        comma-, tab- and otherwise separated values
parts      where a large file of either is cut
mapped     what a recipe says of fields and their names
mapping    fields that a recipe names become records
groups     rows of a group become a thread
messages   turns of a conversation in all their usual forms
speakers   the names of those who speak
threads    pages of questions and answers
"""

from .csv import csv_rows
from .json import json_rows
from .messages import department, prompt, rivals, turns
from .row import KeyedRow, RowError, each, text_of

__all__ = [
    "KeyedRow",
    "RowError",
    "csv_rows",
    "department",
    "each",
    "json_rows",
    "prompt",
    "rivals",
    "text_of",
    "turns",
]
