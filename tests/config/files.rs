//! Files that can't be had, and secrets.

use std::{fs, path::Path};

use portcullis::{
    config::{self, error::Severity, lint::Lint},
    keystore::source::KeySource,
    limits,
};
use tempfile::TempDir;

use crate::{env, problems};

fn message(path: &Path) -> String {
    let errors = config::load(Some(path), &env(&[])).unwrap_err();
    let said = problems(&errors, Severity::Error);
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(errors.problems().all(|problem| problem.help_text().is_some()));
    said[0].clone()
}

#[test]
fn a_file_that_cannot_be_read_is_said_with_its_reason() {
    let dir = TempDir::new().unwrap();
    assert!(message(&dir.path().join("none.yaml")).ends_with("can't be read: there is no such file"));
    assert!(message(dir.path()).ends_with("can't be read: it is a directory, not a regular file"));
    let file = dir.path().join("p.yaml");
    fs::write(&file, b"routes:\n  - path: /caf\xe9\n").unwrap();
    assert!(message(&file).ends_with("is not UTF-8 text in line 2"), "{}", message(&file));
    fs::write(&file, b"\x1f\x8b\x08\x00routes").unwrap();
    assert!(message(&file).ends_with("is compressed"), "{}", message(&file));
}

#[test]
fn a_file_beyond_the_limit_is_refused_before_it_is_parsed() {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("p.yaml");
    let valid = "routes: [{ path: /a, access: public }]\n#";
    fs::write(&file, format!("{valid}{}", "x".repeat(limits::CONFIG_BYTES - valid.len()))).unwrap();
    assert!(config::load(Some(&file), &env(&[])).is_ok());
    fs::write(&file, format!("{valid}{}", "x".repeat(limits::CONFIG_BYTES - valid.len() + 1))).unwrap();
    assert!(message(&file).ends_with("has more than 8 MiB"));
    fs::write(&file, "[".repeat(10 << 20)).unwrap();
    assert!(message(&file).ends_with("has more than 8 MiB"));
}

