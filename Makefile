# The commands for everyday work. `make` without a target lists them.

CARGO ?= cargo
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help server demo users documents service test test-servers lint deny doc bench profile chaos

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

server: ## Install a Redis server program if there is none
	@./scripts/ensure-server.sh

# With REDIS_URL the examples use a running server and need no server program.
demo: $(if $(REDIS_URL),,server) ## Run the text splitter example, on REDIS_URL if set; pass ARGS="..."
	$(CARGO) run --release -p metastore-examples --bin textsplitter -- $(ARGS)

# Without REDIS_URL these examples keep their data in a folder, from one run to the next.
DATA = $(if $(REDIS_URL),,--data $(or $(CARGO_TARGET_DIR),target)/examples/$@)

users: $(if $(REDIS_URL),,server) ## Run the user management example; pass ARGS="..."
	$(CARGO) run --release -p metastore-examples --bin user-management -- $(DATA) $(or $(ARGS),demo)

documents: $(if $(REDIS_URL),,server) ## Run the document store example; pass ARGS="..."
	$(CARGO) run --release -p metastore-examples --bin document-store -- $(DATA) \
		$(or $(ARGS),import README.md ARCHITECTURE.md CHANGELOG.md)

service: $(if $(REDIS_URL),,server) ## Serve documents over HTTP, on port 8080; pass ARGS="..."
	$(CARGO) run --release -p metastore-examples --bin document-service -- $(DATA) $(ARGS)

test: server ## Run all tests: unit, integration, ui and documentation
	$(CARGO) test --workspace --all-features

test-servers: ## Run the tests that need a server on Redis 8.2 and Valkey 9.1 as well
	@set -e; servers="$$(./scripts/fetch-servers.sh)"; for server in $$servers; do \
		echo "== $$server"; METASTORE_REDIS_SERVER=$$server $(CARGO) test -p metastore-tests --all-features $(ARGS); done

lint: deny ## Check formatting, lints, documentation and dependencies
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --all-features -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --workspace --no-deps --all-features

deny: ## Check licences, sources and vulnerabilities of dependencies, if cargo-deny is installed
	@./scripts/check-dependencies.sh

doc: ## Build the documentation and print its location
	$(CARGO) doc --workspace --no-deps --all-features
	@echo "open $(or $(CARGO_TARGET_DIR),$(CURDIR)/target)/doc/metastore/index.html"

bench: server ## Run the benchmarks; pass ARGS="--only get,create", ARGS="--publish", …
	$(CARGO) run --release -p metastore-benches -- $(ARGS)

profile: server ## Run one kind of work for a profiler and print its cost; pass ARGS="get", ARGS="process", …
	CARGO_PROFILE_RELEASE_DEBUG=line-tables-only $(CARGO) run --release -p metastore-benches --bin profile -- $(ARGS)

chaos: server ## Inject faults into running workers for up to 10 minutes; pass ARGS="--minutes 30 --seed N" or ARGS="--histories 1000"
	$(CARGO) run --release -p metastore-tests --bin chaos -- $(ARGS)
