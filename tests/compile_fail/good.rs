use portcullis_engine::oauth::access_token::AccessToken;

fn main() {
    let _ = AccessToken::parse(b"a.b.c").unwrap();
}
