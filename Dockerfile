# Portcullis in an image that holds nothing else: no shell, no package manager, not root.
# The demo has an image of its own, `docker build --target demo`, because it makes tokens for anybody.
# Any builder will do, BuildKit or the classic one.

# The manifests, and an empty program for each source file that they or Cargo's rules name.
FROM rust:1.95-bookworm AS manifests
WORKDIR /build
COPY . .
RUN find . -type f ! -name Cargo.toml ! -name Cargo.lock ! -name lib.rs ! -name main.rs ! -name build.rs ! -path './benches/*.rs' -delete \
 && find . -type d -empty -delete \
 && find . -name '*.rs' -exec sh -c 'echo "fn main() { }" >"$1"' sh {} \;

FROM rust:1.95-bookworm AS build
WORKDIR /build
# Stripped: the symbols are most of the size. The profile itself (LTO, overflow checks) is Cargo.toml's.
ENV CARGO_PROFILE_RELEASE_STRIP=symbols CARGO_PROFILE_RELEASE_DEBUG=none
# The dependencies, in a layer of their own: it is made anew only where a manifest or the lock file has changed.
COPY --from=manifests /build .
RUN cargo build --release --locked --bin portcullis --bin portcullis-demo
COPY . .
# Shown by the metric portcullis_build_info: --build-arg BUILD_REVISION=$(git rev-parse HEAD)
ARG BUILD_REVISION=
# Both programs in one build: it has most of its crates in common.
# The source files may be older than the empty ones, so Cargo is made to forget those.
RUN rm -rf target/release/.fingerprint/portcullis* \
 && cargo build --release --locked --bin portcullis --bin portcullis-demo \
 && mv target/release/portcullis target/release/portcullis-demo / \
 && rm -rf target

# The demo issuer and the sample upstream.
FROM gcr.io/distroless/cc-debian12:nonroot AS demo
COPY --from=build /portcullis-demo /usr/local/bin/portcullis-demo
USER 65532:65532
EXPOSE 8080 9400
ENTRYPOINT ["/usr/local/bin/portcullis-demo"]

# The service: the last stage, which is built when none is named.
FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=build /portcullis /usr/local/bin/portcullis
# "nonroot", by number, so that Kubernetes' runAsNonRoot can see that it is not root.
USER 65532:65532
# gRPC (Envoy's ext_authz) and admin (/healthz /readyz /metrics). Both listen on loopback unless told
# otherwise, e.g. PORTCULLIS_LISTEN__GRPC=0.0.0.0:9191.
EXPOSE 9191 9192
# Ready for requests, and every thread shows signs of life. The address is that of PORTCULLIS_CONFIG and the other variables: a
# file that `serve` gets by --config is not known here.
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s CMD ["/usr/local/bin/portcullis", "health"]
ENTRYPOINT ["/usr/local/bin/portcullis"]
CMD ["serve"]
