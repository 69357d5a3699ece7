//! What goes wrong with a provider when its recipe is not followed: each trap of the README, sprung.

use std::collections::BTreeMap;

use portcullis::config;
use serde_json::json;

use super::{Expected, Provider, around, ask, fixture::Fixture, outcome, service};

/// The recipe of a provider with one text in place of another.
fn changed(name: &str, from: &str, to: &str) -> String {
    let recipe = Provider::of(name).recipe();
    assert!(recipe.contains(from), "the recipe of {name} has no {from:?}");
    recipe.replace(from, to)
}

/// The recipe of a provider without the lines that have this field.
fn without(name: &str, field: &str) -> String {
    let recipe = Provider::of(name).recipe();
    let is_kept = |line: &&str| !line.trim_start().starts_with(&format!("{field}:"));
    let kept: String = recipe.split_inclusive('\n').filter(is_kept).collect();
    assert_ne!(kept, recipe, "the recipe of {name} has no {field}");
    kept
}

/// What becomes of one of a provider's tokens with another recipe than its own.
async fn with_recipe(name: &str, recipe: &str, token: &str) -> Expected {
    let fixture = Fixture::read(name);
    let service = service(Provider::of(name), recipe, fixture.pages()).await;
    outcome(&ask(&service.client().await, "/any", &fixture.token(token).text).await)
}

fn refused(code: &str) -> Expected {
    Expected::Refused(code.to_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn auth0_without_its_slash_is_told_the_line_to_change() {
    let recipe = changed("auth0", "issuer: https://tenant.eu.auth0.com/", "issuer: https://tenant.eu.auth0.com");
    let fixture = Fixture::read("auth0");
    let service = service(Provider::of("auth0"), &recipe, fixture.pages()).await;
    let (_, page) = service.page("/readyz").await;
    let told = "names issuer `https://tenant.eu.auth0.com/`, but `https://tenant.eu.auth0.com` is configured; \
                if that is your provider, write `issuer: https://tenant.eu.auth0.com/` in place of \
                `issuer: https://tenant.eu.auth0.com` (test.yaml:2)";
    assert!(page.contains(told), "{told} not in {page}");
    let got = ask(&service.client().await, "/any", &fixture.token("access_user").text).await;
    assert_eq!(outcome(&got), refused("token_unknown_issuer"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn auth0_has_two_profiles_and_strict_takes_one() {
    let relaxed = without("auth0_rfc9068", "strict");
    for token in ["access_user", "access_auth0_profile"] {
        let got = with_recipe("auth0_rfc9068", &relaxed, token).await;
        assert!(matches!(got, Expected::Allowed { .. }), "{token}: {got:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keycloak_tokens_without_a_mapper_are_for_account_which_is_warned_about() {
    let recipe = changed("keycloak", "audiences: [messages-api]", "audiences: [account]");
    let loaded = config::parse(&around(&recipe, "any"), "recipe.yaml", &BTreeMap::new()).unwrap();
    let warnings: Vec<&str> = loaded.warnings.problems().map(config::error::Problem::message).collect();
    assert_eq!(warnings, ["the audience `account` is in nearly every token of a Keycloak realm"]);
    // That is why: a token for nothing in particular would do.
    let got = with_recipe("keycloak", &recipe, "access_without_mapper").await;
    assert!(matches!(got, Expected::Allowed { .. }), "{got:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn okta_does_not_publish_the_key_of_its_org_server() {
    let org = "https://dev-69785679.okta.com";
    let recipe = changed("okta", "/oauth2/default", "").replace("api://default", org);
    let metadata = json!({ "issuer": org, "jwks_uri": format!("{org}/oauth2/default/v1/keys") });
    let fixture = Fixture::read("okta");
    let pages = fixture.pages_and(&format!("{org}/.well-known/openid-configuration"), &metadata);
    let service = service(Provider::of("okta"), &recipe, pages).await;
    let got = ask(&service.client().await, "/any", &fixture.token("access_org_server").text).await;
    assert_eq!(outcome(&got), refused("token_unknown_key"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn entra_common_is_nobodys_issuer() {
    let (tenant, common) = ("8eaef023-2b34-4da1-9baa-8bc8c9d6a490", "https://login.microsoftonline.com/common/v2.0");
    let metadata = json!({
        "issuer": "https://login.microsoftonline.com/{tenantid}/v2.0",
        "jwks_uri": "https://login.microsoftonline.com/common/discovery/v2.0/keys",
    });
    let fixture = Fixture::read("entra_v2");
    let pages = fixture.pages_and(&format!("{common}/.well-known/openid-configuration"), &metadata);
    let service = service(Provider::of("entra_v2"), &changed("entra_v2", tenant, "common"), pages).await;
    let (_, page) = service.page("/readyz").await;
    assert!(page.contains("names issuer `https://login.microsoftonline.com/{tenantid}/v2.0`"), "{page}");
    let got = ask(&service.client().await, "/any", &fixture.token("access_delegated").text).await;
    assert_eq!(outcome(&got), refused("token_unknown_issuer"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn entra_id_tokens_for_the_api_are_closed_out_by_the_claim_rule_alone() {
    for name in ["entra_v1", "entra_v2"] {
        let got = with_recipe(name, &without(name, "claims"), "id_of_the_api").await;
        assert!(matches!(got, Expected::Allowed { .. }), "{name}: {got:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cognito_tokens_have_no_aud() {
    let got = with_recipe("cognito", &without("cognito", "audience_claim"), "access_user").await;
    assert_eq!(got, refused("token_malformed_claims"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clerks_tokens_have_no_aud_and_not_always_an_azp() {
    let got = with_recipe("clerk", &without("clerk", "audience_claim"), "session").await;
    assert_eq!(got, refused("token_malformed_claims"));
    let got = with_recipe("clerk", &without("clerk", "claims"), "session_without_origin").await;
    assert!(matches!(got, Expected::Allowed { .. }), "{got:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn google_signs_for_any_account_that_asks() {
    let got = with_recipe("google", &without("google", "claims"), "service_account_other").await;
    assert!(matches!(got, Expected::Allowed { .. }), "{got:?}");
}
