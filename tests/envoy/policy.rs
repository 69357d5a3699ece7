//! What a policy says about more than scopes, behind a real Envoy: tenants in the path, and policies that Envoy chooses.

use portcullis_demo::issuer::TokenRequest;
use serde_json::json;

use crate::{
    Stack,
    support::{self, scoped, service::TestService},
};

/// Two routes of Envoy's own before the one that takes the rest.
const ROUTES: (&str, &str) = (
    "                      routes:\n                        - match:\n                            prefix: /\n",
    r#"                      routes:
                        - match:
                            prefix: /named/
                          route:
                            cluster: upstream
                          typed_per_filter_config:
                            envoy.filters.http.ext_authz:
                              "@type": type.googleapis.com/envoy.extensions.filters.http.ext_authz.v3.ExtAuthzPerRoute
                              check_settings: { context_extensions: { portcullis_policy: admins } }
                        - match:
                            prefix: /unknown/
                          route:
                            cluster: upstream
                          typed_per_filter_config:
                            envoy.filters.http.ext_authz:
                              "@type": type.googleapis.com/envoy.extensions.filters.http.ext_authz.v3.ExtAuthzPerRoute
                              check_settings: { context_extensions: { portcullis_policy: admin } }
                        - match:
                            prefix: /
"#,
);

fn config(issuer: &str) -> String {
    format!(
        "{}policies:\n  admins: {{ scopes: [admin] }}\n",
        support::config(issuer).replace(
            "routes:\n",
            "routes:\n  - path: /orgs/{org}/**\n    claims: { org_id: { matches: \"{org}\" } }\n  - path: /unknown/**\n    access: public\n",
        )
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_opens_its_own_tenant_and_a_route_of_envoy_its_own_policy() {
    let issuer = support::issuer().await;
    let service = TestService::start(&config(issuer.issuer())).await;
    let stack = Stack::of(issuer, service, &[ROUTES]).await;
    let request = TokenRequest { claims: vec![("org_id".to_owned(), Some(json!("acme")))], ..TokenRequest::new() };
    let acme = format!("Bearer {}", stack.issuer.mint(&request).unwrap());
    let [admin, reader] = ["admin", "read:messages"].map(|scope| format!("Bearer {}", scoped(&stack.issuer, scope)));
    for (path, bearer, wanted) in [
        ("/orgs/acme/x", &acme, 404),
        ("/orgs/evil/x", &acme, 403),
        ("/orgs/ACME/x", &acme, 403),
        ("/orgs/acme/x", &reader, 403),
        ("/named/x", &admin, 404),
        ("/named/x", &reader, 403),
        ("/unknown/x", &admin, 403),
    ] {
        // The upstream knows none of these paths: a 404 comes from there.
        let got = stack.envoy.send("GET", path, &[("authorization", bearer)]).await;
        assert_eq!(got.status, wanted, "{path}: {}", got.body);
    }
    let log = stack.envoy.access_log("/unknown/x").await;
    assert!(log.to_string().contains("unknown_policy"), "{log}");
    assert!(stack.envoy.access_log("/named/x").await.to_string().contains("policy:admins"));
}
