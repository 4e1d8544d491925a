"""Installs each extra alone, by the pip that Python ships, and uses once what it promises.

    python tests/prove_extras.py [EXTRA ...]

Each gets an environment of its own. There are no constraints, but for torch: its plain package
brings gigabytes of CUDA, and the version here has a build for the CPU. A line an extra: seconds,
bytes, what was used. Exit 1 where one fails.
"""

from __future__ import annotations

import configparser
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TORCH = (ROOT / "constraints.txt").read_text("utf-8").strip()
PAGE = (
    "<html><body><article><p>"
    + "头痛三天，伴有发热，应当及时就医。" * 9
    + "</p></article></body></html>"
)
# A model server of the standard library, and a recipe that asks it.
GENERATE = """
import json, threading, yaml
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from chimed_datasets.generate.recipe import parse
from chimed_datasets.generate.run import generate
said = {"choices": [{"message": {"role": "assistant", "content": json.dumps({"answer": SENTENCE * 3})},
                     "finish_reason": "stop"}], "usage": {"prompt_tokens": 9, "completion_tokens": 9}}
class Model(BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200); self.send_header("Content-Type", "application/json"); self.end_headers()
        self.wfile.write(json.dumps(said).encode())
    def log_message(self, *_): pass
server = HTTPServer(("127.0.0.1", 0), Model)
threading.Thread(target=server.serve_forever, daemon=True).start()
Path("qa.jsonl").write_text(json.dumps({"question": SENTENCE, "answer": SENTENCE}))
done = generate(parse({"name": "g", "sources": [{"name": "s", "layout": "jsonl", "path": "qa.jsonl",
    "license": "mit", "kind": "thread"}], "models": [{"name": "m", "model": "m"}],
    "endpoint": {"base_url": f"http://127.0.0.1:{server.server_port}/v1"},
    "tasks": [{"task": "answer", "models": ["m"]}]}, Path.cwd()), "out")
assert done.sent, done
""".replace("SENTENCE", repr("头痛三天，伴有发热，应当及时就医，多喝水，注意休息。"))
# The packaged model behind the packaged server.
LOCAL = """
import json, subprocess, sys, urllib.request
serve = [sys.executable, "-m", "chimed_datasets.generate.local_server", "--port", "18080"]
with subprocess.Popen(serve, stdout=subprocess.PIPE, text=True) as server:
    url = server.stdout.readline().split(": ")[1].strip()
    asked = {"model": "local", "max_tokens": 8, "messages": [{"role": "user", "content": "感冒怎么办？"}]}
    request = urllib.request.Request(f"{url}/chat/completions", json.dumps(asked).encode(),
                                     {"Content-Type": "application/json"})
    with urllib.request.urlopen(request) as answer:
        assert json.load(answer)["choices"][0]["message"]["content"].strip()
    server.terminate()
"""
# A push to a site that is not there: the client is asked, and the message is ours.
MODELSCOPE = """
import os, chimed_datasets as c, fsspec, modelscope
from chimed_datasets.errors import PublishError
from chimed_datasets.publish.hub import outgoing
from chimed_datasets.publish.modelscope import push
import chimed_datasets.sources.files
os.environ |= {"MODELSCOPE_ENDPOINT": "http://127.0.0.1:9", "MODELSCOPE_API_TOKEN": "none",
               "MODELSCOPE_HOME": os.getcwd()}
assert fsspec.filesystem("modelscope").api.legacy.endpoint == "http://127.0.0.1:9"
assert callable(modelscope.dataset_snapshot_download)
c.build(c.load_recipe(RECIPE), "out")
try:
    with outgoing("out") as what:
        push(what, "org/name")
except PublishError as error:
    assert "the connection to ModelScope broke" in str(error), error
else:
    raise AssertionError("nothing answers there")
"""
USES = {
    "": "import chimed_datasets as c; c.build(c.load_recipe(RECIPE), 'out'); assert not c.validate('out')",
    "collect": "from chimed_datasets.sources.site.pages import element_text, main_text, parse; "
    f"p = {PAGE!r}; assert '头痛' in main_text(p, element_text(parse(p).root)); "
    "import chimed_datasets.collect.crawl",
    "generate": GENERATE,
    "local": LOCAL,
    "report": "import chimed_datasets as c; c.build(c.load_recipe(RECIPE), 'out'); "
    "from chimed_datasets.cli import app; app(['report', 'out'])",
    "serve": "import chimed_datasets as c; c.build(c.load_recipe(RECIPE), 'out'); "
    "from chimed_datasets.report.whole import Whole; w = Whole(c.open_built('out')); w.wait(); "
    "assert w.counts('rows', {})['done']",
    "croissant": "import mlcroissant, chimed_datasets.publish.croissant",
    "modelscope": MODELSCOPE,
    "xlsx": "import chimed_datasets as c; from chimed_datasets.cli import app; "
    "c.build(c.load_recipe(RECIPE), 'out'); app(['export', 'out', '--to', 'xlsx'])",
    "office": "import libarchive, lxml.etree, mwparserfromhell, xlrd; "
    "import chimed_datasets.sources.documents.workbooks",
    "ray": "import chimed_datasets as c; from chimed_datasets.executors.ray import RayExecutor; "
    "c.build(c.load_recipe(RECIPE), 'out', executor=RayExecutor()); assert not c.validate('out')",
    "train": "import torch, trl, peft, lm_eval; from transformers import LlamaConfig, LlamaForCausalLM; "
    "LlamaForCausalLM(LlamaConfig(hidden_size=8, intermediate_size=8, num_hidden_layers=1, "
    "num_attention_heads=1, vocab_size=8))(torch.zeros(1, 1, dtype=torch.long))",
    "docs": "import zensical, mkdocstrings",
    "dev": "import pytest, hypothesis, mypy, xdist",
    "dev-all": "import pytest, ray, torch, safetensors",
}


def size(folder: Path) -> int:
    """Return the bytes of all files in a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def prove(extra: str) -> bool:
    """Install ``extra`` alone and use it; print the line."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        venv.create(folder / "venv", with_pip=True)
        python = folder / "venv" / "bin" / "python"
        needs_torch = extra in ("train", "dev-all")
        wanted = [f"{ROOT}[{extra}]" if extra else str(ROOT), *([TORCH] if needs_torch else [])]
        start = time.perf_counter()
        installed = subprocess.run(
            [python, "-m", "pip", "install", "-q", *wanted], capture_output=True, text=True
        )
        seconds = time.perf_counter() - start
        code = USES[extra].replace("RECIPE", "__import__('chimed_datasets.samples').samples.RECIPE")
        used = subprocess.run([python, "-c", code], capture_output=True, text=True, cwd=folder)
        fine = installed.returncode == used.returncode == 0
        megabytes = size(folder / "venv") / 2**20
        print(
            f"[{extra}] {seconds:.0f} s, {megabytes:,.0f} MB: {'ok' if fine else 'FAILED'}",
            flush=True,
        )
        if not fine:
            print((installed.stderr + used.stderr)[-2000:], flush=True)
        return fine


def main(extras: list[str]) -> int:
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg", "utf-8")
    assert set(USES) == {"", *setup["options.extras_require"]}
    failed = sum(not prove(extra) for extra in extras or USES)
    return min(failed, 1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