/// What a configuration with that secret file gives: the secret, or the one problem as it is printed.
fn secret(contents: &[u8], algorithms: &str) -> Result<Vec<u8>, String> {
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("secret"), contents).unwrap();
    let file = dir.path().join("p.yaml");
    let issuer = format!("issuer: i, audiences: [a], secret_file: secret, algorithms: [{algorithms}]");
    fs::write(&file, format!("issuers: [{{ {issuer} }}]\nroutes: [{{ path: /a, access: authenticated }}]")).unwrap();
    let loaded = config::load(Some(&file), &env(&[])).map_err(|errors| errors.render(false, 200))?;
    assert!(!format!("{loaded:?}").contains("sesame"), "a secret must not be in debug output");
    match &loaded.config.issuers[0].source {
        KeySource::Secret(secret) => Ok(secret.expose().to_vec()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn one_line_break_is_stripped_from_a_secret_and_nothing_else() {
    let text = b"open sesame open sesame open ses";
    assert_eq!(text.len(), 32);
    for end in ["", "\n", "\r\n"] {
        assert_eq!(secret(&[text, end.as_bytes()].concat(), "HS256").unwrap(), text, "{end:?}");
    }
    for end in ["\n\n", " ", "\r", " \n"] {
        let stripped = end.strip_suffix('\n').unwrap_or(end);
        let expected = [text, stripped.as_bytes()].concat();
        assert_eq!(secret(&[text, end.as_bytes()].concat(), "HS256").unwrap(), expected, "{end:?}");
    }
}

#[test]
fn a_secret_of_the_wrong_size_is_refused_without_being_shown() {
    for (length, algorithms, expected) in [
        (31, "HS256", "has fewer than 32 bytes"),
        (0, "HS256", "has fewer than 32 bytes"),
        (4097, "HS256", "has more than 4096 bytes"),
        (1 << 20, "HS256", "has more than 4096 bytes"),
        (47, "HS256, HS384", "too short for HS384, which needs 48 bytes"),
        (63, "HS512", "too short for HS512, which needs 64 bytes"),
    ] {
        let contents: Vec<u8> = b"sesame".iter().copied().cycle().take(length).collect();
        let error = secret(&contents, algorithms).unwrap_err();
        assert!(error.contains(expected) && !error.contains("sesame"), "{error}");
    }
    for (length, algorithms) in [(32, "HS256"), (4096, "HS256"), (48, "HS384"), (64, "HS512")] {
        assert_eq!(secret(&vec![b'x'; length], algorithms).unwrap().len(), length);
    }
}

/// The PEM, JWK and key set of public keys: known to everybody, and HMAC takes any bytes.
#[test]
fn a_public_key_is_no_secret_wherever_it_comes_from() {
    let pem = fs::read_to_string("tests/fixtures/config/valid/key.pem").unwrap();
    let set = fs::read_to_string("tests/fixtures/config/valid/keys.json").unwrap();
    let body: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
    let jwk =
        r#"{"kty":"oct","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"}"#;
    let text = "issuers: [{ issuer: i, audiences: [a], secret_env: PARTNER }]\ndefault: authenticated";
    for (contents, kind) in [
        (pem.as_str(), "a PEM file"),
        (pem.trim_end(), "a PEM file"),
        (&pem.replace('\n', "\\n"), "a PEM file"),
        (body.as_str(), "a key or certificate in DER"),
        (set.as_str(), "a JSON Web Key Set"),
        (jwk, "a JSON Web Key"),
        ("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGPcsQ+ws3gm8KtD8p+C you@here", "an SSH public key"),
    ] {
        let error = secret(contents.as_bytes(), "HS256").unwrap_err();
        assert!(error.contains(&format!("is {kind}, and no shared secret")), "{error}");
        let errors = config::parse(text, "p.yaml", &env(&[("PARTNER", contents)])).unwrap_err();
        let said = problems(&errors, Severity::Error);
        assert!(
            said.len() == 1 && said[0].ends_with(&format!("`PARTNER` is {kind}, and no shared secret")),
            "{said:?}"
        );
        assert!(!errors.render(false, 500).contains(contents.get(..20).unwrap()), "never repeated");
    }
}

#[test]
fn secrets_that_can_be_guessed_are_warned_of_and_never_shown() {
    let text = "issuers: [{ issuer: i, audiences: [a], secret_env: PARTNER }]\ndefault: authenticated";
    for (value, why) in [
        ("sesame sesame sesame sesame sesame sesame ", "one pattern"),
        ("abcdefgabdcegfagcbdfeabfgcdeagdcbfe", "fewer than 8 different bytes"),
        ("0123456789abcdefghijklmnopqrstuvwxyz", "a sequence"),
        ("please-change-me-before-you-go-live", "a placeholder"),
        ("${PARTNER_SECRET_THAT_IS_NOT_EXPANDED}", "a placeholder"),
    ] {
        let loaded = config::parse(text, "p.yaml", &env(&[("PARTNER", value)])).unwrap();
        let warnings: Vec<_> = loaded.warnings.problems().collect();
        assert_eq!(warnings.len(), 1, "{value}");
        assert_eq!(warnings[0].kind(), Some(Lint::WeakSecret), "{value}");
        assert!(warnings[0].message().contains(why), "{value}: {}", warnings[0].message());
        assert!(!loaded.warnings.render(false, 500).contains(value), "never repeated");
    }
    let good = "q7Zt0v+3Lw9Kx1nB8yHdGm2cRfUeJ5sA4oPi6TaVbXE=";
    let loaded = config::parse(text, "p.yaml", &env(&[("PARTNER", good)])).unwrap();
    assert_eq!(loaded.warnings.problems().count(), 0);
}

#[test]
fn files_of_keys_that_everybody_may_write_are_warned_of() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = TempDir::new().unwrap();
    let put = |name: &str, text: &[u8], mode: u32| {
        fs::write(dir.path().join(name), text).unwrap();
        fs::set_permissions(dir.path().join(name), fs::Permissions::from_mode(mode)).unwrap();
    };
    let warned = |fields: &str| {
        let file = dir.path().join("p.yaml");
        fs::write(
            &file,
            format!("issuers: [{{ issuer: 'https://i.example/', audiences: [a], {fields} }}]\ndefault: authenticated"),
        )
        .unwrap();
        let loaded = config::load(Some(&file), &env(&[])).unwrap();
        loaded.warnings.problems().filter(|problem| problem.kind() == Some(Lint::WritableKeyFile)).count()
    };
    let read = |name: &str| fs::read(format!("tests/fixtures/config/valid/{name}")).unwrap();
    for (name, text, fields) in [
        ("secret", b"q7Zt0v+3Lw9Kx1nB8yHdGm2cRfUeJ5sA4oPi6TaVbXE=".to_vec(), "secret_file: secret"),
        ("keys.json", read("keys.json"), "jwks_file: keys.json"),
        ("key.pem", read("key.pem"), "public_key_file: key.pem"),
        ("ca.pem", read("ca.pem"), "ca_file: ca.pem"),
    ] {
        for (mode, count) in [(0o600, 0), (0o644, 0), (0o664, 0), (0o646, 1), (0o666, 1)] {
            put(name, &text, mode);
            assert_eq!(warned(fields), count, "{name} {mode:o}");
        }
        put(name, &text, 0o644);
        for (mode, count) in [(0o777, 1), (0o1777, 0), (0o755, 0)] {
            fs::set_permissions(dir.path(), fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(warned(fields), count, "{name} in a directory of mode {mode:o}");
        }
    }
}

#[test]
fn a_secret_in_place_of_its_files_name_is_not_shown() {
    let text = |file: &str| {
        format!("issuers: [{{ issuer: i, audiences: [a], secret_file: {file}, x: 1 }}]\ndefault: authenticated")
    };
    for (value, reason) in [("hunter2", "there is no such file"), ("/", "it is a directory, not a regular file")] {
        let errors = config::parse(&text(value), "etc/portcullis.yaml", &env(&[])).unwrap_err();
        let said = problems(&errors, Severity::Error);
        assert_eq!(said[0], format!("1:53 the file that `secret_file` names can't be read: {reason}"));
        assert!(!errors.render(false, 100).contains("hunter2"));
    }
    let name = "PORTCULLIS_ISSUERS__0__SECRET_FILE";
    let errors = config::parse(&text("x"), "portcullis.yaml", &env(&[(name, "hunter2")])).unwrap_err();
    let rendered = errors.render(false, 100);
    assert!(rendered.contains(&format!("the file that `{name}` names")) && !rendered.contains("hunter2"), "{rendered}");
}

#[test]
fn a_secret_of_a_variable_is_sized_and_never_shown() {
    let text =
        "issuers: [{ issuer: i, audiences: [a], secret_env: PARTNER, algorithms: [HS512] }]\ndefault: authenticated";
    for (value, expected) in
        [("hunter2", "has fewer than 32 bytes"), (&*"hunter2".repeat(9), "too short for HS512, which needs 64 bytes")]
    {
        let errors = config::parse(text, "p.yaml", &env(&[("PARTNER", value)])).unwrap_err();
        let rendered = errors.render(false, 200);
        assert!(rendered.contains(expected) && !rendered.contains("hunter2"), "{rendered}");
    }
    let loaded = config::parse(text, "p.yaml", &env(&[("PARTNER", &"hunter2 ".repeat(8))])).unwrap();
    assert!(!format!("{loaded:?}").contains("hunter2"));
    let aging = text.replace("secret_env", "max_stale: 1h, secret_env");
    let errors = config::parse(&aging, "p.yaml", &env(&[("PARTNER", &"hunter2 ".repeat(8))])).unwrap_err();
    assert_eq!(problems(&errors, Severity::Error), ["1:40 `max_stale` has no meaning for a shared secret"]);
    let named = text.replace("PARTNER", "hunter2-is-my-secret");
    let rendered = config::parse(&named, "p.yaml", &env(&[])).unwrap_err().render(false, 200);
    assert!(!rendered.contains("hunter2"), "{rendered}");
}

#[test]
fn certificates_must_be_readable_pem() {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("p.yaml");
    fs::write(
        &file,
        "issuers: [{ issuer: 'https://i.example/', audiences: [a], ca_file: ca.pem }]\ndefault: authenticated",
    )
    .unwrap();
    let good = fs::read("tests/fixtures/config/valid/ca.pem").unwrap();
    let with = |bytes: &[u8]| {
        fs::write(dir.path().join("ca.pem"), bytes).unwrap();
        config::load(Some(&file), &env(&[])).map(|_| ()).map_err(|errors| problems(&errors, Severity::Error)[0].clone())
    };
    assert_eq!(with(&good), Ok(()));
    let broken = [good.as_slice(), b"-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n"].concat();
    for bytes in [&b""[..], b"no certificate", b"-----BEGIN CERTIFICATE-----\nAAAA", &broken] {
        let error = with(bytes).unwrap_err();
        assert!(error.ends_with("there is no readable PEM certificate in it"), "{error}");
    }
    assert!(with(&vec![b'\n'; limits::CA_FILE_BYTES + 1]).is_err());
    fs::remove_file(dir.path().join("ca.pem")).unwrap();
    fs::create_dir(dir.path().join("ca.pem")).unwrap();
    assert!(config::load(Some(&file), &env(&[])).is_err());
}

#[test]
fn no_secret_is_printed_with_a_problem() {
    for line in [
        "jwks_uri: https://user:hunter2@keys.example/jwks",
        "jwks_uri: https://user:x/hunter2@keys.example/jwks",
        "jwks_uri: user:hunter2@keys.example",
        "discovery_url: https://user:hunter2@keys.example/jwks",
        "issuer: https://user:hunter2@keys.example/",
        "issuer: user:hunter2@keys.example",
        "proxy: user:hunter2@proxy.example",
        "proxy: http://user:hunter2@proxy.example/path",
        "secret: hunter2",
        "client_secret: |\n      hunter2",
        "strict: https://user:hunter2@keys.example/",
    ] {
        for neighbour in ["", "\n    wrong: 1", "\n    {"] {
            let text = format!("issuers:\n  - audiences: [a]\n    {line}{neighbour}\nroutes: []");
            let errors = config::parse(&text, "p.yaml", &env(&[])).unwrap_err();
            let rendered = errors.render(false, 100);
            assert!(!rendered.contains("hunter2"), "{rendered}");
            assert!(!format!("{errors:?}").contains("hunter2"), "{errors:?}");
        }
    }
}
