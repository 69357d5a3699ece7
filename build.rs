//! Compiles `proto/`: the messages with prost, the descriptors for reflection, and the service with a codec over bytes
//! (the adapter decodes by itself, so that a message it can't read is answered with a denial, not with a gRPC error
//! that a lenient proxy may take for an allow). `protox` is the compiler, so no `protoc` is needed.

use std::{env, error::Error, fs, path::PathBuf};

use tonic_build::manual::{Builder, Method, Service};

const ENTRY: &str = "envoy/service/auth/v3/external_auth.proto";

#[expect(clippy::disallowed_methods, reason = "cargo speaks to build scripts by environment")]
fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=proto");
    let out = PathBuf::from(env::var("OUT_DIR")?);

    let mut compiler = protox::Compiler::new(["proto"])?;
    compiler.include_source_info(true).include_imports(true).open_file(ENTRY)?;
    fs::write(out.join("envoy.bin"), compiler.encode_file_descriptor_set())?;
    // tonic-prost-build is prost-build with tonic's settings; the service it would make has a prost codec, so it makes
    // none here.
    tonic_prost_build::configure()
        .build_client(false)
        .build_server(false)
        .include_file("messages.rs")
        .compile_fds(compiler.file_descriptor_set())?;

    let check = Method::builder()
        .name("check")
        .route_name("Check")
        .input_type("::bytes::Bytes")
        .output_type("crate::ext_authz::response::Answer")
        .codec_path("crate::ext_authz::transport::codec::CheckCodec")
        .build();
    let service = Service::builder().name("Authorization").package("envoy.service.auth.v3").method(check).build();
    Builder::new().build_client(false).compile(&[service]);
    Ok(())
}
