//! The address at which a running service is asked for its health: of the configuration, `listen` alone counts. A file whose
//! policy or issuers are wrong is one that the service has refused to load, and it serves on.

use std::{collections::BTreeMap, net::SocketAddr, path::Path};

use super::{decode, env, error::ConfigErrors, listen::ListenAddr, load::Tree, variables};

/// The address to ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HealthAddress {
    /// The admin port, over HTTP.
    Admin(SocketAddr),
    /// The gRPC port or socket, where the admin port is switched off.
    Grpc(ListenAddr),
}

/// Finds the address in the file, or the one that `PORTCULLIS_CONFIG` names, overlaid by `env`. Without a file it is the default
/// one. Where variables decide, no file is read.
///
/// # Errors
/// What is wrong with `listen`, or with the file as a whole: it can't be read, or is no YAML.
pub fn health_address(path: Option<&Path>, env: &BTreeMap<String, String>) -> Result<HealthAddress, ConfigErrors> {
    let path = env::path_of(path, env).filter(|_| !is_decided(env));
    let tree = match path {
        Some(path) => Tree::load(Some(path), &BTreeMap::new())?,
        None => Tree::empty(),
    };
    let about_listen = env.iter().filter(|(name, _)| name.starts_with(variables::LISTEN));
    let about_listen = about_listen.map(|(name, value)| (name.clone(), value.clone())).collect();
    let (tree, mut bag) = tree.overlay(&about_listen);
    decode::decode_listen(&mut bag, tree.root())
        .map(|listen| listen.admin.map_or_else(|| HealthAddress::Grpc(listen.grpc), HealthAddress::Admin))
        .ok_or_else(|| tree.errors(bag.into_problems()))
}

/// Tells whether variables say all that counts.
fn is_decided(env: &BTreeMap<String, String>) -> bool {
    let is_set = |name: &str| env.get(name).is_some_and(|value| !value.is_empty());
    match env.get(variables::LISTEN_ADMIN).map(String::as_str) {
        None | Some("") => false,
        Some("off") => is_set(variables::LISTEN_GRPC) || is_set(variables::LISTEN_GRPC_ADDRESS),
        Some(_) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::UnixSocket;

    fn address(file: Option<&str>, variables: &[(&str, &str)]) -> Result<HealthAddress, String> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("portcullis.yaml");
        if let Some(text) = file {
            std::fs::write(&path, text).unwrap();
        }
        let env = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        health_address(file.map(|_| path.as_path()), &env).map_err(|problems| problems.render(false, 120))
    }

    fn admin(text: &str) -> Result<HealthAddress, String> {
        Ok(HealthAddress::Admin(text.parse().unwrap()))
    }

    #[test]
    fn only_what_listen_says_counts() {
        assert_eq!(address(None, &[]), admin("127.0.0.1:9192"));
        assert_eq!(address(Some(""), &[]), admin("127.0.0.1:9192"));
        let broken = "issuers: [{ issuer: nonsense }]\nroutes: 7\nlisten: { admin: '10.0.0.1:1' }\nno_field: 1\n";
        assert_eq!(address(Some(broken), &[]), admin("10.0.0.1:1"));
        let off = "listen: { admin: off, grpc: { address: 'unix:/run/p.sock', mode: '0660' } }\n";
        let Ok(HealthAddress::Grpc(ListenAddr::Unix(socket))) = address(Some(off), &[]) else { panic!() };
        assert_eq!(socket.path, UnixSocket::new("/run/p.sock").path);
        for variables in [&[("PORTCULLIS_ISSUER", "x")][..], &[("PORTCULLIS_NONSENSE", "x")], &[("PORTCULLIS_LOG", "")]]
        {
            assert_eq!(address(Some("listen: { admin: '10.0.0.1:1' }"), variables), admin("10.0.0.1:1"));
            assert_eq!(address(None, variables), admin("127.0.0.1:9192"));
        }
    }

    #[test]
    fn variables_override_the_file_and_need_none() {
        let mine = [("PORTCULLIS_LISTEN__ADMIN", "10.0.0.2:2")];
        let missing = [mine[0], ("PORTCULLIS_CONFIG", "/nowhere/p.yaml")];
        assert_eq!(address(Some("listen: { admin: '10.0.0.1:1' }"), &mine), admin("10.0.0.2:2"));
        assert_eq!(address(Some("no: [yaml"), &mine), admin("10.0.0.2:2"));
        assert_eq!(address(None, &missing), admin("10.0.0.2:2"));
        let off = ("PORTCULLIS_LISTEN__ADMIN", "off");
        for name in ["PORTCULLIS_LISTEN__GRPC", "PORTCULLIS_LISTEN__GRPC__ADDRESS"] {
            let socket = address(Some("no: [yaml"), &[off, (name, "unix:/run/p.sock")]);
            assert_eq!(socket, Ok(HealthAddress::Grpc(ListenAddr::Unix(UnixSocket::new("/run/p.sock")))));
        }
        assert!(address(None, &[off, ("PORTCULLIS_CONFIG", "/nowhere/p.yaml")]).is_err());
    }

    #[test]
    fn what_is_wrong_about_listening_is_said() {
        for (file, variables, told) in [
            (Some("no: [yaml"), &[][..], "portcullis.yaml"),
            (Some("listen: { admin: nowhere }"), &[], "is not an address with a port"),
            (Some("listen: 7"), &[], "`listen` must be a section"),
            (
                None,
                &[("PORTCULLIS_LISTEN__ADMIN", "nowhere")],
                "`PORTCULLIS_LISTEN__ADMIN`: `nowhere` is not an address",
            ),
            (None, &[("PORTCULLIS_LISTEN__ADMIN", "")], "is set but empty"),
            (None, &[("PORTCULLIS_LISTEN_ADMIN", "127.0.0.1:1")], "did you mean `PORTCULLIS_LISTEN__ADMIN`?"),
            (None, &[("PORTCULLIS_CONFIG", "/nowhere/p.yaml")], "`/nowhere/p.yaml` can't be read"),
        ] {
            let said = address(file, variables).unwrap_err();
            assert!(said.contains(told), "{file:?} {variables:?}: {said}");
        }
    }
}
