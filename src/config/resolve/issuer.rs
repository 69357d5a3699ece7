//! The keys of one issuer, or the way to them.

use std::{collections::BTreeMap, path::PathBuf};

use super::{certificates, key_file, secret};
use crate::{
    config::{
        configuration::IssuerConfig,
        decode::{
            bag::Bag,
            spec::{IssuerSpec, KeysSpec, SourceSpec, TransportSpec},
        },
    },
    keystore::source::{KeySource, Transport},
};
use portcullis_engine::{
    jwt::issuer_rules::NonEmpty,
    keys::{algorithm::Algorithm, key_set::KeySet},
};

/// Reads what an issuer names.
pub(super) fn resolve(bag: &mut Bag, spec: IssuerSpec<'_>, env: &BTreeMap<String, String>) -> Option<IssuerConfig> {
    let IssuerSpec { rules, algorithms, keys, written_at } = spec;
    let KeysSpec { source, transport, max_stale } = keys;
    let secret_file = match &source {
        Some(SourceSpec::SecretFile(file)) => Some(file.path.clone()),
        _ => None,
    };
    let ca_file = transport.ca_file.as_ref().map(|file| file.path.clone());
    let read_files: Vec<PathBuf> = secret_file.into_iter().chain(ca_file).collect();
    let source = source.and_then(|source| read_source(bag, source, algorithms.as_ref().map(NonEmpty::as_slice), env));
    let transport = read_transport(bag, transport);
    let (source, transport) = (source?, transport?);
    Some(IssuerConfig { rules: rules?, source, transport, max_stale: max_stale?, written_at, read_files })
}

fn read_source(
    bag: &mut Bag,
    source: SourceSpec<'_>,
    algorithms: Option<&[Algorithm]>,
    env: &BTreeMap<String, String>,
) -> Option<KeySource> {
    let (entry, secret) = match source {
        SourceSpec::Remote(source) => return Some(source),
        SourceSpec::JwksFile(file) => {
            key_file::check(bag, &file, KeySet::parse, algorithms);
            return Some(KeySource::JwksFile(file.path));
        }
        SourceSpec::PublicKeyFile(file) => {
            key_file::check(bag, &file, KeySet::from_public_key, algorithms);
            return Some(KeySource::PublicKeyFile(file.path));
        }
        SourceSpec::SecretFile(file) => (file.entry, secret::read(bag, &file)?),
        SourceSpec::SecretVariable(entry, name) => (entry, secret::from_variable(bag, entry, name, env)?),
    };
    if let Some(algorithms) = algorithms {
        secret::check_length(bag, entry, &secret, algorithms);
    }
    Some(KeySource::Secret(secret))
}

fn read_transport(bag: &mut Bag, spec: TransportSpec<'_>) -> Option<Transport> {
    let TransportSpec { ca_file, proxy, is_whole } = spec;
    let ca = match ca_file {
        Some(file) => Some(certificates::read(bag, &file)?),
        None => None,
    };
    is_whole.then_some(Transport { ca, proxy })
}
