use std::time::Duration;

use tokio::time::Instant;

use super::*;
use crate::keystore::store::{IssuerKeys, KeyStore};
use portcullis_engine::{
    jwt::{
        claim_path::ClaimPath,
        issuer_rules::NonEmpty,
        verifier::{Unverified, Verifier},
    },
    oauth::access_token::AccessToken,
    reason::TokenFault,
    time::UnixTime,
};

const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);

fn rules(issuer: &str, algorithms: &[Algorithm]) -> IssuerRules {
    IssuerRules {
        issuer: issuer.into(),
        audiences: NonEmpty::new(vec!["api".to_owned()]).unwrap(),
        algorithms: NonEmpty::new(algorithms.to_vec()).unwrap(),
        clock_tolerance: Duration::ZERO,
        max_token_age: Some(Duration::from_secs(60)),
        strict: true,
        audience_claim: "aud".to_owned(),
        client_id_claims: vec!["client_id".to_owned()],
        scope_claims: vec![ClaimPath::top_level("scope")],
        clients: NonEmpty::new(vec!["spa".to_owned()]),
        claims: vec![],
    }
}

/// What the real verifier says of a recipe's token.
fn verified(mint: &mut Mint, rules: &IssuerRules, recipe: &Recipe) -> Result<(), TokenFault> {
    mint.prepare(&rules.issuer, algorithm_of(rules, recipe)).unwrap();
    let token = mint.sign(rules, recipe).unwrap();
    let store = KeyStore::new();
    let set = mint.key_set(rules).unwrap().unwrap();
    store.add(Arc::clone(&rules.issuer), IssuerKeys::fixed(set, Instant::now()));
    let token = AccessToken::parse(token.as_bytes()).unwrap();
    match Verifier::new([rules.clone()]).verify(token, &store.at(Instant::now()), NOW) {
        Ok(_) => Ok(()),
        Err(Unverified::Refused(fault)) => Err(fault),
        Err(Unverified::KeyMissing(missing)) => Err(missing.fault),
    }
}

#[test]
fn the_verifier_takes_tokens_of_every_algorithm() {
    let mut mint = Mint::new();
    let all = Algorithm::ASYMMETRIC.into_iter().chain(Algorithm::SYMMETRIC);
    for (at, algorithm) in all.enumerate() {
        let rules = rules(&format!("https://issuer.test/{at}"), &[algorithm]);
        let usual = Recipe::usual(&rules, NOW);
        assert_eq!(verified(&mut mint, &rules, &usual), Ok(()), "{algorithm:?}");
        let forged = Recipe { signature: Signature::Forged, ..usual.clone() };
        assert_eq!(verified(&mut mint, &rules, &forged), Err(TokenFault::BadSignature), "{algorithm:?}");
        let absent = Recipe { signature: Signature::Absent, ..usual };
        assert_eq!(verified(&mut mint, &rules, &absent), Err(TokenFault::BadSignature), "{algorithm:?}");
    }
}

#[test]
fn the_cheapest_allowed_algorithm_signs_unless_the_header_names_another() {
    let rules = rules("https://issuer.test/", &[Algorithm::RS256, Algorithm::ES256, Algorithm::EdDSA]);
    let mut recipe = Recipe::usual(&rules, NOW);
    assert_eq!(algorithm_of(&rules, &recipe), Algorithm::EdDSA);
    recipe.header.insert("alg".to_owned(), "ES256".into());
    assert_eq!(algorithm_of(&rules, &recipe), Algorithm::ES256);
    let mut mint = Mint::new();
    assert_eq!(verified(&mut mint, &rules, &recipe), Ok(()));
    assert!(mint.rsa.is_none(), "an RSA key was made without need");
    recipe.header.insert("alg".to_owned(), "HS256".into());
    assert_eq!(verified(&mut mint, &rules, &recipe), Err(TokenFault::AlgorithmNotAllowed));
    recipe.header.insert("alg".to_owned(), "none".into());
    assert_eq!(verified(&mut mint, &rules, &recipe), Err(TokenFault::AlgorithmNotAllowed));
}

#[test]
fn a_foreign_kid_is_an_unknown_key_and_none_is_found_by_algorithm() {
    let rules = rules("https://issuer.test/", &[Algorithm::EdDSA]);
    let mut recipe = Recipe::usual(&rules, NOW);
    recipe.header.insert("kid".to_owned(), "other".into());
    assert_eq!(verified(&mut Mint::new(), &rules, &recipe), Err(TokenFault::UnknownKey));
    recipe.header.insert("kid".to_owned(), Value::Null);
    assert_eq!(verified(&mut Mint::new(), &rules, &recipe), Ok(()));
}

#[test]
fn issuers_have_keys_of_their_own() {
    let mut mint = Mint::new();
    let (one, two) = (rules("https://one.test/", &[Algorithm::EdDSA]), rules("https://two.test/", &[Algorithm::EdDSA]));
    assert!(mint.key_set(&one).unwrap().is_none());
    assert!(mint.prepare(&one.issuer, Algorithm::EdDSA).unwrap());
    assert!(!mint.prepare(&one.issuer, Algorithm::EdDSA).unwrap(), "made at most once");
    assert!(mint.prepare(&two.issuer, Algorithm::EdDSA).unwrap());
    let (one, two) = (mint.key_set(&one).unwrap().unwrap(), mint.key_set(&two).unwrap().unwrap());
    assert_ne!(one.keys()[0].thumbprint(), two.keys()[0].thumbprint());
    assert!(mint.sign(&rules("https://three.test/", &[Algorithm::EdDSA]), &Recipe::default()).is_err());
}

#[test]
fn debug_says_nothing_of_the_keys() {
    let mut mint = Mint::new();
    mint.prepare(&"https://issuer.test/".into(), Algorithm::EdDSA).unwrap();
    mint.prepare(&"https://other.test/".into(), Algorithm::HS256).unwrap();
    let shown = format!("{mint:?}");
    assert!(shown.contains("KeyPair(..)") && shown.contains("Secret(..)") && shown.len() < 400, "{shown}");
}
