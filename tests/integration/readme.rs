//! What the README says, for tests that hold it to that.

const README: &str = include_str!("../../README.md");

/// The text under a heading (`## Providers`), up to the next one of its level or above.
pub(crate) fn section(heading: &str) -> &'static str {
    let level = heading.split(' ').next().unwrap().len();
    let begin = README.find(&format!("\n{heading}\n")).unwrap_or_else(|| panic!("the README has no {heading}"));
    let text = README.get(begin + heading.len() + 2..).unwrap();
    let mut at = 0;
    let mut in_code = false;
    for line in text.split_inclusive('\n') {
        in_code ^= line.starts_with("```");
        let hashes = line.chars().take_while(|c| *c == '#').count();
        if !in_code && hashes > 0 && hashes <= level {
            break;
        }
        at += line.len();
    }
    text.get(..at).unwrap()
}

/// The first block of YAML under a heading.
pub(crate) fn yaml(heading: &str) -> &'static str {
    let text = section(heading);
    let (_, block) = text.split_once("```yaml\n").unwrap_or_else(|| panic!("{heading} has no YAML"));
    block.split_once("```").unwrap().0
}

/// The subheadings under a heading.
pub(crate) fn subheadings(heading: &str) -> Vec<&'static str> {
    let prefix = format!("{}# ", heading.split(' ').next().unwrap());
    section(heading).lines().filter_map(|line| line.strip_prefix(&prefix)).collect()
}
