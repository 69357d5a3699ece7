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

use super::{challenge_kind::ChallengeKind, reasons_macro::reasons, row::Row, status::Status};

reasons! {
    /// Every reason for a denial.
    DenyReason {
        /// The request has no credentials.
        NoCredentials = "no_credentials", UNAUTHORIZED, WithoutError,
            detail: "a bearer access token is required";

        /// The only credentials are of another scheme than Bearer.
        UnsupportedScheme = "unsupported_scheme", UNAUTHORIZED, WithoutError,
            detail: "a bearer access token is required";

        /// The credentials are not of the form `Bearer b64token` (RFC 6750 section 2.1).
        MalformedCredentials = "malformed_credentials", BAD_REQUEST, InvalidRequest,
            detail: "the credentials are not one bearer token";

        /// The request has two credentials or more.
        SeveralCredentials = "several_credentials", BAD_REQUEST, InvalidRequest,
            detail: "more than one set of credentials was sent";

        /// The credentials are longer than [`crate::limits::TOKEN_BYTES`].
        OverlongCredentials = "overlong_credentials", BAD_REQUEST, InvalidRequest,
            detail: "the access token is too long";

        // Another token would do: one of another issuer, or for another audience (RFC 6750 section 3.1).

        /// The rule does not take tokens of this issuer.
        IssuerNotAdmitted = "issuer_not_admitted", UNAUTHORIZED, InvalidToken,
            detail: "the issuer is not trusted here";

        /// The token is for none of the audiences that the rule asks for.
        AudienceNotAdmitted = "audience_not_admitted", UNAUTHORIZED, InvalidToken,
            detail: "the access token is for another audience";

        /// The token lacks scopes that the rule asks for.
        InsufficientScope = "insufficient_scope", FORBIDDEN, InsufficientScope,
            detail: "the access token lacks scope";

        /// The token does not meet a claim rule of the route.
        ClaimRule = "claim_rule", FORBIDDEN, InsufficientClaims,
            detail: "a claim of the access token does not permit this";

        // No challenge from here on: no token would help.

        /// No pattern covers the path.
        NoRoute = "no_route", FORBIDDEN, Absent,
            detail: "no rule opens this path";

        /// The most specific pattern has no rule for the method.
        MethodNotAdmitted = "method_not_admitted", FORBIDDEN, Absent,
            detail: "no rule opens this path for this method";

        /// Envoy chose a named policy that does not exist here.
        UnknownPolicy = "unknown_policy", FORBIDDEN, Absent,
            detail: "the proxy chose a policy that does not exist";

        /// The issuer's keys are not available at the moment.
        KeysUnavailable = "keys_unavailable", SERVICE_UNAVAILABLE, Absent,
            detail: "the keys to verify the access token are not available at the moment";

        /// The Check has waited for too long, or too many wait with it.
        Overloaded = "overloaded", SERVICE_UNAVAILABLE, Absent,
            detail: "the authorizer has too much to do at the moment";

        /// Portcullis itself has a bug.
        Internal = "internal", INTERNAL_SERVER_ERROR, Absent,
            detail: "the authorizer failed";
    }

    /// Why a token is refused.
    Token(TokenFault) {
        /// The token is no JWT: providers call it an opaque or a reference token.
        Opaque = "token_opaque", UNAUTHORIZED, InvalidToken,
            detail: "the access token is not a JWT";

        /// The token has five segments: it is encrypted (RFC 7516).
        Encrypted = "token_encrypted", UNAUTHORIZED, InvalidToken,
            detail: "the access token is encrypted";

        /// The token is not a compact JWS of two JSON objects, strictly read.
        Malformed = "token_malformed", UNAUTHORIZED, InvalidToken,
            detail: "the access token is malformed";

        /// The token's `alg` is not one that its issuer is configured with.
        AlgorithmNotAllowed = "token_algorithm_not_allowed", UNAUTHORIZED, InvalidToken,
            detail: "the signature algorithm is not allowed";

        /// The token has a `crit` header (RFC 7515 section 4.1.11): no extension is known here.
        CriticalHeader = "token_critical_header", UNAUTHORIZED, InvalidToken,
            detail: "the access token has a critical header that is not understood";

        /// The token's `typ` is not that of an access token.
        TypeNotAllowed = "token_type_not_allowed", UNAUTHORIZED, InvalidToken,
            detail: "the type of the access token is not allowed";

        /// The token's issuer is not configured.
        UnknownIssuer = "token_unknown_issuer", UNAUTHORIZED, InvalidToken,
            detail: "the issuer is not trusted";

        /// The token names a key that its issuer does not have, or no key of its issuer fits it.
        UnknownKey = "token_unknown_key", UNAUTHORIZED, InvalidToken,
            detail: "the signing key is unknown";

        /// More than one key of the token's issuer fits.
        AmbiguousKey = "token_ambiguous_key", UNAUTHORIZED, InvalidToken,
            detail: "more than one signing key fits";

        /// The signature is false.
        BadSignature = "token_bad_signature", UNAUTHORIZED, InvalidToken,
            detail: "the signature is invalid";

        /// A claim is missing or has the wrong type.
        MalformedClaims = "token_malformed_claims", UNAUTHORIZED, InvalidToken,
            detail: "a required claim is missing or malformed";

        /// The token is for another audience.
        WrongAudience = "token_wrong_audience", UNAUTHORIZED, InvalidToken,
            detail: "the audience is wrong";

        /// The token has expired.
        Expired = "token_expired", UNAUTHORIZED, InvalidToken,
            detail: "the access token expired";

        /// The token is not valid yet.
        NotYetValid = "token_not_yet_valid", UNAUTHORIZED, InvalidToken,
            detail: "the access token is not valid yet";

        /// The token says that it was issued in the future.
        IssuedInFuture = "token_issued_in_future", UNAUTHORIZED, InvalidToken,
            detail: "the access token was issued in the future";

        /// The token is older than the issuer's `max_token_age`.
        TooOld = "token_too_old", UNAUTHORIZED, InvalidToken,
            detail: "the access token is too old";

        /// The token is an ID token, a refresh token, a logout token: anything but an access token.
        NotAnAccessToken = "token_not_an_access_token", UNAUTHORIZED, InvalidToken,
            detail: "the token is not an access token";

        /// The token is bound to a key or a certificate (`cnf`) and came as a plain bearer token.
        Bound = "token_bound", UNAUTHORIZED, InvalidToken,
            detail: "the access token is bound to a key or certificate and can't be used as a bearer token";

        /// The client that the token was given to is not one of the issuer's `clients`.
        ClientNotAllowed = "token_client_not_allowed", UNAUTHORIZED, InvalidToken,
            detail: "the client is not allowed";

        /// The token does not meet a claim rule of its issuer.
        ClaimRule = "token_claim_rule", UNAUTHORIZED, InvalidToken,
            detail: "a claim of the access token is not accepted";
    }

    /// What is wrong with a request, whatever its token says.
    Request(RequestFault) {
        /// The Check has no HTTP request in it, or can't be decoded.
        NoHttpRequest = "request_no_http", BAD_REQUEST, Absent,
            detail: "there is no readable request";

        /// The Check is larger than [`crate::limits::CHECK_REQUEST_BYTES`].
        TooLarge = "request_too_large", BAD_REQUEST, Absent,
            detail: "the request is too large";

        /// The path is missing, empty or relative.
        PathNotAbsolute = "request_path_not_absolute", BAD_REQUEST, Absent,
            detail: "the path is not absolute";

        /// The path is longer than its limit or has too many segments.
        PathTooLong = "request_path_too_long", BAD_REQUEST, Absent,
            detail: "the path is too long";

        /// The path has an empty segment (`//`).
        EmptySegment = "request_empty_segment", BAD_REQUEST, Absent,
            detail: "the path has an empty segment";

        /// The path has a `.` or `..` segment, plain or encoded.
        DotSegment = "request_dot_segment", BAD_REQUEST, Absent,
            detail: "the path has a dot segment";

        /// The path has an encoded `/` or `\`, or a plain `\`.
        EncodedSlash = "request_encoded_slash", BAD_REQUEST, Absent,
            detail: "the path has an encoded slash or a backslash";

        /// The path has a `;` parameter.
        PathParameter = "request_path_parameter", BAD_REQUEST, Absent,
            detail: "the path has a parameter";

        /// The path has a `#`.
        Fragment = "request_fragment", BAD_REQUEST, Absent,
            detail: "the path has a fragment";

        /// The path has a control character or a space, plain or encoded.
        ControlCharacter = "request_control_character", BAD_REQUEST, Absent,
            detail: "the path has a control character or a space";

        /// The path has a raw byte over 0x7F.
        NonAscii = "request_non_ascii", BAD_REQUEST, Absent,
            detail: "the path has a byte that is not ASCII";

        /// The path has a percent sign without two hex digits.
        BrokenEscape = "request_broken_escape", BAD_REQUEST, Absent,
            detail: "the path has a broken percent-escape";

        /// The path has escapes that decoders read differently: escaped twice, or not UTF-8.
        AmbiguousEscape = "request_ambiguous_escape", BAD_REQUEST, Absent,
            detail: "the path has an escape that can be read in two ways";

        /// Folding the case of the path, or decoding an escape that it could do without, would bring it to another pattern.
        CaseAmbiguous = "request_case_ambiguous", BAD_REQUEST, Absent,
            detail: "the case of the path or one of its escapes is ambiguous";

        /// A lax backend could take the path for one that needs more: see `policy::readings`.
        LaxReading = "request_lax_reading", BAD_REQUEST, Absent,
            detail: "the path can be read in two ways";

        /// The host is not one valid name or IP literal.
        Host = "request_host", BAD_REQUEST, Absent,
            detail: "the host is not one valid name, or its port or trailing dot makes a difference";

        /// The method is not a token (RFC 9110 section 9.1) or too long, or the query asks for another one.
        Method = "request_method", BAD_REQUEST, Absent,
            detail: "the method is not a valid name, or the query names another one";

        /// The method is CONNECT, and no rule names it.
        Connect = "request_connect", BAD_REQUEST, Absent,
            detail: "no rule opens CONNECT";
    }
}
