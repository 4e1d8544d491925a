"""What invented exam items are made of."""

from __future__ import annotations

HERBS = (
    "麻黄", "桂枝", "柴胡", "黄芩", "人参", "甘草", "半夏", "生姜", "大枣", "石膏", "知母", "大黄",
)  # fmt: skip
ACTS = (
    "发汗解表", "温通经脉", "疏肝解郁", "清热燥湿", "大补元气", "调和诸药", "燥湿化痰", "温中止呕",
)  # fmt: skip
