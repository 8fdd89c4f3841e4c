//! Suricata: a rule for each value, or few rules over data sets for lists of any length.
//!
//! Rules need Suricata 7 or newer, for `to_lowercase`: resolvers send names in any case.

mod rules;
mod sets;

pub(super) use rules::Rules;
pub(super) use sets::{Digests, Names, Reputation, categories, set_rules};

use super::Row;

/// Text for `msg`: what could end the option, or needs an escape there, is `_`.
fn message(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || " .,-_/+()[]=?&@%".contains(c);
    text.chars().take(160).map(|c| if plain(c) { c } else { '_' }).collect()
}

/// A pattern for `content`: every byte that means something there stands in hexadecimal.
fn content(bytes: &str) -> String {
    use std::fmt::Write as _;
    let mut pattern = String::new();
    for byte in bytes.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'/' | b'-' | b'_' => pattern.push(byte.into()),
            _ => {
                let _ = write!(pattern, "|{byte:02x}|");
            }
        }
    }
    pattern
}

/// What an alert should carry along, as `metadata`.
fn metadata(row: &Row<'_>) -> String {
    let mut pairs: Vec<_> = row.members.split(' ').map(|member| format!("member {member}")).collect();
    pairs.push(format!("tlp {}", row.tlp.word()));
    pairs.extend(row.confidence.map(|confidence| format!("confidence {confidence}")));
    pairs.push(format!("stix_id {}", row.object_id));
    pairs.join(", ")
}
