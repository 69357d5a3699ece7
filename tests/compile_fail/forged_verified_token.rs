use portcullis_engine::jwt::verified_token::VerifiedToken;

fn main() {
    let _ = VerifiedToken { subject: None };
}
