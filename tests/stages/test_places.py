"""Where two texts differ, beside what difflib tells of them."""

from __future__ import annotations

from difflib import SequenceMatcher

from hypothesis import given
from hypothesis import strategies as st

from chimed_datasets.stages.near.places import in_common, places, places_of

SHORT = st.text(st.sampled_from("甲乙丙0"), max_size=20)


def told(a, b):
    opcodes = SequenceMatcher(None, a, b, autojunk=False).get_opcodes()
    return [tuple(place) for what, *place in opcodes if what != "equal"]


@given(SHORT, SHORT)
def test_places_are_those_of_difflib(one, other):
    assert places(one, other) == told(one, other)
    assert places_of([*one], [*other]) == told([*one], [*other])


@given(st.text(max_size=40), st.integers(0, 40), st.integers(0, 40), st.text(max_size=3))
def test_places_of_a_text_and_what_an_edit_makes_of_it(text, begin, end, new):
    edited = text[:begin] + new + text[end:]
    assert places(text, edited) == told(text, edited)


@given(SHORT, SHORT)
def test_in_common(one, other):
    head, tail = in_common(one, other), in_common(one, other, at_the_end=True)
    assert one[:head] == other[:head]
    assert one[len(one) - tail :] == other[len(other) - tail :]
    assert one[: head + 1] != other[: head + 1] or one == other or head == min(len(one), len(other))
