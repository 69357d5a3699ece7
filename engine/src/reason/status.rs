//! HTTP statuses of denials, each with its gRPC code and its title.

/// An HTTP status of a denial, with its gRPC code.
///
/// SECURITY: the constants below are the only values, so that no status of a denial can mean an allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status {
    http: u16,
    grpc: u8,
    title: &'static str,
}

impl Status {
    /// The request is malformed: 400 with `INVALID_ARGUMENT`.
    pub const BAD_REQUEST: Self = Self { http: 400, grpc: 3, title: "Bad Request" };
    /// The request has no good token: 401 with `UNAUTHENTICATED`.
    pub const UNAUTHORIZED: Self = Self { http: 401, grpc: 16, title: "Unauthorized" };
    /// The policy refuses the request: 403 with `PERMISSION_DENIED`.
    pub const FORBIDDEN: Self = Self { http: 403, grpc: 7, title: "Forbidden" };
    /// The service has a bug: 500 with `INTERNAL`.
    pub const INTERNAL_SERVER_ERROR: Self = Self { http: 500, grpc: 13, title: "Internal Server Error" };
    /// The service or an issuer can't answer now: 503 with `UNAVAILABLE`.
    pub const SERVICE_UNAVAILABLE: Self = Self { http: 503, grpc: 14, title: "Service Unavailable" };

    /// The HTTP status code: 400 or above.
    #[must_use]
    pub const fn http(self) -> u16 {
        self.http
    }

    /// The `google.rpc.Code`. Never 0, which Envoy reads as an allow.
    #[must_use]
    pub const fn grpc(self) -> u8 {
        self.grpc
    }

    /// The title of the problem (RFC 9457), which is the HTTP status in words.
    #[must_use]
    pub const fn title(self) -> &'static str {
        self.title
    }
}
