"""Real data: the layout that a recipe names is found."""

from __future__ import annotations

import pytest

from tests import prove_detect


@pytest.mark.real_data
def test_the_layouts_of_real_data_are_found(shared_data, capsys):
    assert prove_detect.main(shared_data) == 0
    assert "0 not found" in capsys.readouterr().out
