"""Chinese texts that are nothing but characters, each unlike the rest."""

from __future__ import annotations

import random

SYLLABLES = "心肝脾肺肾胃胆肠痛热寒湿燥火风痰血气虚实表里阴阳汤散丸膏针灸脉舌苔汗吐下和温清补消药方剂量服用煎煮"


def chinese(length: int, seed: float = 0) -> str:
    """Return Chinese characters in which no passage comes again."""
    draw = random.Random(seed)
    return "".join(draw.choice(SYLLABLES) for _ in range(length))


def prose(seed: int, length: int = 60) -> str:
    """Return a sentence that no other seed's sentence is near."""
    return chinese(length, seed) + "。"
