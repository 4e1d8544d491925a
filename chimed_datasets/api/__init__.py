"""What Python users see: the door beside the command line.

dataset  a built dataset, to look at and to load
builds   builds one, or opens one
"""
