# The two commands are `make demo` and `make test`. What they need beyond the list at the top of README.md comes from
# package registries into target/.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
TOOLS := target/tools
BIN := target/release/portcullis

.PHONY: help
help: ## What there is
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

.PHONY: demo
demo: build ## A real Envoy, Portcullis, an issuer and a sample API; ONCE=1 ends by itself, FAULT=stall fails
	@tests/tools/fetch envoy
	@$(BIN) demo --envoy-bin $(TOOLS)/bin/envoy $(if $(ONCE),--once) $(if $(FAULT),--fault $(FAULT))

.PHONY: build
build: ## The release binary, target/release/portcullis
	@cargo build --release --locked --bin portcullis

.PHONY: tools
tools: ## Envoy, grpcurl, an OpenID provider, Prometheus' parsers and Kubernetes' schemas, into target/tools
	@tests/tools/fetch all

.PHONY: test
test: ## Everything but the compose file: format, lints, docs, unit, integration, real Envoy, benchmarks once, fuzzing, the demo, a minute of chaos
	@$(MAKE) --no-print-directory lint
	@$(MAKE) --no-print-directory tests
	@$(MAKE) --no-print-directory bench-smoke
	@$(MAKE) --no-print-directory fuzz-smoke
	@$(MAKE) --no-print-directory demo ONCE=1
	@$(MAKE) --no-print-directory chaos-smoke

.PHONY: lint
lint: ## Format, clippy, docs
	cargo fmt --check
	cargo fmt --check --manifest-path fuzz/Cargo.toml
	cargo fmt --check --manifest-path benches/compare/Cargo.toml
	cargo clippy --locked --all-targets -- -D warnings
	cargo clippy --locked --test chaos -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --locked --no-deps --document-private-items

.PHONY: tests
tests: tools ## Unit and integration tests, against the real parts
	cargo test --locked

.PHONY: bench-smoke
bench-smoke: ## Every benchmark once, and the harness of make bench for a moment; what they say is no figure
	cargo test --locked --bench hops --bench policy --bench select --bench token
	@benches/compare/smoke

.PHONY: chaos
chaos: build ## Breaks what is around Portcullis behind a real Envoy, and judges every answer: ten minutes; CHAOS=--help for its options
	@tests/tools/fetch envoy
	@cargo test --locked --quiet --test chaos -- $(CHAOS)

# In `make test` it is alone, the last one, and at a rate that two cores hold even where others keep them busy.
.PHONY: chaos-smoke
chaos-smoke: build ## The most important minute of chaos
	@tests/tools/fetch envoy
	@cargo test --locked --quiet --test chaos -- --for 65s --rate 150 --intensity 0.5 --seed 11

.PHONY: fuzz-smoke
fuzz-smoke: ## Every fuzz target for a few seconds, the same way each time
	@fuzz/run smoke

.PHONY: fuzz
fuzz: ## Fuzzing: FUZZ_SECONDS=600 for each target, TARGET=name for one
	@FUZZ_SECONDS=$(FUZZ_SECONDS) fuzz/run long $(TARGET)

.PHONY: bench
bench: build ## Portcullis beside other services, in one table: five minutes after the first build; BENCH=--help for its options
	@tests/tools/fetch envoy
	@cargo build --release --locked --manifest-path benches/compare/Cargo.toml --target-dir target/bench
	@target/bench/release/compare $(BENCH)

.PHONY: compose-test
compose-test: ## The docker-compose file for real; where there is no engine it brings its own, as root
	tests/compose/run
