"""``python -m chimed_datasets`` is ``chimed``."""

from .cli import app

if __name__ == "__main__":
    app()
