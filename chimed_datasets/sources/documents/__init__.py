"""Documents and workbooks of office programs, e-books and wikis.

containers the parts of a ZIP within bounds, old Office files; what a file of these is
sections   headings and paragraphs become Documents
epub       an e-book
docx       a Word document; numerals: the numbers of its lists
markup     XML and pages as trees, and as a stream of elements
numbers    a number as its cell shows it
workbooks  the sheets of XLSX (xlsx), XLS (xls) and ODS (ods), row by row
"""
