//! Forgetting a check does not compile.

#[test]
fn proofs_cannot_be_forged_and_tokens_cannot_be_printed() {
    let tests = trybuild::TestCases::new();
    tests.compile_fail("tests/compile_fail/*.rs");
}
