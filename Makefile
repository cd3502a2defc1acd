# What can be done here, one target each. `make help` lists them.
SHELL := /bin/sh
.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help demo demo-down test lint unit contract contract-remote molecule molecule-single molecule-dpuk verify artifacts bench docs clean

PYTHON := .venv/bin/python
# molecule's hosts live beside the demonstration's, under another name, network and port.
MOLECULE_LAB := LAB_NAME=molecule LAB_SUBNET=$${LAB_SUBNET:-10.89.78} LAB_HTTPS_PORT=$${LAB_HTTPS_PORT:-9443}
# One host of Debian 12 in a network that is cut off from the world.
SINGLE_LAB := LAB_NAME=single LAB_SUBNET=$${LAB_SINGLE_SUBNET:-10.89.79} LAB_TOPOLOGY=single LAB_DEBIAN=12
# A DPUK node of XNAT 1.6.5.
DPUK_LAB := LAB_NAME=dpuk LAB_SUBNET=$${LAB_DPUK_SUBNET:-10.89.80} LAB_HTTPS_PORT=$${LAB_DPUK_HTTPS_PORT:-9444} LAB_TOPOLOGY=dpuk
export PATH := $(CURDIR)/.venv/bin:$(PATH)

help: ## list the targets
	@echo "dpuk-node: make TARGET"
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-16s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))
	@echo "Variables: LAB_DEBIAN=12|13 (the hosts' release), LAB_SUBNET=10.89.77, LAB_HTTPS_PORT=8443"

demo: ## build a node of three hosts on this machine, load two NIFTI images into it, and do both again
	@started=$$(date +%s.%N) && lab/bootstrap.sh && $(PYTHON) -m lab demo --since $$started

demo-down: ## remove the demonstration: its hosts, network, certificates and passwords
	@lab/bootstrap.sh && $(PYTHON) -m lab down

test: lint unit contract ## everything that CI runs: the seven targets below, and a summary
	@# A run of Ansible waits more than it works, so other tests find time beside it.
	@$(PYTHON) tests/beside.py molecule,contract-remote molecule-dpuk,molecule-single
	@$(PYTHON) tests/summary.py build/unit.xml build/contract.xml build/contract-remote.xml build/molecule.xml build/molecule-single.xml \
	    build/molecule-dpuk.xml

lint: ## ruff, mypy, yamllint, ansible-lint
	@lab/bootstrap.sh
	ruff check .
	ruff format --check .
	mypy
	mypy --python-version 3.10 library module_utils roles  # hosts have Python 3.10 (Ubuntu 22.04) and later
	for suite in tests/contract tests/testinfra tests/unit/munin tests/unit/roles tests/unit/xnat; do \
	    MYPYPATH=$$suite mypy $$suite || exit 1; done
	yamllint --strict .
	ansible-lint --offline

unit: ## pure functions and the lint of roles and modules: no server, no host
	@lab/bootstrap.sh
	pytest tests/unit -n auto --junitxml=build/unit.xml

contract: ## what XNAT must do, and what each module must do to it (XNAT_URL=… XNAT_USER=… XNAT_PASSWORD=… for your XNAT)
	@lab/bootstrap.sh
	pytest tests/contract $(if $(XNAT_URL),,-n auto) --junitxml=build/contract.xml

contract-remote: ## the same as it runs against somebody's own XNAT: over HTTP alone, and nothing is left behind there
	@lab/bootstrap.sh
	$(PYTHON) tests/contract_remote.py tests/contract --junitxml=build/contract-remote.xml

molecule: ## site.yml on three hosts of its own: check, converge, idempotence, verify
	@lab/bootstrap.sh
	$(MOLECULE_LAB) $(PYTHON) -m lab exec molecule --base-config molecule/config.yml test --no-command-borders

molecule-single: ## the same on one host, without internet
	@lab/bootstrap.sh
	$(SINGLE_LAB) $(PYTHON) -m lab exec molecule --base-config molecule/config.yml test --no-command-borders \
	    --scenario-name single

molecule-dpuk: ## a DPUK node of XNAT 1.6.5 on three hosts, and what happens to its modules
	@lab/bootstrap.sh
	$(DPUK_LAB) $(PYTHON) -m lab exec molecule --base-config molecule/config.yml test --no-command-borders \
	    --scenario-name dpuk

verify: ## look at the demonstration's hosts from outside and inside, as molecule does at its own
	@lab/bootstrap.sh
	$(PYTHON) -m lab exec pytest tests/testinfra/default

artifacts: ## get every pinned file into the cache, so that site.yml needs no network for them (INVENTORY=…, ARGS=--ask-vault-pass)
	@lab/bootstrap.sh
	ansible-playbook -i $(or $(INVENTORY),inventories/production) playbooks/artifacts.yml $(ARGS)

bench: ## how much load the practice XNAT carries; BENCH=tools: how upload tools compare (minutes; no part of test)
	@lab/bootstrap.sh
	@PYTHONPATH=tests $(PYTHON) -m bench $(BENCH)

docs: ## write the generated parts of the documentation again
	@lab/bootstrap.sh
	$(PYTHON) docs/role_readme.py
	$(PYTHON) docs/versions_table.py
	$(PYTHON) docs/xnat_rules.py

clean: demo-down ## demo-down, and .venv, image and tool caches (downloads in ~/.cache/dpuk-node stay)
	@$(MOLECULE_LAB) $(PYTHON) -m lab down
	@$(SINGLE_LAB) $(PYTHON) -m lab down
	@$(DPUK_LAB) $(PYTHON) -m lab down
	@$(PYTHON) -m lab forget
	rm -rf .venv .venv.before .venv.old build .lab .mypy_cache .ruff_cache .pytest_cache .ansible
