# What environments are made of, and the interpreter by; another one: make PYTHON3=/usr/bin/python3
PYTHON3 ?= python3
VENV := .venv
PYTHON := $(VENV)/bin/python
STAMP := $(VENV)/.installed
DEMO_PYTHON := build/demo-venv/bin/python
DEMO_STAMP := build/demo-venv/.installed
PACKAGE_PYTHON := build/package-venv/bin/python
PACKAGE_STAMP := build/package-venv/.installed
INTERPRETER_STAMP := build/interpreter/.installed
FUZZ_PYTHON := build/fuzz-venv/bin/python
FUZZ_STAMP := build/fuzz-venv/.installed
DOCS_PYTHON := build/docs-venv/bin/python
DOCS_STAMP := build/docs-venv/.installed
MUTANTS_PYTHON := build/mutants-venv/bin/python
MUTANTS_STAMP := build/mutants-venv/.installed
CLIENTS_PYTHON := build/clients-venv/bin/python
CLIENTS_STAMP := build/clients-venv/.installed
# A lock has all that is needed; what is imported Python compiles then.
INSTALL := -m pip install -q --disable-pip-version-check --no-deps
INSTALL_LOCK := $(INSTALL) --no-compile --require-hashes -r

.PHONY: help heart test soak fuzz mutants clients lint demo bench bench-compare package package-arm64 docs troubleshooting pictures lock interpreter-lock interpreter-profile clean

# What there is: this list
help:
	@awk '/^# / { said = said substr($$0, 2); next } /^[a-z0-9-]+:/ { sub(/:.*/, ""); printf "make %-18s%s\n", $$0, said } { said = "" }' Makefile

# Its folder is named in a .pth file: an importer of setuptools' own would take each start a third of its time.
$(STAMP): requirements.lock pyproject.toml
	$(PYTHON3) -m venv $(VENV)
	$(PYTHON) $(INSTALL_LOCK) requirements.lock
	$(PYTHON) $(INSTALL) --no-build-isolation --config-settings editable_mode=compat --editable .
	touch $@

# The product as people install it: an editable one starts more slowly.
$(DEMO_STAMP): requirements-demo.lock pyproject.toml $(shell find docker_credential_harbor -name '*.py')
	$(PYTHON3) -m venv build/demo-venv
	$(DEMO_PYTHON) $(INSTALL_LOCK) requirements-demo.lock
	rm -rf build/lib
	$(DEMO_PYTHON) $(INSTALL) --no-build-isolation --force-reinstall .
	touch $@

# The main job on an embedded lab; nothing needed beforehand but Python
demo: $(DEMO_STAMP)
	@$(DEMO_PYTHON) -m tests.lab.demo

# The figures of docs/measured.md, printed; BENCH_RUNS=5 for few
bench: $(DEMO_STAMP) package
	@$(DEMO_PYTHON) -m tests.bench.bench dist/docker-credential-harbor/docker-credential-harbor build/package-venv/bin/python

BASE ?= HEAD~1

# What a get takes now and at a commit: instructions, imports, requests; BASE=HEAD~1
bench-compare: $(DEMO_STAMP)
	@$(DEMO_PYTHON) -m tests.bench.compare $(BASE)

