# Portcullis in an image that holds nothing else: no shell, no package manager, not root.
# Any builder will do, BuildKit or the classic one.

FROM rust:1.95-bookworm AS build
WORKDIR /build
# Stripped: the symbols are most of the size. The profile itself (LTO, overflow checks) is Cargo.toml's.
ENV CARGO_PROFILE_RELEASE_STRIP=symbols CARGO_PROFILE_RELEASE_DEBUG=none
COPY . .
# Shown by the metric portcullis_build_info: --build-arg BUILD_REVISION=$(git rev-parse HEAD)
ARG BUILD_REVISION=
RUN cargo build --release --locked --bin portcullis \
 && mv target/release/portcullis /portcullis \
 && rm -rf target

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
