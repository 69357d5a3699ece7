//! Texts that are JSON, or nearly: random bytes choose among words that mean something to the code under test.

use arbitrary::{Result, Unstructured};
use std::borrow::Cow;

/// Marks an input that chooses words; every other input is a text as it is.
pub const CHOICES: u8 = 0xFF;

/// The words of one kind of document.
pub struct Words {
    /// Names of members.
    pub names: &'static [&'static str],
    /// Values, as JSON.
    pub values: &'static [&'static str],
    /// Whole members, one or more, as JSON: what belongs together.
    pub members: &'static [&'static str],
}

/// The text that an input stands for.
pub fn read<'a>(input: &'a [u8], words: &Words) -> Cow<'a, [u8]> {
    match input.split_first() {
        Some((&CHOICES, choices)) => Cow::Owned(object(&mut Unstructured::new(choices), words)),
        _ => Cow::Borrowed(input),
    }
}

/// An object of these words.
pub fn object(choices: &mut Unstructured<'_>, words: &Words) -> Vec<u8> {
    let mut text = String::new();
    // It fails only for want of choices, and then what there is has to do.
    let _ = write_object(choices, words, 0, &mut text);
    text.into_bytes()
}

fn write_object(choices: &mut Unstructured<'_>, words: &Words, depth: usize, text: &mut String) -> Result<()> {
    text.push('{');
    let count = choices.int_in_range(0..=7)?;
    for at in 0..count {
        if at > 0 {
            text.push(',');
        }
        if !words.members.is_empty() && choices.ratio(1, 2)? {
            text.push_str(choices.choose(words.members)?);
        } else {
            write_string(choices, words, text)?;
            text.push(':');
            write_value(choices, words, depth, text)?;
        }
    }
    text.push('}');
    Ok(())
}

fn write_value(choices: &mut Unstructured<'_>, words: &Words, depth: usize, text: &mut String) -> Result<()> {
    match choices.int_in_range(0..=11)? {
        0..=6 => text.push_str(choices.choose(words.values)?),
        7 => write_string(choices, words, text)?,
        8 => text.push_str(&choices.arbitrary::<i64>()?.to_string()),
        9 => text.push_str(&choices.arbitrary::<f64>()?.to_string()),
        10 if depth < 20 => {
            text.push('[');
            for at in 0..choices.int_in_range(0..=4)? {
                if at > 0 {
                    text.push(',');
                }
                write_value(choices, words, depth + 1, text)?;
            }
            text.push(']');
        }
        _ if depth < 20 => write_object(choices, words, depth + 1, text)?,
        _ => text.push_str("null"),
    }
    Ok(())
}

/// One of the names, at times with a letter escaped: the same name to every parser, not to every comparison.
fn write_string(choices: &mut Unstructured<'_>, words: &Words, text: &mut String) -> Result<()> {
    let name = match choices.int_in_range(0..=9)? {
        0 => choices.arbitrary::<char>()?.to_string(),
        _ => (*choices.choose(words.names)?).to_owned(),
    };
    let escaped = if choices.ratio(1, 8)? { choices.choose_index(name.len().max(1))? } else { usize::MAX };
    text.push('"');
    for (at, letter) in name.chars().enumerate() {
        if at == escaped || letter < ' ' || matches!(letter, '"' | '\\') {
            let mut units = [0; 2];
            letter.encode_utf16(&mut units).iter().for_each(|unit| text.push_str(&format!("\\u{unit:04x}")));
        } else {
            text.push(letter);
        }
    }
    text.push('"');
    Ok(())
}
