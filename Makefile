# make demo          show a tour of the library on a private, temporary LXD
# make test          run every check on every installed Python
# make quick     style, types, conventions and unit tests: no root, no LXD
# make test-servers  run the contract tests on every supported server
# make differential  compare the stand-in with a real LXD; STEPS=5000
# make stress        run the long stress tests and print their figures
# make mutants       change the library at random, test each; COUNT=100
# make coverage      write doc/coverage.rst from the tests, and
#                    doc/api-coverage.rst; RECORDING='FILE' adds a recording
# make bench         compare the speed with lxc, curl and the floor; CASES='get'
# make docs          build the documentation in doc/_build/html
# make clean         remove what the other targets have created

PYTHON = python3
BIN = .venv/bin
LXD = lxd lxd-client lxcfs busybox-static squashfs-tools btrfs-progs \
      nftables iptables dnsmasq-base iproute2 debootstrap

# $(call apt,PACKAGES): install packages if we are root and have apt-get
apt = test "$$(id -u)" = 0 && command -v apt-get >/dev/null && \
      echo 'Installing with apt-get: $(strip $(1))' && { \
      log=$$(mktemp) && { apt-get -q update && \
      DEBIAN_FRONTEND=noninteractive \
      apt-get -qy install --no-install-recommends $(1); } >$$log 2>&1 && \
      rm $$log || { tail -n 15 $$log; rm $$log; echo 'apt-get failed.'; \
      false; }; }

demo: .venv/done lxd
	@$(BIN)/python -m pylxd.testing.demo

test: .venv/done lxd
	@$(BIN)/python tests/run.py

quick: .venv/done
	@$(BIN)/tox -q -e pep8,types,meta,py3

test-servers: .venv/done lxd
	@$(BIN)/python tests/servers.py

differential: .venv/done lxd
	@STEPS=$(or $(STEPS),2000) SEED=$(SEED) $(BIN)/tox -q -e py3-stress \
	  -- tests/differential

stress: .venv/done lxd
	@$(BIN)/tox -q -e py3-stress -- tests/stress --long --timeout 1800

mutants: .venv/done
	@$(BIN)/tox -q -e py3 --notest
	@.tox/py3/bin/python tests/mutants.py --count $(or $(COUNT),100) \
	  --seed $(or $(SEED),1) $(if $(OUT),--out $(OUT))

coverage:
	$(PYTHON) tests/meta/coverage_table.py
	$(PYTHON) tests/meta/operations_table.py $(RECORDING)

bench: .venv/done lxd
	@$(BIN)/python -m benchmarks $(CASES)

docs: .venv/done
	@$(BIN)/tox -q -e docs

.venv/done: setup.cfg
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || \
	  { $(call apt,python3-venv); } || \
	  { echo 'This Python cannot make environments: install python3-venv.'; \
	  false; }
	$(PYTHON) -m venv .venv
	$(BIN)/pip install -q -e . 'tox<4.5' 'virtualenv<20.22' 'pyproject-api<1.6'
	@touch $@

lxd:
	@PATH=$$PATH:/usr/sbin:/snap/bin command -v lxd >/dev/null || \
	  { $(call apt,$(LXD)); } || \
	  echo 'There is no LXD here, and root with apt-get is needed to install it.'

clean:
	rm -rf .venv .roots .tox .mypy_cache .pytest_cache .hypothesis \
	  build dist doc/_build *.egg-info
	find . -name __pycache__ -prune -exec rm -r {} +

.PHONY: demo test quick test-servers differential stress mutants coverage bench \
  docs lxd clean
