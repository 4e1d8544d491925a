"""What a run would ask and cost, before it does."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..lang import _
from .budget import Cost, most, price
from .cache import Cache
from .exchange import Completion, Failed, Request

TOKENS_PER_BYTE = 1 / 3
"""A likely figure for Chinese, where a character has three bytes of UTF-8 and most vocabularies
spend about a token on it; :func:`chimed_datasets.generate.budget.most` has the bound."""


@dataclass
class Estimate:
    """Stands in for the endpoints: gives what the cache holds, and counts what would be asked.

    What it counts is the first question about each input. Repairs (at most ``repairs`` more for
    each), new attempts and refusals come on top; budgets count them too.
    """

    cache: Cache
    inputs: int = 0
    cached: int = 0
    requests: int = 0
    prompt_tokens: int = 0
    likely: Cost = field(default_factory=Cost)
    bound: Cost = field(default_factory=Cost)
    _seen: set[str] = field(default_factory=set)

    async def complete(self, request: Request) -> Completion:
        """Return the cached answer, or raise :class:`Failed` and count the request."""
        if known := self.cache.get(request.key):
            self.cached += 1
            return known
        if request.key not in self._seen:
            self._seen.add(request.key)
            self.requests += 1
            prompt = round(request.prompt_bound * TOKENS_PER_BYTE)
            self.prompt_tokens += prompt
            tokens = request.model.max_tokens
            likely = Cost(1, prompt + tokens, price(request.model, prompt, tokens))
            self.likely = Cost(*map(sum, zip(self.likely, likely, strict=True)))
            self.bound = Cost(*map(sum, zip(self.bound, most(request), strict=True)))
        raise Failed("not_asked", "")

    def lines(self, priced: bool) -> list[str]:
        """Return what to tell a user."""
        answer_tokens = self.likely.tokens - self.prompt_tokens
        lines = [
            _(
                "{inputs:,} inputs; {cached:,} answers are in the cache, {requests:,} requests to "
                "send (repairs and new attempts come on top)"
            ).format(inputs=self.inputs, cached=self.cached, requests=self.requests),
            _(
                "tokens: about {prompts:,} of prompts and at most {answers:,} of answers; "
                "{bound:,} cannot be exceeded"
            ).format(prompts=self.prompt_tokens, answers=answer_tokens, bound=self.bound.tokens),
        ]
        if priced:
            money = _("money: about {likely:,.4f}, at most {bound:,.4f}")
            lines.append(money.format(likely=self.likely.money, bound=self.bound.money))
        return lines
