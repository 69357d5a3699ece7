use portcullis::oauth::access_token::AccessToken;

fn main() {
    let _ = AccessToken::parse(b"a.b.c").unwrap();
}
