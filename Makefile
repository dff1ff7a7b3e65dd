# What a newcomer types. `demo` and `test` need root, for mounts and namespaces; nothing is installed system-wide
# but, by `test`, small tools it lacks (see integration/oracle.sh).

CARGO ?= cargo

.PHONY: all demo test bench fmt lint oracle

all:
	$(CARGO) build --workspace

# A container's way through the files, step by step, each claim checked. No network, no Docker.
demo:
	$(CARGO) build -p minidock
	$(CARGO) run --quiet -p minidock -- demo

# Everything, the stories against the real dockerd included: what is missing fails, nothing skips.
test:
	bash integration/test.sh

# minidock beside docker, podman and runc: ratios of one run, flush counts, memory.
bench: oracle
	$(CARGO) build --release -p minidock
	$(CARGO) run --release --quiet -p integration --bin bench

oracle:
	sh integration/oracle.sh

fmt:
	$(CARGO) fmt --all

lint:
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets -- -D warnings
