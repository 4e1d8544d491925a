"""What Python users call: one stage by itself, or a dataset from a few lines."""
