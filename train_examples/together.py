"""lm-eval's model of `transformers`, which reads a question once for all of its answers.

lm-eval asks for question and answer together, four times for four options, and works out the logits
of every token. Here the answers stand behind one copy of their question, each blind to the others
(tree attention: Miao et al. 2023, arXiv:2305.09781, section 4), at the positions that they have
behind the question alone. The likelihoods are the same but for rounding. What is longer than the
model's sliding window goes lm-eval's way.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate

import torch
from lm_eval.models.huggingface import HFLM

Request = tuple[object, list[int], list[int]]
"""What lm-eval asks: the texts, the tokens of the question, and those of an answer."""


class Together(HFLM):
    """Log-likelihoods of answers, each question of which is read once."""

    def _loglikelihood_tokens(self, requests: list[Request], *rest, **more):
        asked: dict[tuple[int, ...], list[int]] = {}
        for number, (_, question, _) in enumerate(requests):
            asked.setdefault(tuple(question), []).append(number)
        config = getattr(self.model, "config", None)
        window = min(self.max_length, getattr(config, "sliding_window", None) or self.max_length)
        found: dict[int, tuple[float, bool]] = {}
        alone: list[int] = []
        groups: list[tuple[list[int], list[list[int]], list[int]]] = []
        for key, numbers in asked.items():
            answers = [requests[number][2] for number in numbers]
            if len(key) + max(map(len, answers)) > window:
                alone += numbers
            else:
                groups.append(([*key], answers, numbers))
        groups.sort(key=lambda one: -_length(*one[:2]))
        for begin in range(0, len(groups), self.batch_size):
            some = groups[begin : begin + self.batch_size]
            told = self._answered([one[:2] for one in some])
            for (_, _, numbers), likely in zip(some, told, strict=True):
                found |= zip(numbers, likely, strict=True)
        if alone:
            left = super()._loglikelihood_tokens([requests[n] for n in alone], *rest, **more)
            found |= zip(alone, left, strict=True)
        return [found[number] for number in range(len(requests))]

    @torch.no_grad()
    def _answered(
        self, groups: Sequence[tuple[list[int], list[list[int]]]]
    ) -> Iterator[list[tuple[float, bool]]]:
        """Yield of each question's answers the log-likelihood, and whether it is the likeliest."""
        width = max(_length(*one) for one in groups)
        tokens = torch.zeros(len(groups), width, dtype=torch.long)
        places = torch.zeros(len(groups), width, dtype=torch.long)
        # Whom a token sees: itself (a row of nothing has no softmax), and what is before it.
        seen = torch.eye(width, dtype=torch.bool).repeat(len(groups), 1, 1)
        for row, (question, answers) in enumerate(groups):
            size = len(question)
            tokens[row, :size] = torch.tensor(question)
            places[row, :size] = torch.arange(size)
            seen[row, :size, :size] = torch.ones(size, size).tril().bool()
            for at, answer in zip(_starts(size, answers), answers, strict=True):
                end = at + len(answer) - 1  # nothing is asked behind the last token
                tokens[row, at:end] = torch.tensor(answer[:-1])
                places[row, at:end] = torch.arange(size, size + end - at)
                seen[row, at:end, :size] = True
                seen[row, at:end, at:end] = torch.ones(end - at, end - at).tril().bool()
        first = min(len(question) for question, _ in groups) - 1
        logits = self.model(
            input_ids=tokens.to(self.device),
            position_ids=places.to(self.device),
            attention_mask=seen[:, None].to(self.device),
            logits_to_keep=width - first,
            use_cache=False,
        ).logits
        for row, (question, answers) in enumerate(groups):
            size, told = len(question), []
            for at, answer in zip(_starts(size, answers), answers, strict=True):
                from_ = [size - 1, *range(at, at + len(answer) - 1)]
                scores = (
                    logits[row, [place - first for place in from_]].float().log_softmax(-1).cpu()
                )
                wanted = torch.tensor(answer)
                likely = scores.gather(1, wanted[:, None]).sum().item()
                told.append((likely, bool((scores.argmax(1) == wanted).all())))
            yield told


def _length(question: list[int], answers: list[list[int]]) -> int:
    """Return how many tokens are read; nothing is asked behind an answer's last one."""
    return len(question) + sum(len(answer) - 1 for answer in answers)


def _starts(size: int, answers: list[list[int]]) -> list[int]:
    """Return where each answer begins behind a question of so many tokens."""
    return list(accumulate((len(answer) - 1 for answer in answers[:-1]), initial=size))
