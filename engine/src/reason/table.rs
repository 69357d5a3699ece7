//! The table of deny reasons: one row for each, and everything that is fixed about it in that row.
//!
//! To add a reason, write its row, the check that raises it, and the tests of both. A row has, in this order:
//!
//! | column | meaning |
//! |---|---|
//! | doc comment | when the reason applies |
//! | name, code | the variant, and its stable name in logs, metadata and metrics |
//! | status | the HTTP status with its gRPC code, a constant of [`Status`] |
//! | challenge | the kind of challenge, a variant of [`ChallengeKind`] |
//! | `detail` | the text that the client gets; fixed, without quotes or backslashes (RFC 6750 section 3) |
//! | `remedy` | what `explain` tells the operator, unless it finds something more exact |
//! | `rule` | of a malformed path: the rule of the canonical form that it breaks, where that is fixed |
//! | `party` | whose failure it is, a variant of [`Party`], if not the client's |

use super::{
    challenge_kind::ChallengeKind,
    reasons_macro::reasons,
    row::{Party, Row},
    status::Status,
};

reasons! {
    /// Every reason for a denial.
    DenyReason {
        /// The request has no credentials.
        NoCredentials = "no_credentials", UNAUTHORIZED, WithoutError,
            detail: "a bearer access token is required",
            remedy: "send `Authorization: Bearer <token>` with an access token";

        /// The only credentials are of another scheme than Bearer.
        UnsupportedScheme = "unsupported_scheme", UNAUTHORIZED, WithoutError,
            detail: "a bearer access token is required",
            remedy: "send the token as `Authorization: Bearer <token>`: no other scheme is read";

        /// The credentials are not of the form `Bearer b64token` (RFC 6750 section 2.1).
        MalformedCredentials = "malformed_credentials", BAD_REQUEST, InvalidRequest,
            detail: "the credentials are not one bearer token",
            remedy: "send exactly `Bearer`, one space and the token";

        /// The request has two credentials or more.
        SeveralCredentials = "several_credentials", BAD_REQUEST, InvalidRequest,
            detail: "more than one set of credentials was sent",
            remedy: "send one `Authorization` header with one token";

        /// The credentials are longer than [`crate::limits::TOKEN_BYTES`].
        OverlongCredentials = "overlong_credentials", BAD_REQUEST, InvalidRequest,
            detail: "the access token is too long",
            remedy: "get a smaller token: fewer scopes, groups or custom claims";

        // Another token would do: one of another issuer, or for another audience (RFC 6750 section 3.1).

        /// The rule does not take tokens of this issuer.
        IssuerNotAdmitted = "issuer_not_admitted", UNAUTHORIZED, InvalidToken,
            detail: "the issuer is not trusted here",
            remedy: "get a token from an issuer that the rule names in `issuers`";

        /// The token is for none of the audiences that the rule asks for.
        AudienceNotAdmitted = "audience_not_admitted", UNAUTHORIZED, InvalidToken,
            detail: "the access token is for another audience",
            remedy: "get a token for an audience that the rule names in `audiences`";

        /// The token lacks scopes that the rule asks for.
        InsufficientScope = "insufficient_scope", FORBIDDEN, InsufficientScope,
            detail: "the access token lacks scope",
            remedy: "get a token with the scopes that the rule asks for";

        /// The token does not meet a claim rule of the route.
        ClaimRule = "claim_rule", FORBIDDEN, InsufficientClaims,
            detail: "a claim of the access token does not permit this",
            remedy: "get a token that meets the `claims` of the rule";

        // No challenge from here on: no token would help.

        /// No pattern covers the path.
        NoRoute = "no_route", FORBIDDEN, Absent,
            detail: "no rule opens this path",
            remedy: "add a route for this path: what no route covers is denied";

        /// The most specific pattern has no rule for the method.
        MethodNotAdmitted = "method_not_admitted", FORBIDDEN, Absent,
            detail: "no rule opens this path for this method",
            remedy: "add a rule for this method";

        /// Envoy chose a named policy that does not exist here.
        UnknownPolicy = "unknown_policy", FORBIDDEN, Absent,
            detail: "the proxy chose a policy that does not exist",
            remedy: "add the policy to `policies`, or remove it from the Envoy route";

        /// The issuer's keys are not available at the moment.
        KeysUnavailable = "keys_unavailable", SERVICE_UNAVAILABLE, Absent,
            detail: "the keys to verify the access token are not available at the moment",
            remedy: "the issuer's keys could not be had: the log and `/keys` of the service say why",
            party: Issuer;

        /// The Check has waited for too long, or too many wait with it.
        Overloaded = "overloaded", SERVICE_UNAVAILABLE, Absent,
            detail: "the authorizer has too much to do at the moment",
            remedy: "send it again: the service has more to do than its threads can",
            party: Service;

        /// Portcullis itself has a bug.
        Internal = "internal", INTERNAL_SERVER_ERROR, Absent,
            detail: "the authorizer failed",
            remedy: "this is a bug: please report it",
            party: Service;
    }

    /// A fault of the token, for which it is refused.
    Token(TokenFault) {
        /// The token is no JWT: providers call it an opaque or a reference token.
        Opaque = "token_opaque", UNAUTHORIZED, InvalidToken,
            detail: "the access token is not a JWT",
            remedy: "ask the issuer for a JWT: many give opaque tokens unless an audience is asked for";

        /// The token has five segments: it is encrypted (RFC 7516).
        Encrypted = "token_encrypted", UNAUTHORIZED, InvalidToken,
            detail: "the access token is encrypted",
            remedy: "configure the issuer to give signed tokens that are not encrypted";

        /// The token is not a compact JWS of two JSON objects, strictly read.
        Malformed = "token_malformed", UNAUTHORIZED, InvalidToken,
            detail: "the access token is malformed",
            remedy: "send the token exactly as the issuer gave it";

        /// The token's `alg` is not one that its issuer is configured with.
        AlgorithmNotAllowed = "token_algorithm_not_allowed", UNAUTHORIZED, InvalidToken,
            detail: "the signature algorithm is not allowed",
            remedy: "get a token signed with one of the issuer's `algorithms`";

        /// The token has a `crit` header (RFC 7515 section 4.1.11): no extension is known here.
        CriticalHeader = "token_critical_header", UNAUTHORIZED, InvalidToken,
            detail: "the access token has a critical header that is not understood",
            remedy: "get a token without a `crit` header";

        /// The token's `typ` is not that of an access token.
        TypeNotAllowed = "token_type_not_allowed", UNAUTHORIZED, InvalidToken,
            detail: "the type of the access token is not allowed",
            remedy: "send an access token: its `typ` is `at+jwt` or `JWT`";

        /// The token's issuer is not configured.
        UnknownIssuer = "token_unknown_issuer", UNAUTHORIZED, InvalidToken,
            detail: "the issuer is not trusted",
            remedy: "get a token from one of the configured issuers, or add this issuer under `issuers`";

        /// The token names a key that its issuer does not have, or no key of its issuer fits it.
        UnknownKey = "token_unknown_key", UNAUTHORIZED, InvalidToken,
            detail: "the signing key is unknown",
            remedy: "get a token that is signed with a key which its issuer publishes";

        /// More than one key of the token's issuer fits.
        AmbiguousKey = "token_ambiguous_key", UNAUTHORIZED, InvalidToken,
            detail: "more than one signing key fits",
            remedy: "ask the issuer to give each key a `kid` of its own, and each token the `kid` of its key";

        /// The signature is false.
        BadSignature = "token_bad_signature", UNAUTHORIZED, InvalidToken,
            detail: "the signature is invalid",
            remedy: "send the token exactly as the issuer gave it, or get a new one";

        /// A claim is missing or has the wrong type.
        MalformedClaims = "token_malformed_claims", UNAUTHORIZED, InvalidToken,
            detail: "a required claim is missing or malformed",
            remedy: "get a token with the claims that the failed check names";

        /// The token is for another audience.
        WrongAudience = "token_wrong_audience", UNAUTHORIZED, InvalidToken,
            detail: "the audience is wrong",
            remedy: "get a token for one of the issuer's `audiences`";

        /// The token has expired.
        Expired = "token_expired", UNAUTHORIZED, InvalidToken,
            detail: "the access token expired",
            remedy: "get a new token: this one expired";

        /// The token is not valid yet.
        NotYetValid = "token_not_yet_valid", UNAUTHORIZED, InvalidToken,
            detail: "the access token is not valid yet",
            remedy: "wait, or synchronise the clocks: the token is from the future";

        /// The token says that it was issued in the future.
        IssuedInFuture = "token_issued_in_future", UNAUTHORIZED, InvalidToken,
            detail: "the access token was issued in the future",
            remedy: "wait, or synchronise the clocks: the token is from the future";

        /// The token is older than the issuer's `max_token_age`.
        TooOld = "token_too_old", UNAUTHORIZED, InvalidToken,
            detail: "the access token is too old",
            remedy: "get a new token: this one is older than the issuer's `max_token_age`";

        /// The token is an ID token, a refresh token, a logout token: anything but an access token.
        NotAnAccessToken = "token_not_an_access_token", UNAUTHORIZED, InvalidToken,
            detail: "the token is not an access token",
            remedy: "send the access token, not the ID or refresh token";

        /// The token is bound to a key or a certificate (`cnf`) and came as a plain bearer token.
        Bound = "token_bound", UNAUTHORIZED, InvalidToken,
            detail: "the access token is bound to a key or certificate and can't be used as a bearer token",
            remedy: "get a token without `cnf`: one that is bound to a key is no bearer token";

        /// The client that the token was given to is not one of the issuer's `clients`.
        ClientNotAllowed = "token_client_not_allowed", UNAUTHORIZED, InvalidToken,
            detail: "the client is not allowed",
            remedy: "get the token with a client of the issuer's `clients`, or add this one";

        /// The token does not meet a claim rule of its issuer.
        ClaimRule = "token_claim_rule", UNAUTHORIZED, InvalidToken,
            detail: "a claim of the access token is not accepted",
            remedy: "get a token that meets the issuer's `claims`";
    }

    /// A fault of the request, whatever its token says.
    Request(RequestFault) {
        /// The Check has no HTTP request in it, or can't be decoded.
        NoHttpRequest = "request_no_http", BAD_REQUEST, Absent,
            detail: "there is no readable request",
            remedy: "ask with Envoy's HTTP filter for ext_authz: its network filter sends no HTTP request";

        /// The Check is larger than [`crate::limits::CHECK_REQUEST_BYTES`].
        TooLarge = "request_too_large", BAD_REQUEST, Absent,
            detail: "the request is too large",
            remedy: "send a smaller request";

        /// The path is missing, empty or relative.
        PathNotAbsolute = "request_path_not_absolute", BAD_REQUEST, Absent,
            detail: "the path is not absolute",
            remedy: "send a path in its canonical form",
            rule: "starts with `/`";

        /// The path is longer than its limit or has too many segments.
        PathTooLong = "request_path_too_long", BAD_REQUEST, Absent,
            detail: "the path is too long",
            remedy: "send a path in its canonical form";

        /// The path has an empty segment (`//`).
        EmptySegment = "request_empty_segment", BAD_REQUEST, Absent,
            detail: "the path has an empty segment",
            remedy: "send a path in its canonical form",
            rule: "no empty segment, as in `//`";

        /// The path has a `.` or `..` segment, plain or encoded.
        DotSegment = "request_dot_segment", BAD_REQUEST, Absent,
            detail: "the path has a dot segment",
            remedy: "send a path in its canonical form",
            rule: "no `.` and no `..` as a segment, plain or encoded";

        /// The path has an encoded `/` or `\`, or a plain `\`.
        EncodedSlash = "request_encoded_slash", BAD_REQUEST, Absent,
            detail: "the path has an encoded slash or a backslash",
            remedy: "send a path in its canonical form",
            rule: "no backslash and no `%5C`; no `%2F` but where a route takes it as data, and not before or behind an \
                   empty part, `.` or `..`";

        /// The path has a `;` parameter.
        PathParameter = "request_path_parameter", BAD_REQUEST, Absent,
            detail: "the path has a parameter",
            remedy: "send a path in its canonical form",
            rule: "no `;`, plain or encoded (`%3B`)";

        /// The path has a `#`.
        Fragment = "request_fragment", BAD_REQUEST, Absent,
            detail: "the path has a fragment",
            remedy: "send a path in its canonical form",
            rule: "no `#`";

        /// The path has a control character or a space, plain or encoded.
        ControlCharacter = "request_control_character", BAD_REQUEST, Absent,
            detail: "the path has a control character or a space",
            remedy: "send a path in its canonical form",
            rule: "no control character and no space; a space is `%20`";

        /// The path has a raw byte over 0x7F.
        NonAscii = "request_non_ascii", BAD_REQUEST, Absent,
            detail: "the path has a byte that is not ASCII",
            remedy: "send a path in its canonical form",
            rule: "ASCII only; other characters are percent-encoded as UTF-8";

        /// The path has a percent sign without two hex digits.
        BrokenEscape = "request_broken_escape", BAD_REQUEST, Absent,
            detail: "the path has a broken percent-escape",
            remedy: "send a path in its canonical form",
            rule: "`%` is followed by two hex digits; a percent sign is `%25`";

        /// The path has escapes that decoders read differently: escaped twice, or not UTF-8.
        AmbiguousEscape = "request_ambiguous_escape", BAD_REQUEST, Absent,
            detail: "the path has an escape that can be read in two ways",
            remedy: "send a path in its canonical form",
            rule: "escapes are UTF-8 and not encoded twice: no `%25` before two hex digits";

        /// Folding the case of the path, or decoding an escape that it could do without, would bring it to another pattern.
        CaseAmbiguous = "request_case_ambiguous", BAD_REQUEST, Absent,
            detail: "the case of the path or one of its escapes is ambiguous",
            remedy: "spell the path as the route that is meant does: its case, and which characters are escaped",
            rule: "the spelling of the pattern that decides about the path in lower case, or with an escape such as `%3A` \
                   decoded";

        /// A lax backend could take the path for one that needs more: see `policy::readings`.
        LaxReading = "request_lax_reading", BAD_REQUEST, Absent,
            detail: "the path can be read in two ways",
            remedy: "send a path without escapes and dots that backends read differently, or let the rules of both readings agree",
            rule: "nothing that a lax backend could take for a path that needs more: an escaped `?` or `#`, dots or spaces at \
                   the end of a segment, compatibility forms of letters and slashes, streams of NTFS (`::$DATA`), sessions in a \
                   path (`(S(x))`), `%2F`";

        /// The host is not one valid name or IP literal.
        Host = "request_host", BAD_REQUEST, Absent,
            detail: "the host is not one valid name, or its port or trailing dot makes a difference",
            remedy: "send one valid host name";

        /// The method is not a token (RFC 9110 section 9.1) or too long, or the query asks for another one.
        Method = "request_method", BAD_REQUEST, Absent,
            detail: "the method is not a valid name, or the query names another one",
            remedy: "send one method: a name such as `GET`, and no other one in the query";

        /// The method is CONNECT, and no rule names it.
        Connect = "request_connect", BAD_REQUEST, Absent,
            detail: "no rule opens CONNECT",
            remedy: "add a rule that names CONNECT, if tunnels are wanted";
    }
}
