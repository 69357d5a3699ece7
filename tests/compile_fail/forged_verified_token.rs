use portcullis::jwt::verifier::VerifiedToken;

fn main() {
    let _ = VerifiedToken { issuer: "https://issuer.test/".into() };
}
