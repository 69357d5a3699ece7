//! `POST /token` of the demo issuer: the client credentials grant (RFC 6749 section 4.4), without asking who it is.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Form, State, rejection::FormRejection},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::json;

use super::{issuer_state::Shared, token::TokenRequest};

/// An error answer of RFC 6749 section 5.2.
#[derive(Debug, PartialEq, Eq)]
struct Refusal {
    error: &'static str,
    description: &'static str,
}

const fn invalid_request(description: &'static str) -> Refusal {
    Refusal { error: "invalid_request", description }
}

type Parameters = Vec<(String, String)>;

pub(super) async fn token(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    form: Result<Form<Parameters>, FormRejection>,
) -> Response {
    let parameters = form.map(|Form(parameters)| parameters).map_err(|_| invalid_request("not a form"));
    let (status, body) = match parameters.and_then(|parameters| read(&headers, &parameters)) {
        Err(refusal) => {
            (StatusCode::BAD_REQUEST, json!({ "error": refusal.error, "error_description": refusal.description }))
        }
        Ok(request) => match shared.mint(&request) {
            Err(_) => (StatusCode::INTERNAL_SERVER_ERROR, json!({ "error": "server_error" })),
            Ok(token) => {
                let mut body =
                    json!({ "access_token": token, "token_type": "Bearer", "expires_in": request.expires_in });
                if let (Some(members), Some(scope)) = (body.as_object_mut(), request.scope) {
                    members.insert("scope".to_owned(), scope.into());
                }
                (StatusCode::OK, body)
            }
        },
    };
    // RFC 6749 section 5.1: tokens are not for caches.
    (status, [(header::CACHE_CONTROL, "no-store")], Json(body)).into_response()
}

/// What is asked for.
fn read(headers: &HeaderMap, parameters: &Parameters) -> Result<TokenRequest, Refusal> {
    match once(parameters, "grant_type")? {
        None => return Err(invalid_request("grant_type is missing")),
        Some("client_credentials") => {}
        Some(_) => {
            let description = "the demo issuer knows client_credentials only";
            return Err(Refusal { error: "unsupported_grant_type", description });
        }
    }
    let mut request = TokenRequest::new();
    if let Some(client) = once(parameters, "client_id")?.map(str::to_owned).or_else(|| basic_client(headers)) {
        request.client_id = client;
    }
    request.subject = once(parameters, "sub")?.map(str::to_owned);
    if let Some(scope) = once(parameters, "scope")? {
        if !is_scope(scope) {
            return Err(Refusal { error: "invalid_scope", description: "not a scope of RFC 6749 section 3.3" });
        }
        request.scope = Some(scope.to_owned());
    }
    // RFC 8707 section 2: `resource` may be given several times. `audience` is Auth0's name for it.
    let audiences = parameters.iter().filter(|(name, _)| name == "audience" || name == "resource");
    request.audiences = audiences.map(|(_, value)| value.clone()).collect();
    if let Some(seconds) = once(parameters, "expires_in")? {
        request.expires_in = seconds.parse().map_err(|_| invalid_request("expires_in is not a number of seconds"))?;
    }
    if let Some(claims) = once(parameters, "claims")? {
        let claims: serde_json::Map<String, serde_json::Value> =
            serde_json::from_str(claims).map_err(|_| invalid_request("claims is not a JSON object"))?;
        request.claims = claims.into_iter().map(|(name, value)| (name, Some(value).filter(|v| !v.is_null()))).collect();
    }
    if let Some(alg) = once(parameters, "alg")? {
        request.alg = alg.parse().map_err(|_| invalid_request("alg is not one of the demo issuer's"))?;
    }
    Ok(request)
}

/// A parameter's value; an empty one counts as left out, and a repeated one is an error (RFC 6749 section 3.2).
fn once<'a>(parameters: &'a Parameters, name: &str) -> Result<Option<&'a str>, Refusal> {
    let mut values = parameters.iter().filter(|(found, _)| found == name).map(|(_, value)| value.as_str());
    let first = values.next();
    if values.next().is_some() {
        return Err(invalid_request("a parameter is given twice"));
    }
    Ok(first.filter(|value| !value.is_empty()))
}

