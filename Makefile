# The two commands are `make demo` and `make test`. What they need beyond Rust, Python 3 with pip and Node comes from
# package registries into target/.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
TOOLS := target/tools
BIN := target/release/portcullis
CARGO_FLAGS := --locked

.PHONY: help
help: ## What there is
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

.PHONY: demo
demo: build envoy ## A real Envoy, Portcullis, an issuer and a sample upstream; ONCE=1 ends by itself
	@$(BIN) demo --envoy-bin $(TOOLS)/bin/envoy $(if $(ONCE),--once)

.PHONY: build
build: ## The release binary
	@cargo build --release $(CARGO_FLAGS) --bin portcullis

.PHONY: envoy tools
envoy:
	@tests/tools/fetch envoy
tools:
	@tests/tools/fetch all

.PHONY: test
test: lint unit integration ## Format, lints, docs, unit, integration and real-Envoy tests

.PHONY: lint
lint: ## Format, clippy, docs
	cargo fmt --check
	cargo clippy $(CARGO_FLAGS) --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc $(CARGO_FLAGS) --no-deps --document-private-items

.PHONY: unit
unit: ## Unit tests
	cargo test $(CARGO_FLAGS) --lib --bins

.PHONY: integration
integration: tools build ## Tests against the real parts
	PORTCULLIS_TEST_TOOLS=$(abspath $(TOOLS)) PORTCULLIS_TEST_BIN=$(abspath $(BIN)) cargo test $(CARGO_FLAGS) --test '*'

.PHONY: compose-test
compose-test: ## The docker-compose file for real; brings its own engine where there is none (needs root then)
	tests/compose/run
