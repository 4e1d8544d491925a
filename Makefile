# What CI calls, and what a contributor calls before a commit.
.PHONY: loops lang fuzz-loops check fix test test-all docs coverage floor extras matrix trainers bounds kills joins

loops:  ## compile the loops again, where a checkout runs them; an installation compiles them itself
	python setup.py -q build_ext --inplace

fuzz-loops:  ## the compiled loops under two sanitizers of gcc, for a minute
	python tests/loops/fuzz_loops.py --minutes 1

lang:  ## collect new texts into the Chinese catalogue, and compile it
	python -m tests.make_catalogue

check:  ## lint and types
	ruff check .
	ruff format --check .
	mypy

fix:  ## what ruff can mend, and the format
	ruff check --fix .
	ruff format .

test:  ## the default tier: under four minutes on two cores
	pytest

test-all:  ## all tests but the proofs; needs `pip install -e '.[dev-all]' -c constraints.txt`
	pytest -m "not slow"

docs:  ## the documentation, into site/; a broken link fails it
	zensical build --strict --clean

kills:  ## kill a small build 100 times at random moments, and mend sources in between
	python tests/prove_kills.py

coverage:  ## lines and branches that all tests but the proofs run
	pytest -m "not slow" --cov --cov-report=
	$(MAKE) floor

floor:  ## fails where they run less than on 2026-11-29 (93.7 %)
	coverage report --skip-covered --fail-under=93

extras:  ## install each extra alone, in an environment of its own, and use it once
	python tests/prove_extras.py

matrix:  ## load a build in old and new versions of `datasets`; installs each in an environment
	python tests/prove_loads.py

trainers:  ## feed exports to LLaMA-Factory and ms-swift; installs each in an environment, 1.6 GB
	python -m tests.prove_trainers .trainers

bounds:  ## build hostile files at full size: memory and time; an hour and more, 2 GB of disk
	python tests/prove_bounds.py

joins:  ## join and group 10 million rows within 1 GB of memory; half an hour, 10 GB of disk
	python tests/prove_join.py
