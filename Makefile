# make help

PYTHON ?= python3
LESSONS ?= perceptron_iris xor_mlp mnist_mlp
BENCH ?= perceptron_iris xor_mlp data_loader mnist_mlp

# All paths are relative: the checkout may lie under a name with spaces in it.
PIP = .venv/bin/python -m pip --disable-pip-version-check
# setuptools warns of every editable install; that says nothing to who only wants one.
INSTALL = PYTHONWARNINGS=ignore $(PIP) install -q -c constraints.txt --no-build-isolation
PINS = pyproject.toml constraints.txt

.PHONY: help demo test bench clean moved

help:
	@echo "make demo    set up .venv and compare the two tracks on $(LESSONS)"
	@echo "make test    set up .venv with the test tools and run the tests"
	@echo "make bench   time the engines, and put the table into README.md"
	@echo "make clean   remove .venv and everything else that can be made again"
	@echo
	@echo "PYTHON=python3.12            the Python to use, 3.10 to 3.13"
	@echo "LESSONS='xor_mlp xor_deep'   the lessons of the demo"

demo: .venv/demo
	.venv/bin/python -m shared compare $(LESSONS)

test: .venv/test
	.venv/bin/python -m pytest -n auto --dist loadfile --no-loadscope-reorder

bench: .venv/demo
	.venv/bin/python -m shared bench $(BENCH) --seeds 25 --into README.md

# Scripts and the editable install hold absolute paths: a moved checkout starts anew.
ifneq ($(shell cat .venv/home 2>/dev/null),$(CURDIR))
.venv/home: moved
endif

.venv/home:
	@"$(PYTHON)" -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 13))' || \
	  { echo "twotrack needs Python 3.10 to 3.13; $(PYTHON) is $$("$(PYTHON)" -V 2>&1):"; \
	    echo "name another one, such as make PYTHON=python3.12"; exit 1; }
	@echo "Creating .venv with $$("$(PYTHON)" -V) ..."
	@"$(PYTHON)" -m venv --clear .venv
	@$(PIP) install -q -c constraints.txt pip setuptools
	@pwd -P > $@

.venv/demo: .venv/home $(PINS)
	@echo "Installing TensorFlow, PyTorch and twotrack into .venv:" \
	  "3 GB or more, some minutes ..."
	@$(INSTALL) -e '.[tf,torch]'
	@touch $@

.venv/test: .venv/home $(PINS)
	@echo "Installing TensorFlow, PyTorch, twotrack and its test tools into .venv:" \
	  "3 GB or more, some minutes ..."
	@$(INSTALL) -e '.[tf,torch,test]'
	@touch .venv/demo $@

clean:
	rm -rf .venv build dist *.egg-info twotrack-out .hypothesis
	rm -rf .pytest_cache .ruff_cache .mypy_cache .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
