# Everyday commands. `make` alone lists them.

CARGO ?= cargo
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help server demo users documents service test test-servers lint doc bench profile chaos

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

server: ## Make sure a Redis server program is installed
	@./scripts/ensure-server.sh

# A demo against a server that runs already needs no program.
demo: $(if $(REDIS_URL),,server) ## Run the text splitter example, on REDIS_URL if set; pass ARGS="..."
	$(CARGO) run --release -p metastore-examples --bin textsplitter -- $(ARGS)

# Without REDIS_URL the data of these is kept in a folder, from one command to the next.
KEPT = $(if $(REDIS_URL),,--data $(or $(CARGO_TARGET_DIR),target)/examples/$@)

users: $(if $(REDIS_URL),,server) ## Run the user management example; pass ARGS="..."
	$(CARGO) run --release -p metastore-examples --bin user-management -- $(KEPT) $(or $(ARGS),demo)

documents: $(if $(REDIS_URL),,server) ## Run the document store example; pass ARGS="..."
	$(CARGO) run --release -p metastore-examples --bin document-store -- $(KEPT) \
		$(or $(ARGS),import README.md ARCHITECTURE.md CHANGELOG.md)

service: $(if $(REDIS_URL),,server) ## Serve documents over HTTP, on port 8080; pass ARGS="..."
	$(CARGO) run --release -p metastore-examples --bin document-service -- $(KEPT) $(ARGS)

test: server ## Run all tests: unit, integration, ui and documentation
	$(CARGO) test --workspace --all-features

test-servers: ## Run the tests that need a server on Redis 8.2 and Valkey 9.1 too
	@set -e; servers="$$(./scripts/fetch-servers.sh)"; for server in $$servers; do \
		echo "== $$server"; METASTORE_REDIS_SERVER=$$server $(CARGO) test -p metastore-tests --all-features $(ARGS); done

lint: ## Check formatting, lints and documentation
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --all-features -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --workspace --no-deps --all-features

doc: ## Build the documentation and print where it is
	$(CARGO) doc --workspace --no-deps --all-features
	@echo "open $(or $(CARGO_TARGET_DIR),$(CURDIR)/target)/doc/metastore/index.html"

bench: server ## Run the benchmarks; pass ARGS="--only get,create", ARGS="--publish", …
	$(CARGO) run --release -p metastore-benches -- $(ARGS)

profile: server ## Do one kind of work for a profiler and say what it costs; pass ARGS="get", ARGS="process", …
	CARGO_PROFILE_RELEASE_DEBUG=line-tables-only $(CARGO) run --release -p metastore-benches --bin profile -- $(ARGS)

chaos: server ## Kill, freeze and cut workers at work, within 10 minutes; pass ARGS="--minutes 30 --seed N", or check ARGS="--histories 1000"
	$(CARGO) run --release -p metastore-tests --bin chaos -- $(ARGS)
