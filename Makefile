# Each target sets up what it needs: an environment in .venv, from constraints.txt, made anew when either file changes.
PYTHON ?= python3
FIT := Python 3.11, 3.12 or 3.13 is needed, for instance: make PYTHON=python3.11 demo
PYTHONS := 3.11.2 3.12 3.13
BIN := .venv/bin
PIP = $(BIN)/pip install --quiet --no-compile --constraint constraints.txt
UNUSED := /(tests?|testing|sympy|mpmath|networkx|OpenGL|debugpy|pip|fontTools|mypyc?|setuptools|_inductor|onnx|ao|torchgen|lexers)/
export OMP_NUM_THREADS := 1

.PHONY: demo test services pins verify clean

demo: .venv/ready
	$(BIN)/python -m autograder.verification.demo demo

test: .venv/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	@$(BIN)/mypy & types=$$!; $(BIN)/pytest --numprocesses 3 --dist loadfile --no-loadscope-reorder; tests=$$?; \
	wait $$types && exit $$tests # types are checked while some of the tests wait

services: .venv/ready # with a browser, a Jupyter server and a database server, which most machines lack
	@command -v chromium >/dev/null && ls /usr/lib/postgresql/*/bin/pg_ctl >/dev/null 2>&1 || { echo "Debian's packages chromium and postgresql are needed: apt install chromium postgresql"; exit 1; }
	$(PIP) --editable '.[services]'
	$(BIN)/pytest tests/services

pins: .venv/ready # that what is pinned can be installed on every Python that the kit works with, from wheels alone
	@for version in $(PYTHONS); do \
		$(BIN)/uv pip compile --quiet --only-binary :all: --extra dev --extra services --constraint constraints.txt \
			--python-version $$version --output-file /dev/null pyproject.toml || exit 1; \
		echo "constraints.txt resolves on Python $$version"; \
	done

verify: .venv/ready
	for practical in sac reinforce; do $(BIN)/autograder verify --assignment $$practical --several 60 || exit 1; done

.venv/ready: pyproject.toml constraints.txt
	@command -v $(PYTHON) >/dev/null || { echo "There is no $(PYTHON) here: $(FIT)"; exit 1; }
	@$(PYTHON) -c 'import sys; v = sys.version_info[:3]; new = v >= (3, 14); v < (3, 11) or new or sys.exit(0); sys.stdout.write("Python %d.%d.%d is too %s: $(FIT)\n" % (v + ("new" if new else "old",))); sys.exit(1)'
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { echo "Python's venv is missing: apt install python3-venv"; exit 1; }
	$(PYTHON) -m venv --clear .venv
# uv takes a fifth of pip's time, but reads none of pip's configuration, which may say where a torch without CUDA is
	$(PIP) --no-deps uv torch
	$(BIN)/uv pip install --quiet --python $(BIN)/python --constraint constraints.txt --editable '.[dev]' || $(PIP) --editable '.[dev]'
	@echo "compiling what was installed"; $(BIN)/python -m compileall -qq --workers 0 -x '$(UNUSED)' .venv/lib || true # some ship files that no Python compiles
	touch $@

clean:
	rm -rf .venv demo
