"""How a record is found to hold an item of a benchmark; see :mod:`..decontaminate`."""