/// The name in an `Authorization: Basic` header. The secret with it is not looked at: there are no clients to know.
fn basic_client(headers: &HeaderMap) -> Option<String> {
    let (scheme, credentials) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    let decoded = scheme.eq_ignore_ascii_case("basic").then(|| STANDARD.decode(credentials.trim()).ok())??;
    let name = String::from_utf8(decoded).ok()?.split_once(':')?.0.to_owned();
    // RFC 6749 section 2.3.1: the name in it is form-encoded.
    let (name, _) = url::form_urlencoded::parse(name.as_bytes()).next()?;
    Some(name.into_owned())
}

fn is_scope(scope: &str) -> bool {
    let allowed = |byte: u8| matches!(byte, 0x21 | 0x23..=0x5B | 0x5D..=0x7E);
    scope.split(' ').all(|token| !token.is_empty() && token.bytes().all(allowed))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(parameters: &[(&str, &str)]) -> Result<TokenRequest, Refusal> {
        let grant = ("grant_type", "client_credentials");
        let all = std::iter::once(&grant).chain(parameters);
        read(&HeaderMap::new(), &all.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    fn refused(parameters: &[(&str, &str)]) -> &'static str {
        ask(parameters).unwrap_err().error
    }

    #[test]
    fn only_the_client_credentials_grant_is_known() {
        let error = |parameters: &[(&str, &str)]| {
            let owned = parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            read(&HeaderMap::new(), &owned).unwrap_err().error
        };
        assert_eq!(error(&[]), "invalid_request");
        assert_eq!(error(&[("grant_type", "")]), "invalid_request");
        assert_eq!(error(&[("grant_type", "password")]), "unsupported_grant_type");
    }

    #[test]
    fn parameters_are_taken_as_they_are() {
        let request =
            ask(&[("scope", "a b"), ("resource", "x"), ("resource", "y"), ("expires_in", "-5"), ("alg", "ES256")]);
        let request = request.unwrap();
        assert_eq!(request.scope.as_deref(), Some("a b"));
        assert_eq!(request.audiences, ["x", "y"]);
        assert_eq!(request.expires_in, -5);
        let claims = ask(&[("claims", r#"{"org_id": "acme", "sub": null}"#)]).unwrap().claims;
        assert_eq!(claims, [("org_id".to_owned(), Some("acme".into())), ("sub".to_owned(), None)]);
        assert_eq!(request.alg.name(), "ES256");
        assert_eq!(request.client_id, "demo-client");
    }

    #[test]
    fn wrong_parameters_are_refused() {
        assert_eq!(refused(&[("expires_in", "soon")]), "invalid_request");
        assert_eq!(refused(&[("alg", "none")]), "invalid_request");
        assert_eq!(refused(&[("claims", "org_id=acme")]), "invalid_request");
        assert_eq!(refused(&[("sub", "a"), ("sub", "b")]), "invalid_request");
        for scope in ["a  b", " a", "a\"", "a\\", "é", "a\tb"] {
            assert_eq!(refused(&[("scope", scope)]), "invalid_scope", "{scope:?}");
        }
        assert_eq!(ask(&[("scope", "")]).unwrap().scope, None);
    }

    #[test]
    fn the_name_of_basic_credentials_is_the_client() {
        let named = |value: &str| {
            let headers = HeaderMap::from_iter([(header::AUTHORIZATION, value.parse().unwrap())]);
            basic_client(&headers)
        };
        let basic = |text: &str| named(&format!("Basic {}", STANDARD.encode(text)));
        assert_eq!(basic("shop:secret").as_deref(), Some("shop"));
        assert_eq!(basic("my%20shop:").as_deref(), Some("my shop"));
        assert_eq!(basic("no colon"), None);
        assert_eq!(named("Bearer abc"), None);
        assert_eq!(named("Basic %"), None);
    }
}
