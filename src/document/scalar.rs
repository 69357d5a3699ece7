//! Plain YAML scalars: what `7`, `true` and `text` are. YAML 1.2's core schema, less what readers of YAML disagree
//! on: only `true` and `false` are booleans, and numbers are decimal.

use serde_json::Number;

use super::tree::Value;

/// The value of a scalar without quotes.
pub(crate) fn resolve(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => Value::Bool(true),
        "false" | "False" | "FALSE" => Value::Bool(false),
        _ => number(text).map_or_else(|| Value::String(text.to_owned()), Value::Number),
    }
}

/// Whether other readers take an unquoted scalar for a boolean or a number where we take it for text.
pub(crate) fn is_disputed(text: &str) -> bool {
    const BOOLEANS: [&str; 6] = ["y", "n", "yes", "no", "on", "off"];
    let lower = text.to_ascii_lowercase();
    let digits = lower.trim_start_matches(['+', '-']);
    BOOLEANS.contains(&lower.as_str())
        || [".inf", ".nan"].contains(&digits)
        || (digits.starts_with(|c: char| c.is_ascii_digit() || c == '.')
            && digits.contains(|c: char| c.is_ascii_digit())
            && digits.bytes().all(|b| b.is_ascii_hexdigit() || b"xo_.+-:".contains(&b))
            && number(text).is_none())
}

fn number(text: &str) -> Option<Number> {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let whole = unsigned.split(['.', 'e', 'E']).next().unwrap_or_default();
    let has_leading_zero = whole.len() > 1 && whole.starts_with('0');
    if has_leading_zero || whole.is_empty() || !whole.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    // JSON's grammar is what is left: `1.5e3`, no `1.`, no `1_000`. Beyond 64 bits it is text, not a rounded number.
    let number: Number = serde_json::from_str(text).ok()?;
    let is_whole = whole.len() == unsigned.len();
    (!is_whole || number.is_i64() || number.is_u64()).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(text: &str) -> String {
        resolve(text).to_string()
    }

    #[test]
    fn booleans_and_nothing_are_those_of_yaml_1_2() {
        for text in ["", "~", "null"] {
            assert_eq!(kind(text), "nothing", "{text}");
        }
        assert_eq!(kind("true"), "a boolean");
        for text in ["yes", "no", "on", "off", "tRue", "y"] {
            assert_eq!(kind(text), "a string", "{text}");
        }
    }

    #[test]
    fn numbers_are_decimal_and_never_rounded() {
        for text in ["0", "7", "-7", "1.5", "1e3", "-0.5E-2", "18446744073709551615"] {
            assert_eq!(kind(text), "a number", "{text}");
        }
        for text in ["007", "0x10", "0o7", "1_000", "+1", "1.", ".5", "18446744073709551616", ".inf", "1e999", "--1"] {
            assert_eq!(kind(text), "a string", "{text}");
        }
    }

    #[test]
    fn what_readers_disagree_on_is_known() {
        for text in ["yes", "Off", "0x10", "007", "1_000", "+1", ".inf", "-.INF", "12:30", "1.", "1e999", "2026-01-01"]
        {
            assert!(is_disputed(text), "{text}");
        }
        for text in ["7", "1e3", "org_42", "admin", "v1", "e", ".", "", "127.0.0.1:http", "a1b2"] {
            assert!(!is_disputed(text), "{text}");
        }
    }
}
