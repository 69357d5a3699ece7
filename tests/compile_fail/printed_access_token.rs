use portcullis_engine::oauth::access_token::AccessToken;

fn main() {
    let token = AccessToken::parse(b"a.b.c").unwrap();
    println!("{token}");
}
