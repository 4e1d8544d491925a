"""Import Scrapy, then run ``chimed`` in a fork for each line of stdin: [folder, arguments], as JSON.

Prints the fork's process id. Its output goes to ``out`` and ``err`` in the folder; ``status`` appears
there when it has ended. (See `crawling`; a fork of the tests' own process would take over the locks
of its threads.)
"""

import json
import os
import signal
import sys

from scrapy.settings import default_settings
from scrapy.utils.misc import load_object

from chimed_datasets.cli import app
from chimed_datasets.collect import crawl  # noqa: F401 (what takes long)

places: dict[int, str] = {}


def ended(*told: object) -> None:
    """Write down how every fork that has ended did."""
    while places:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if not pid:
            return
        place = places.pop(pid)
        with open(f"{place}/status.partial", "w") as file:
            file.write(str(os.waitstatus_to_exitcode(status)))
        os.rename(f"{place}/status.partial", f"{place}/status")


def run(place: str, arguments: list[str]) -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})
    for number, name in enumerate((os.devnull, f"{place}/out", f"{place}/err")):
        os.dup2(os.open(name, os.O_RDWR | os.O_CREAT), number)
    sys.argv[1:] = arguments
    app()


handlers = default_settings.DOWNLOAD_HANDLERS_BASE
for name in (*default_settings.EXTENSIONS_BASE, *default_settings.DOWNLOADER_MIDDLEWARES_BASE,
             handlers["http"]):  # fmt: skip
    load_object(name)
assert "twisted.internet.reactor" not in sys.modules  # each fork starts its own
signal.signal(signal.SIGCHLD, ended)
for line in sys.stdin:
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})  # until its place is known
    pid = os.fork()
    if not pid:
        run(*json.loads(line))
    places[pid] = json.loads(line)[0]
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})
    print(pid, flush=True)
