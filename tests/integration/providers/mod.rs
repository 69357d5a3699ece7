//! The provider matrix: with the recipe that the README has for it, a provider's access tokens work and its other tokens
//! are refused, each for its own reason; and what goes wrong without the recipe.

mod fixture;
mod keys;
mod traps;

use std::{collections::BTreeMap, sync::Arc};

use fixture::{Expected, Fixture, Pages};
use portcullis::config;

use crate::{
    readme,
    support::{
        check::{Client, Got, get},
        service::TestService,
        tampered,
    },
};

/// A provider: its heading in the README, its fixture, and a scope of its tokens.
struct Provider {
    heading: &'static str,
    fixture: &'static str,
    scope: &'static str,
}

const fn provider(heading: &'static str, fixture: &'static str, scope: &'static str) -> Provider {
    Provider { heading, fixture, scope }
}

const PROVIDERS: [Provider; 10] = [
    provider("Auth0", "auth0", "read:messages"),
    provider("Auth0, RFC 9068 profile", "auth0_rfc9068", "read:messages"),
    provider("Keycloak", "keycloak", "read:messages"),
    provider("Okta", "okta", "messages.read"),
    provider("Microsoft Entra, v2.0 tokens", "entra_v2", "Messages.Read.All"),
    provider("Microsoft Entra, v1.0 tokens", "entra_v1", "Messages.Read"),
    provider("Amazon Cognito", "cognito", "messages/read"),
    provider("Google", "google", "none.has.it"),
    provider("Clerk, and others without `aud`", "clerk", "none.has.it"),
    provider("Any RFC 9068 server", "rfc9068", "reademail"),
];

impl Provider {
    fn of(fixture: &str) -> &'static Self {
        PROVIDERS.iter().find(|provider| provider.fixture == fixture).unwrap()
    }

    /// The YAML that stands under its heading.
    fn recipe(&self) -> &'static str {
        readme::yaml(&format!("### {}", self.heading))
    }
}

/// A whole configuration around the issuers of a recipe.
fn around(recipe: &str, scope: &str) -> String {
    format!(
        "{recipe}
listen: {{ grpc: '127.0.0.1:0', admin: '127.0.0.1:0' }}
routes:
  - {{ path: /any, access: authenticated }}
  - {{ path: /scoped, scopes: ['{scope}'] }}
"
    )
}

/// The service with a recipe, where the provider has these pages.
async fn service(provider: &Provider, recipe: &str, pages: Arc<Pages>) -> TestService {
    TestService::start_with(&around(recipe, provider.scope), pages).await
}

async fn ask(client: &Client, path: &str, token: &str) -> Got {
    client.send(&get(path).bearer(token)).await
}

/// What became of a request, in the words of the fixtures.
fn outcome(got: &Got) -> Expected {
    let header = |name: &str| got.header(name).map(str::to_owned);
    if got.status == 200 {
        let (client_id, scopes) = (header("x-auth-client-id"), header("x-auth-scopes"));
        return Expected::Allowed { client_id, scopes, subject: header("x-auth-subject") };
    }
    assert_eq!(got.status, 401, "a token is refused with 401: {got:?}");
    assert!(header("www-authenticate").unwrap().contains(r#"error="invalid_token""#), "{got:?}");
    Expected::Refused(got.reason.clone())
}

/// Each token of the provider's fixture meets its expectation, with the README's recipe.
async fn meets_expectations(name: &str) {
    let (provider, fixture) = (Provider::of(name), Fixture::read(name));
    let service = service(provider, provider.recipe(), fixture.pages()).await;
    let client = service.client().await;
    for token in &fixture.tokens {
        let got = outcome(&ask(&client, "/any", &token.text).await);
        assert_eq!(got, token.expected, "{name}: {}", token.name);
        let scoped = ask(&client, "/scoped", &token.text).await;
        match &token.expected {
            Expected::Refused(_) => assert_eq!(outcome(&scoped), token.expected, "{name}: {}", token.name),
            Expected::Allowed { scopes, .. } => {
                let has_scope = scopes.iter().any(|scopes| scopes.split(' ').any(|scope| scope == provider.scope));
                let wanted = if has_scope { (200, "ok") } else { (403, "insufficient_scope") };
                assert_eq!((scoped.status, scoped.reason.as_str()), wanted, "{name}: {}", token.name);
                let forged = outcome(&ask(&client, "/any", &tampered(&token.text)).await);
                assert_eq!(forged, Expected::Refused("token_bad_signature".to_owned()), "{name}: {}", token.name);
            }
        }
    }
    let allowed = fixture.tokens.iter().filter(|token| matches!(token.expected, Expected::Allowed { .. })).count();
    assert!(allowed > 0 && allowed < fixture.tokens.len(), "{name} shows one side only");
}

macro_rules! providers {
    ($($name:ident),* $(,)?) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                meets_expectations(stringify!($name)).await;
            }
        )*

        /// The fixtures that a test above is about.
        const TESTED: &[&str] = &[$(stringify!($name)),*];
    };
}

providers!(auth0, auth0_rfc9068, clerk, cognito, entra_v1, entra_v2, google, keycloak, okta, rfc9068);

#[test]
fn every_fixture_and_every_recipe_is_tested() {
    assert_eq!(fixture::names(), TESTED);
    let mut in_table: Vec<&str> = PROVIDERS.iter().map(|provider| provider.fixture).collect();
    in_table.sort_unstable();
    assert_eq!(in_table, TESTED);
    let headings: Vec<&str> = PROVIDERS.iter().map(|provider| provider.heading).collect();
    assert_eq!(readme::subheadings("## Providers"), headings);
}

#[test]
fn recipes_load_without_a_warning() {
    for provider in &PROVIDERS {
        let text = around(provider.recipe(), provider.scope);
        let loaded = config::parse(&text, "recipe.yaml", &BTreeMap::new());
        let loaded = loaded.unwrap_or_else(|problems| panic!("{}", problems.render(false, 100)));
        let warnings: Vec<&str> = loaded.warnings.problems().map(config::error::Problem::message).collect();
        assert_eq!(warnings, Vec::<&str>::new(), "{}", provider.heading);
    }
}

#[test]
fn one_configuration_holds_all_recipes_but_the_two_of_one_issuer() {
    let recipes = PROVIDERS.iter().filter(|provider| provider.fixture != "auth0_rfc9068");
    let issuers: String = recipes.map(|provider| provider.recipe().replacen("issuers:\n", "", 1)).collect();
    let text = around(&format!("issuers:\n{issuers}"), "any");
    let loaded = config::parse(&text, "recipe.yaml", &BTreeMap::new());
    let loaded = loaded.unwrap_or_else(|problems| panic!("{}", problems.render(false, 100)));
    assert_eq!(loaded.config.issuers.len(), PROVIDERS.len() - 1);
}
