//! How known providers name themselves. Only what is certain of every tenant, from the provider's documentation; a
//! domain of the tenant's own tells nothing.

use url::Url;

/// The string that tokens have as `iss`, or why no token can have one of this kind.
type Named = Result<String, String>;

/// A provider that is known by its host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Provider {
    /// `TENANT.REGION.auth0.com`.
    Auth0,
    /// `login.microsoftonline.com` and its kin in other clouds.
    Entra,
    /// `sts.windows.net`: Entra's v1.0 tokens.
    EntraV1,
    /// `ORG.okta.com`.
    Okta,
    /// `cognito-idp.REGION.amazonaws.com`.
    Cognito,
    /// The pages where users of Cognito sign in.
    CognitoPages,
    /// `accounts.google.com`.
    Google,
    /// Any host, with `/realms/NAME` in its path, and at most an endpoint of Keycloak's after it.
    Keycloak,
}

/// The provider of a URL.
pub(super) fn of(url: &Url) -> Option<Provider> {
    let host = url.host_str()?;
    let is_below = |name: &str| host.strip_suffix(name).is_some_and(|before| before.ends_with('.'));
    Some(match host {
        "login.microsoftonline.com" | "login.microsoftonline.us" | "login.partner.microsoftonline.cn" => {
            Provider::Entra
        }
        "sts.windows.net" => Provider::EntraV1,
        "accounts.google.com" => Provider::Google,
        _ if is_below("auth0.com") => Provider::Auth0,
        _ if ["okta.com", "oktapreview.com", "okta-emea.com"].into_iter().any(is_below) => Provider::Okta,
        _ if host.starts_with("cognito-idp.") && is_below("amazonaws.com") => Provider::Cognito,
        _ if host.contains(".auth.") && is_below("amazoncognito.com") => Provider::CognitoPages,
        _ if is_realm(&segments(url)) => Provider::Keycloak,
        _ => return None,
    })
}

/// What people call it.
pub(super) fn name(url: &Url) -> Option<&'static str> {
    Some(match of(url)? {
        Provider::Auth0 => "Auth0",
        Provider::Entra | Provider::EntraV1 => "Microsoft Entra",
        Provider::Okta => "Okta",
        Provider::Cognito | Provider::CognitoPages => "Amazon Cognito",
        Provider::Google => "Google",
        Provider::Keycloak => "Keycloak",
    })
}

/// The `iss` that is meant by an issuer. The URL is that of the text.
pub(super) fn issuer_for(text: &str, url: &Url) -> Option<Named> {
    let segments = segments(url);
    Some(match of(url)? {
        Provider::Auth0 => Ok(format!("{}/", origin(url))),
        Provider::EntraV1 => match segments.as_slice() {
            [tenant, ..] => entra(tenant).map(|()| format!("https://sts.windows.net/{tenant}/")),
            [] => Err("write `https://sts.windows.net/TENANT/`, with your tenant's id".to_owned()),
        },
        Provider::Entra => match segments.as_slice() {
            [tenant, "v2.0", ..] | [tenant, "oauth2", "v2.0", ..] => {
                entra(tenant).map(|()| format!("{}/{tenant}/v2.0", origin(url)))
            }
            [tenant, ..] => entra(tenant).and_then(|()| {
                Err(format!(
                    "write `{}/{tenant}/v2.0` for v2.0 tokens, or `https://sts.windows.net/{tenant}/` for v1.0 tokens",
                    origin(url)
                ))
            }),
            [] => Err(format!("write `{}/TENANT/v2.0`, with your tenant's id", origin(url))),
        },
        Provider::Okta => match segments.as_slice() {
            // Endpoints: `/oauth2/v1/token` of the org's server, `/oauth2/ID/v1/token` of another one.
            [] | ["oauth2"] | ["oauth2", "v1", ..] => Ok(origin(url)),
            ["oauth2", id] | ["oauth2", id, "v1", ..] => Ok(format!("{}/oauth2/{id}", origin(url))),
            _ => return None,
        },
        Provider::Cognito => match segments.as_slice() {
            [pool, ..] => Ok(format!("{}/{pool}", origin(url))),
            [] => Err(format!("write `{}/POOL`, with the id of the user pool", origin(url))),
        },
        Provider::CognitoPages => {
            Err("write `https://cognito-idp.REGION.amazonaws.com/POOL`; this is where users sign in".to_owned())
        }
        Provider::Google => Ok("https://accounts.google.com".to_owned()),
        Provider::Keycloak => {
            let at = text.find("/realms/")?.checked_add("/realms/".len())?;
            let (before, rest) = text.split_at_checked(at)?;
            Ok(format!("{before}{}", rest.split('/').next()?))
        }
    })
}

/// The issuer that the metadata below a URL names.
pub(super) fn metadata_at(text: &str, url: &Url) -> Option<Named> {
    let segments = segments(url);
    match of(url)? {
        // A request to the tenant's own domain of Auth0 is answered in the name of that domain.
        Provider::Auth0 | Provider::Google | Provider::Cognito => issuer_for(text, url),
        Provider::Entra => match segments.as_slice() {
            [tenant, "v2.0"] => Some(entra(tenant).map(|()| format!("{}/{tenant}/v2.0", origin(url)))),
            // In other clouds v1.0 tokens have other names.
            [tenant] if url.host_str() == Some("login.microsoftonline.com") => {
                Some(entra(tenant).map(|()| format!("https://sts.windows.net/{tenant}/")))
            }
            _ => None,
        },
        // Realms and Okta's servers can be told to name themselves otherwise than they are reached here; what is left
        // has its metadata elsewhere.
        Provider::Keycloak | Provider::Okta | Provider::EntraV1 | Provider::CognitoPages => None,
    }
}

/// Tokens name the tenant by its id.
fn entra(tenant: &str) -> Result<(), String> {
    let is_id = tenant.len() == 36 && tenant.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    if is_id {
        Ok(())
    } else {
        Err("write your tenant's id, a GUID: tokens name the tenant that issued them".to_owned())
    }
}

/// ForgeRock has realms in realms, `/oauth2/realms/root/realms/NAME`.
fn is_realm(segments: &[&str]) -> bool {
    let mut after = segments.iter().skip_while(|segment| **segment != "realms").skip(1);
    let is_named = after.next().is_some();
    let is_endpoint = after.next().is_none_or(|next| *next == "protocol");
    is_named && is_endpoint && !segments.contains(&"oauth2")
}

fn origin(url: &Url) -> String {
    url.origin().ascii_serialization()
}

fn segments(url: &Url) -> Vec<&str> {
    url.path_segments().into_iter().flatten().filter(|segment| !segment.is_empty()).collect()
}
