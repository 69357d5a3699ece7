//! The record of who refused what, `record.tsv`, so that a change of it is seen and reviewed.

use std::{fs, path::Path};

use super::spelling::Spelling;

/// Compares the outcomes with the record.
pub(crate) fn compare(spellings: &[Spelling], columns: &[String], table: &[Vec<String>]) {
    let mut text = format!("sent\t{}\n", columns.join("\t"));
    for (spelling, row) in spellings.iter().zip(table) {
        let sent = [std::slice::from_ref(&spelling.send), &spelling.headers].concat().join(" | ");
        text.push_str(&format!("{sent}\t{}\n", row.join("\t")));
    }
    let record = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/envoy/paths/record.tsv");
    let actual = Path::new(env!("CARGO_TARGET_TMPDIR")).join("record.tsv");
    fs::write(&actual, &text).unwrap();
    let recorded = fs::read_to_string(&record).unwrap_or_default();
    let differing =
        || text.lines().filter(|line| !recorded.lines().any(|known| known == *line)).take(20).collect::<Vec<_>>();
    assert!(text == recorded, "not as in record.tsv: {:#?}\ncompare it with {}", differing(), actual.display());
}
