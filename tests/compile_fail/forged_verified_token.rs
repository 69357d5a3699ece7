use portcullis::jwt::verifier::VerifiedToken;

fn main() {
    let _ = VerifiedToken { subject: None };
}
