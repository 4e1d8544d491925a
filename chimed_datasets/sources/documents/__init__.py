"""Documents of office programs and of print.

sections      headings and paragraphs become Documents
pdf_glyphs    the characters of a PDF's pages and where they stand, by pdfium
pdf_garbage   pages that hold no text
pdf_lines     characters become lines, in the order of reading
pdf_pages     the pages, read in a process of its own
pdf_furniture running heads, page numbers and notes
pdf_flow      lines become headings and paragraphs
"""
