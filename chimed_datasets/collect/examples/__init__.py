"""Two small sites to try `chimed collect` on: a question-and-answer platform and an encyclopedia.

    python -m chimed_datasets.collect.examples [FOLDER [PORT]]

serves them at http://127.0.0.1:8901 and :8902 (or PORT and the next; 0 takes free ones) until
interrupted, and writes their site files ``platform.yaml`` and ``encyclopedia.yaml`` into FOLDER.
What stands on their pages is made up, and they give a crawler the trouble that real sites do. None
of it is medical advice.
"""

from pathlib import Path

PLATFORM = Path(__file__).with_name("platform.yaml")
ENCYCLOPEDIA = Path(__file__).with_name("encyclopedia.yaml")
