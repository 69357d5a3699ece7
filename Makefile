# The two commands are `make demo` and `make test`. What they need beyond the list at the top of README.md comes from
# package registries into target/.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
TOOLS := target/tools

.PHONY: help
help: ## What there is
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

.PHONY: demo
demo: ## A real Envoy, Portcullis, an issuer and a sample API; ONCE=1 ends by itself, FAULT=stall fails
	@cargo build --profile demo --locked --bin portcullis --bin portcullis-demo
	@tests/tools/fetch envoy
	@target/demo/portcullis-demo --envoy-bin $(TOOLS)/bin/envoy $(if $(ONCE),--once) $(if $(FAULT),--fault $(FAULT))

.PHONY: build
build: ## The release binary, target/release/portcullis
	@cargo build --release --locked --package portcullis --bin portcullis

.PHONY: tools
tools: ## Envoy, grpcurl, an OpenID provider, Prometheus' parsers and Kubernetes' schemas, into target/tools
	@tests/tools/fetch all

.PHONY: test
test: ## Everything but the compose file: format, lints, docs, unit, integration, real Envoy, benchmarks once, fuzzing, the demo, a minute of chaos
	@tests/tools/steps test

.PHONY: test-fast
test-fast: ## Format, lints, unit and integration tests; without Envoy and the other tools, docs, benchmarks, fuzzing, the demo, chaos
	@tests/tools/steps fast

.PHONY: lint
lint: ## Format, clippy, docs
	@tests/tools/steps lint

.PHONY: tests
tests: ## Unit and integration tests, against the real parts
	@tests/tools/steps tests

.PHONY: bench-smoke
bench-smoke: ## Every benchmark once, and the harness of make bench for a moment; what they say is no figure
	@tests/tools/steps bench

.PHONY: chaos
chaos: build ## Breaks what is around Portcullis behind a real Envoy, and judges every answer: ten minutes; CHAOS=--help for its options
	@tests/tools/fetch envoy
	@cargo test --locked --quiet --test chaos -- $(CHAOS)

.PHONY: chaos-smoke
chaos-smoke: ## The most important minute of chaos
	@tests/tools/steps chaos

.PHONY: fuzz-smoke
fuzz-smoke: ## Every fuzz target for a few seconds, the same way each time
	@tests/tools/steps fuzz

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
