"""Talk to a trained model.

    python train_examples/chat.py out/dpo
    python train_examples/chat.py out/dpo --ask 感冒发热三天，需要去医院吗？

An empty line ends the talk, `/new` begins another.
"""

from __future__ import annotations

import argparse

import torch
from common import decoding, load_model, load_tokenizer, tokens_to_answer, without_thought
from transformers import TextStreamer, set_seed

DISCLAIMER = (
    "For research on language models. What it says may be wrong and is no medical advice.\n"
    "仅供语言模型研究。回答可能有误，不构成医疗建议；身体不适请就医。"
)


@torch.inference_mode()
def answer(model, tokenizer, messages: list[dict]) -> str:
    """Print the model's next reply as it comes, and return it without a thought before it."""
    batch = tokens_to_answer(tokenizer, messages, return_tensors="pt").to(model.device)
    streamer = TextStreamer(tokenizer, skip_prompt=True, skip_special_tokens=True)
    drawn = model.generate(**batch, streamer=streamer)
    reply = drawn[0, batch["input_ids"].shape[1] :]
    return without_thought(tokenizer.decode(reply, skip_special_tokens=True))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", help="folder that a training script wrote, or a Hub name")
    parser.add_argument("--ask", metavar="TEXT", help="one question; then end")
    parser.add_argument("--max-new-tokens", type=int, default=512)
    parser.add_argument("--temperature", type=float, default=0.7, help="0 takes the likeliest")
    parser.add_argument("--top-p", type=float, default=0.9)
    parser.add_argument("--seed", type=int, default=42)
    args = parser.parse_args()
    print(DISCLAIMER, flush=True)
    set_seed(args.seed)
    tokenizer = load_tokenizer(args.model)
    model = load_model(args.model, "auto")
    model.generation_config = decoding(tokenizer, args.max_new_tokens, args.temperature, args.top_p)
    messages: list[dict] = []
    while True:
        try:
            text = args.ask or input("\n患者：").strip()
        except EOFError:
            return
        if not text:
            return
        if text == "/new":
            messages = []
            continue
        messages.append({"role": "user", "content": text})
        print("\n医生：", end="", flush=True)
        reply = answer(model, tokenizer, messages)
        messages.append({"role": "assistant", "content": reply})
        if args.ask:
            return


if __name__ == "__main__":
    main()
