"""The files of a source.

finding    a path of the recipe becomes a list of files
far        a file at an address: what its server says of it
cache      files of addresses, kept on this machine
transfer   their bytes come here, go on where they were cut, and are compared
hub        files of the Hub, and its own cache
web        files on the web
modelscope a dataset on ModelScope as a file system
opening    one file, wherever it lies, within the bounds of what it may unfold to
parts      a range of a large file that is read by itself
archives   the files inside an archive; libarchive: inside RAR and 7z
encodings  which encoding text is in
looks      what a file is that is no text
decoding   bytes become text, each line in its own encoding, which is noted
wrapped    lines that a book's width broke are joined
"""

from .decoding import lines, read_text
from .opening import FileReport, SourceFile

__all__ = ["FileReport", "SourceFile", "lines", "read_text"]
