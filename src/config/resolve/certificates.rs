//! The certificates of the authorities that an issuer's servers are checked against: `ca_file`.

use std::sync::Arc;

use rustls_pki_types::{CertificateDer, pem::PemObject};

use super::file_mode;
use crate::{
    config::{
        decode::{bag::Bag, spec::NamedFile},
        error::Problem,
    },
    document::suggest::quoted,
    files, limits,
};

/// The text of a file of certificates.
pub(super) fn read(bag: &mut Bag, file: &NamedFile<'_>) -> Option<Arc<[u8]>> {
    let NamedFile { entry, path } = file;
    let read =
        files::read(path, limits::CA_FILE_BYTES).map_err(|error| error.to_string()).and_then(
            |bytes| match certificates(&bytes) {
                0 => Err("there is no readable PEM certificate in it".to_owned()),
                _ => Ok(bytes),
            },
        );
    match read {
        Ok(bytes) => {
            file_mode::warn(bag, entry, path);
            Some(bytes.into())
        }
        Err(why) => {
            let shown = quoted(&path.display().to_string());
            let problem =
                Problem::error(&entry.node.place, format!("the certificates of {shown} can't be used: {why}"));
            bag.push(problem.help("name a PEM file, `-----BEGIN CERTIFICATE-----`, of the authorities to trust"));
            None
        }
    }
}

/// Returns the number of certificates; none if one of them is broken.
fn certificates(pem: &[u8]) -> usize {
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    read.map_or(0, |read| read.len())
}
