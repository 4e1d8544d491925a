"""What Python users see: the door beside the command line.

dataset  a built dataset, to look at and to load
builds   builds one, or opens one
pieces   one stage by itself, over texts; the records of a file
outcome  what a piece returns
"""