# The interpreter that the packages carry: compiled in minutes, and kept until what it is made from changes
$(INTERPRETER_STAMP): requirements-interpreter.lock $(wildcard packaging/interpreter/*.*)
	$(PYTHON3) packaging/interpreter/prepare.py
	touch $@

# Its sources, as new as they are served
interpreter-lock:
	$(PYTHON3) packaging/interpreter/prepare.py --renew

# What its compiler optimizes for, counted anew in runs of a get; needs LLVM
interpreter-profile: $(DEMO_STAMP) package
	$(PYTHON3) packaging/interpreter/renew_profile.py $(DEMO_PYTHON)

# What builds the packages, and what goes into them; the product itself is installed afresh by each build.
$(PACKAGE_STAMP): requirements-package.lock $(INTERPRETER_STAMP)
	build/interpreter/current/bin/python3 -m venv --clear build/package-venv
	$(PACKAGE_PYTHON) $(INSTALL_LOCK) requirements-package.lock
	touch $@

# Executable, .deb, .rpm, .tar.gz, checksums and bill of materials, in dist/
package: dist/SHA256SUMS

# The same for arm64 machines, in dist/aarch64
package-arm64: dist/aarch64/SHA256SUMS

# Made anew after each commit, too: its time goes into the packages.
PACKAGE_SOURCES = $(shell find docker_credential_harbor packaging -type f -not -name '*.pyc') pyproject.toml
PACKAGED_COMMIT = $(wildcard $(shell git rev-parse --git-path logs/HEAD 2>/dev/null))
dist/SHA256SUMS: $(PACKAGE_STAMP) $(PACKAGE_SOURCES) $(PACKAGED_COMMIT)
	$(PACKAGE_PYTHON) packaging/build.py

dist/aarch64/SHA256SUMS: $(PACKAGE_STAMP) $(PACKAGE_SOURCES) $(PACKAGED_COMMIT)
	$(PYTHON3) packaging/interpreter/prepare.py aarch64
	$(PACKAGE_PYTHON) packaging/build.py aarch64

$(DOCS_STAMP): requirements-docs.lock
	$(PYTHON3) -m venv build/docs-venv
	$(DOCS_PYTHON) $(INSTALL_LOCK) requirements-docs.lock
	touch $@

# The documentation as a site, in build/site; a link that leads nowhere stops it
docs: $(DOCS_STAMP)
	NO_MKDOCS_2_WARNING=1 $(DOCS_PYTHON) -m mkdocs build --quiet --strict

# The page of all messages, from errors.py and the words in docs/make
troubleshooting: $(STAMP)
	$(PYTHON) -m docs.make.troubleshooting

# The documentation's pictures, taken anew in a real sign-in
pictures: $(STAMP) package
	DOCS_PICTURES=$(CURDIR)/docs/pictures $(PYTHON) -m pytest tests/docs/test_pictures.py tests/docs/test_session.py

# Lint, format and types: seconds
lint: $(STAMP)
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	for system in win32 darwin; do \
		$(VENV)/bin/mypy --platform $$system --cache-dir .mypy_cache/$$system docker_credential_harbor || exit 1; \
	done
	$(VENV)/bin/lint-imports --no-logo

$(MUTANTS_STAMP): requirements-mutants.lock
	$(PYTHON3) -m venv build/mutants-venv
	$(MUTANTS_PYTHON) $(INSTALL_LOCK) requirements-mutants.lock
	touch $@

$(CLIENTS_STAMP): requirements-clients.lock
	$(PYTHON3) -m venv build/clients-venv
	$(CLIENTS_PYTHON) $(INSTALL_LOCK) requirements-clients.lock
	touch $@

# Three workers, since each waits for other programs a third of its time on two cores. In the order of collection: by
# the number of their tests, the few long ones would come last, and one worker wait.

# Lint, then every test; what needs a part that is missing here is skipped and says so
test: lint $(MUTANTS_STAMP) $(CLIENTS_STAMP)
	$(PYTHON) -m pytest -n 3 --dist loadfile --no-loadscope-reorder --durations=25

# The heart, with Python alone and an identity provider embedded: a minute
heart: $(STAMP)
	$(PYTHON) -m pytest -n 3 -m heart --provider=embedded tests/flows

# The long tests in full, 36 minutes; figures in build/soak.json
soak: $(STAMP)
	SOAK=1 $(PYTHON) -m pytest tests/soak

# Every mutant of the parts in tests/mutants/parts.py; PARTS="policy cadence": of these
mutants: $(STAMP) $(MUTANTS_STAMP)
	$(PYTHON) -m tests.mutants $(PARTS)

$(FUZZ_STAMP): requirements-fuzz.lock
	$(PYTHON3) -m venv build/fuzz-venv
	$(FUZZ_PYTHON) $(INSTALL_LOCK) requirements-fuzz.lock
	touch $@

# Every client against the helper, in all situations; what is found is written into docs/clients.md
clients: $(STAMP) $(CLIENTS_STAMP)
	CLIENTS_PAGE=$(CURDIR)/docs/clients.md $(PYTHON) -m pytest tests/clients

# Each target for FUZZ_SECONDS (300), all or those of FUZZ_TARGETS; finds lie in build/fuzz
fuzz: $(FUZZ_STAMP)
	$(FUZZ_PYTHON) -m tests.fuzz.run

LOCK := uv pip compile --quiet --universal --python-version 3.10 --generate-hashes --no-emit-index-url --no-header

# The lock files, after a change of dependencies; needs uv
lock:
	$(LOCK) --group demo --group test --group lint pyproject.toml --output-file requirements.lock
	$(LOCK) --group demo pyproject.toml --output-file requirements-demo.lock
	$(LOCK) --group package pyproject.toml --output-file requirements-package.lock
	$(LOCK) --group interpreter --output-file requirements-interpreter.lock
	$(LOCK) --group docs --output-file requirements-docs.lock
	$(LOCK) --group mutants --output-file requirements-mutants.lock
	$(LOCK) --group clients --output-file requirements-clients.lock
	$(LOCK) --group fuzz pyproject.toml --constraint requirements.lock --output-file requirements-fuzz.lock

# All of it away that make has made
clean:
	rm -rf $(VENV) build dist *.egg-info
