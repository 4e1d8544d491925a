"""What a file is, and which layout reads it.

forms     the form of a file's beginning, and its first rows
columns   what stands in the columns of its rows
names     what columns are called
mapping   which columns are the question, the answer, the text
fits      a layout's own reader, run over a beginning
grades    how sure that is, and why
verdict   the best layout and the second best
proposal  a recipe by it
"""

from .verdict import Detected, detect

__all__ = ["Detected", "detect"]
