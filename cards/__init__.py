"""Jinja templates of the dataset cards."""
