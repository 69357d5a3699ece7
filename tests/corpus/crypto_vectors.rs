//! Project Wycheproof's vectors, through the keys as issuers publish them: good signatures verify, and crafted ones never do.

use portcullis_engine::keys::{algorithm::Algorithm, key::VerificationKey, key_set::KeySet, secret::Secret};
use wycheproof::{TestResult, ecdsa, eddsa, mac, rsa_pkcs1_verify as pkcs1, rsa_pss_verify as pss};

/// The key of a PEM file, for that algorithm alone.
fn keys(pem: &str, algorithm: Algorithm) -> KeySet {
    let set = KeySet::from_public_key(pem.as_bytes(), &[algorithm]);
    set.unwrap_or_else(|error| panic!("{algorithm:?}: {error}: {pem}"))
}

/// Counts good signatures, and compares each verdict with the expected one. Some encodings are left to the library, and both
/// verdicts are right.
struct Judge {
    algorithm: Algorithm,
    good: usize,
    bad: usize,
}

impl Judge {
    fn new(algorithm: Algorithm) -> Self {
        Self { algorithm, good: 0, bad: 0 }
    }

    fn judge(&mut self, key: &VerificationKey, (message, signature): (&[u8], &[u8]), expected: TestResult, what: &str) {
        let verifies = key.verify(self.algorithm, message, signature);
        match expected {
            TestResult::Valid => assert!(verifies, "{:?} {what}", self.algorithm),
            TestResult::Invalid => assert!(!verifies, "{:?} {what}", self.algorithm),
            TestResult::Acceptable => {}
        }
        self.good += usize::from(verifies);
        self.bad += usize::from(!verifies);
    }

    /// Both kinds were there, so that neither a key that takes everything nor one that takes nothing passes.
    fn end(&self) {
        assert!(self.good > 0 && self.bad > 0, "{:?}: {} good, {} bad", self.algorithm, self.good, self.bad);
    }
}

#[test]
fn ecdsa_signatures() {
    use ecdsa::TestName as T;
    for (name, algorithm) in [
        (T::EcdsaSecp256r1Sha256P1363, Algorithm::ES256),
        (T::EcdsaSecp384r1Sha384P1363, Algorithm::ES384),
        (T::EcdsaSecp521r1Sha512P1363, Algorithm::ES512),
    ] {
        let mut judge = Judge::new(algorithm);
        for group in ecdsa::TestSet::load(name).unwrap().test_groups {
            let set = keys(&group.pem, algorithm);
            for test in group.tests {
                judge.judge(
                    &set.keys()[0],
                    (&test.msg, &test.sig),
                    test.result,
                    &format!("{} {}", test.tc_id, test.comment),
                );
            }
        }
        judge.end();
    }
    // JWS has its own form of signatures (RFC 7518 section 3.4): not one in DER is taken.
    for group in ecdsa::TestSet::load(T::EcdsaSecp256r1Sha256).unwrap().test_groups {
        let set = keys(&group.pem, Algorithm::ES256);
        for test in group.tests {
            assert!(!set.keys()[0].verify(Algorithm::ES256, &test.msg, &test.sig), "{} {}", test.tc_id, test.comment);
        }
    }
}

#[test]
fn ed25519_signatures() {
    let mut judge = Judge::new(Algorithm::EdDSA);
    for group in eddsa::TestSet::load(eddsa::TestName::Ed25519).unwrap().test_groups {
        let set = keys(&group.pem, Algorithm::EdDSA);
        for test in group.tests {
            judge.judge(
                &set.keys()[0],
                (&test.msg, &test.sig),
                test.result,
                &format!("{} {}", test.tc_id, test.comment),
            );
        }
    }
    judge.end();
}

#[test]
fn rsa_pkcs1_signatures() {
    use pkcs1::TestName as T;
    for (name, algorithm) in [
        (T::Rsa2048Sha256, Algorithm::RS256),
        (T::Rsa3072Sha256, Algorithm::RS256),
        (T::Rsa4096Sha256, Algorithm::RS256),
        (T::Rsa8192Sha256, Algorithm::RS256),
        (T::Rsa2048Sha384, Algorithm::RS384),
        (T::Rsa3072Sha384, Algorithm::RS384),
        (T::Rsa2048Sha512, Algorithm::RS512),
        (T::Rsa4096Sha512, Algorithm::RS512),
    ] {
        let mut judge = Judge::new(algorithm);
        for group in pkcs1::TestSet::load(name).unwrap().test_groups {
            let set = keys(&group.pem, algorithm);
            for test in group.tests {
                judge.judge(
                    &set.keys()[0],
                    (&test.msg, &test.sig),
                    test.result,
                    &format!("{} {}", test.tc_id, test.comment),
                );
            }
        }
        judge.end();
    }
}

#[test]
fn rsa_pss_signatures() {
    use pss::TestName as T;
    for (name, algorithm) in [
        (T::RsaPss2048Sha256Mgf1SaltLen32, Algorithm::PS256),
        (T::RsaPss3072Sha256Mgf1SaltLen32, Algorithm::PS256),
        (T::RsaPss4096Sha256Mgf1SaltLen32, Algorithm::PS256),
        (T::RsaPss2048Sha384Mgf1SaltLen48, Algorithm::PS384),
        (T::RsaPss4096Sha384Mgf1SaltLen48, Algorithm::PS384),
        (T::RsaPss4096Sha512Mgf1SaltLen64, Algorithm::PS512),
    ] {
        let mut judge = Judge::new(algorithm);
        for group in pss::TestSet::load(name).unwrap().test_groups {
            let set = keys(&group.pem, algorithm);
            for test in group.tests {
                judge.judge(
                    &set.keys()[0],
                    (&test.msg, &test.sig),
                    test.result,
                    &format!("{} {}", test.tc_id, test.comment),
                );
            }
        }
        judge.end();
    }
    // RFC 7518 section 3.5: the salt is as long as the hash, and MGF1 uses the same hash.
    for (name, algorithm) in [
        (T::RsaPss2048Sha256Mgf1SaltLen0, Algorithm::PS256),
        (T::RsaPss2048Sha256Mgf1Sha1_20, Algorithm::PS256),
        (T::RsaPss4096Sha512Mgf1SaltLen32, Algorithm::PS512),
    ] {
        for group in pss::TestSet::load(name).unwrap().test_groups {
            let set = keys(&group.pem, algorithm);
            for test in group.tests {
                // What is good by that set's own salt or hash; a few of the others have the right ones.
                let verifies = set.keys()[0].verify(algorithm, &test.msg, &test.sig);
                let is_good = test.result == TestResult::Valid;
                assert!(!(verifies && is_good), "{algorithm:?} {} {}", test.tc_id, test.comment);
            }
        }
    }
}

#[test]
fn hmacs() {
    for (name, algorithm, bytes) in [
        (mac::TestName::HmacSha256, Algorithm::HS256, 32),
        (mac::TestName::HmacSha384, Algorithm::HS384, 48),
        (mac::TestName::HmacSha512, Algorithm::HS512, 64),
    ] {
        let mut judge = Judge::new(algorithm);
        for group in mac::TestSet::load(name).unwrap().test_groups {
            for test in group.tests {
                let key = VerificationKey::from_secret(&Secret::new(test.key.to_vec()), &[algorithm]);
                // JWS knows no truncated ones (RFC 7518 section 3.2).
                let expected = if test.tag.len() == bytes { test.result } else { TestResult::Invalid };
                judge.judge(&key, (&test.msg, &test.tag), expected, &format!("{} {}", test.tc_id, test.comment));
            }
        }
        judge.end();
    }
}
