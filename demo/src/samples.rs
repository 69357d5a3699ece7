//! The sample configurations in `envoy/`, as they are for users, with other ports and another issuer where need be.

use super::{
    error::DemoError,
    ports::{Reserved, replace},
    screen::Screen,
};

const ENVOY: &str = include_str!("../../envoy/envoy.yaml");
const PORTCULLIS: &str = include_str!("../../envoy/portcullis.yaml");

/// The ports of the stack; the defaults are those of the samples.
#[derive(Debug)]
pub(super) struct Ports {
    pub(super) envoy: Reserved,
    pub(super) envoy_admin: Reserved,
    pub(super) grpc: Reserved,
    pub(super) admin: Reserved,
    pub(super) upstream: Reserved,
    pub(super) issuer: Reserved,
}

impl Ports {
    /// The default ports, or free ones.
    ///
    /// # Errors
    /// When the machine has no free port.
    pub(super) async fn take(screen: Screen) -> Result<Self, DemoError> {
        Ok(Self {
            envoy: Reserved::take(screen, "Envoy", 10000).await?,
            envoy_admin: Reserved::take(screen, "Envoy's admin page", 9901).await?,
            grpc: Reserved::take(screen, "Portcullis", 9191).await?,
            admin: Reserved::take(screen, "Portcullis' admin page", 9192).await?,
            upstream: Reserved::take(screen, "the sample upstream", 8080).await?,
            issuer: Reserved::take(screen, "the demo issuer", 9400).await?,
        })
    }

    /// What Envoy is started with.
    pub(super) fn envoy_config(&self) -> String {
        let changes = [&self.envoy, &self.envoy_admin, &self.grpc, &self.upstream].map(Reserved::change);
        // The sample also serves in a container; tokens for anybody are not for the neighbours on a network.
        replace(&ENVOY.replace("0.0.0.0", "127.0.0.1"), &changes)
    }

    /// The addresses that Portcullis is started with, which the sample leaves to the defaults, and no notice before it
    /// stops: there is no other instance to go to.
    pub(super) fn portcullis_env(&self) -> [(&'static str, String); 3] {
        [
            ("PORTCULLIS_DRAIN_NOTICE", "0s".to_owned()),
            ("PORTCULLIS_LISTEN__GRPC", self.grpc.addr().to_string()),
            ("PORTCULLIS_LISTEN__ADMIN", self.admin.addr().to_string()),
        ]
    }
}

/// What Portcullis is started with: the sample, with the value of its first `issuer:` replaced wherever it stands.
pub(super) fn portcullis_config(issuer: &str) -> String {
    with_issuer(PORTCULLIS, issuer)
}

fn with_issuer(config: &str, issuer: &str) -> String {
    let value = config.lines().find_map(|line| {
        let value = line.trim_start().trim_start_matches("- ").trim_start().strip_prefix("issuer:")?;
        value.split_whitespace().next().map(|value| value.trim_matches(['"', '\'']))
    });
    value.filter(|value| !value.is_empty()).map_or_else(|| config.to_owned(), |value| config.replace(value, issuer))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_issuer_is_replaced_wherever_it_stands() {
        let config =
            "# issuer below\nissuers:\n  - issuer: https://a.example/ # e.g.\n    jwks_uri: https://a.example/jwks\n";
        let expected = "# issuer below\nissuers:\n  - issuer: http://b/ # e.g.\n    jwks_uri: http://b/jwks\n";
        assert_eq!(with_issuer(config, "http://b/"), expected);
        assert_eq!(with_issuer("- issuer: 'x'", "y"), "- issuer: 'y'");
        assert_eq!(with_issuer("issuers: []", "y"), "issuers: []");
    }

    #[test]
    fn the_sample_policy_names_its_issuer() {
        assert!(portcullis_config("http://issuer.test/").contains("issuer: http://issuer.test/ "));
    }

    #[tokio::test]
    async fn the_sample_envoy_gets_every_port_and_stays_on_loopback() {
        let ports = Ports::take(Screen::silent()).await.unwrap();
        let envoy = ports.envoy_config();
        for port in [&ports.envoy, &ports.envoy_admin, &ports.grpc, &ports.upstream] {
            let place = format!("address: 127.0.0.1\n                      port_value: {}", port.addr().port());
            let squeezed = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(squeezed(&envoy).contains(&squeezed(&place)), "{place}");
        }
    }
}
