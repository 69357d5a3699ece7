use portcullis_engine::policy::rule::{Permit, RuleId};

fn main() {
    let _ = Permit { rule: RuleId::new("r"), token: None };
}
