"""Documents of office programs and of print, workbooks, e-books and wikis.

containers    the parts of a ZIP within bounds, old Office files; what a file of these is
sections      headings and paragraphs become Documents
epub          an e-book
docx          a Word document; numerals: the numbers of its lists
markup        XML and pages as trees, and as a stream of elements
numbers       a number as its cell shows it
workbooks     the sheets of XLSX (xlsx), XLS (xls) and ODS (ods), row by row
pdf_glyphs    the characters of a PDF's pages and where they stand, by pdfium
pdf_garbage   pages that hold no text
pdf_lines     characters become lines, in the order of reading
pdf_pages     the pages, read in a process of its own
pdf_furniture running heads, page numbers and notes
pdf_flow      lines become headings and paragraphs
"""
