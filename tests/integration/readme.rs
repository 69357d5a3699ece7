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

/// The lines of the first block of shell under a heading, continued ones joined.
pub(crate) fn shell(heading: &str) -> Vec<String> {
    let (_, block) = section(heading).split_once("```sh\n").unwrap_or_else(|| panic!("{heading} has no shell"));
    let lines = block.split_once("```").unwrap().0.replace("\\\n", " ");
    lines.lines().filter(|line| !line.trim().is_empty()).map(str::to_owned).collect()
}

/// The subheadings under a heading.
pub(crate) fn subheadings(heading: &str) -> Vec<&'static str> {
    let prefix = format!("{}# ", heading.split(' ').next().unwrap());
    section(heading).lines().filter_map(|line| line.strip_prefix(&prefix)).collect()
}

/// The commands of "A policy you can trust" as they are printed, in a directory with the files that they name.
#[tokio::test]
async fn commands_about_policies_run_as_printed() {
    let dir = tempfile::tempdir().unwrap();
    let put = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).unwrap();
    put("portcullis.yaml", yaml("## Five minutes to Envoy"));
    put("portcullis.yaml.new", yaml("## Five minutes to Envoy"));
    put("policy_test.yaml", yaml("### Testing a policy"));
    put("token.jwt", "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJodHRwczovL2Vsc2V3aGVyZS5leGFtcGxlLyJ9.c2ln");
    let http = r#"{"method": "GET", "host": "api.example.com", "path": "/api/public", "headers": {}}"#;
    put("captured.json", &format!(r#"{{"attributes": {{"request": {{"http": {http}}}}}}}"#));
    let program = std::path::Path::new(env!("CARGO_BIN_EXE_portcullis")).parent().unwrap();
    for (heading, codes) in [
        ("### Checking it", &[0, 0, 0, 0][..]),
        // A token of somebody else, a claim that is a letter short, and a public path.
        ("### Why was this request denied?", &[1, 1, 0]),
        ("### Testing a policy", &[0, 0]),
        ("### Changing the policy while it runs", &[0]),
    ] {
        let lines = shell(heading);
        assert_eq!(lines.len(), codes.len(), "{heading}: {lines:?}");
        for (line, code) in lines.iter().zip(codes) {
            let mut command = tokio::process::Command::new("sh");
            let line = format!("PATH=\"{}:$PATH\"; {line}", program.display());
            let output = command.args(["-c", &line]).current_dir(dir.path()).output().await.unwrap();
            let said = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap()).join("");
            assert_eq!(output.status.code(), Some(*code), "{line}\n{said}");
        }
    }
    let junit = std::fs::read_to_string(dir.path().join("out.xml")).unwrap();
    assert!(junit.starts_with("<?xml") && junit.contains("messages need read:messages"), "{junit}");
}

#[test]
fn every_reason_is_in_the_table_of_answers() {
    let answers = section("## Answers");
    for reason in portcullis_engine::reason::DenyReason::all() {
        assert!(answers.contains(&format!("`{}`", reason.code())), "{}", reason.code());
    }
}
