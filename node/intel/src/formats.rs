//! The lists that SOC tools read: each format says exactly what its tool understands, whatever a hostile value holds.
//!
//! A [`Writer`] takes rows one by one and appends to a text, so that a list of millions needs no memory of its own.
//! A row that a format can't say rightly is left out and counted, never bent: half a line in somebody's firewall is worse
//! than none. What may be listed at all is decided before a row comes here.

mod csv;
mod feed;
pub mod misp;
mod plain;
mod rpz;
mod shape;
mod stix;
mod suricata;
mod zeek;

use crate::display::safe;
use crate::tlp::Tlp;

pub use csv::csv_line;
pub use feed::{Feed, Source, UnknownFeed};
pub use stix::{Bundle, bundle_id};

/// The longest value, in bytes, that stands in a list; no tool looks at longer ones.
pub const MAX_VALUE: usize = 2_048;
/// The most characters of a description or a label.
const MAX_TEXT: usize = 256;

/// One value, and what those who read lists want to know of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row<'a> {
    /// What the value is: a kind as in [`crate::Observable`].
    pub kind: &'a str,
    /// In its normal form.
    pub value: &'a str,
    /// The members that report it: codes in ascending order, with a space between them.
    pub members: &'a str,
    /// The highest confidence that one of them gives, 0 to 100.
    pub confidence: Option<u8>,
    /// The labels of the objects that report it.
    pub labels: &'a [String],
    /// One of those objects: the newest.
    pub object_id: &'a str,
    /// The strictest marking of the objects that report it.
    pub tlp: Tlp,
    /// When it was first seen, milliseconds since 1970 UTC.
    pub first_seen_ms: u64,
    /// When the newest report of it arrived, milliseconds since 1970 UTC.
    pub changed_ms: u64,
    /// When the last report ends, milliseconds since 1970 UTC.
    pub valid_until_ms: Option<u64>,
    /// What its publisher calls it.
    pub name: Option<&'a str>,
}

/// What a list says of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Head<'a> {
    /// The mesh's name.
    pub mesh: &'a str,
    /// Whether all of it is an exercise.
    pub exercise: bool,
    /// Since when the node hears from no other member, milliseconds since 1970 UTC: the list is the last good one.
    pub cut_off_since_ms: Option<u64>,
    /// A number that grows whenever the list changes.
    pub serial: u32,
}

/// A list in the making.
pub trait Writer: Send {
    /// Appends what stands before the first row.
    fn begin(&mut self, head: &Head<'_>, out: &mut String);

    /// Appends a row; `false`, and nothing, if the format can't say it.
    fn row(&mut self, row: &Row<'_>, out: &mut String) -> bool;

    /// Appends what stands behind the last row.
    fn end(&mut self, out: &mut String) {
        let _ = out;
    }
}

impl Head<'_> {
    /// Who raises an alert, for formats whose values turn up in alerts: whoever reads those never sees the list.
    fn raises(&self) -> &'static str {
        if self.exercise { "EXERCISE, certmesh" } else { "certmesh" }
    }

    /// That nothing in the list is real, if so.
    fn exercise_warning(&self) -> Option<String> {
        self.exercise.then(|| format!("EXERCISE: this is no live data of {}", safe(self.mesh, MAX_TEXT)))
    }

    /// What a reader of the list has to know, a line each; usually nothing.
    fn warnings(&self) -> impl Iterator<Item = String> {
        let cut_off = self.cut_off_since_ms.map(|since| {
            format!("the node is cut off from the mesh: what other members say is as of {}", rfc3339(since))
        });
        self.exercise_warning().into_iter().chain(cut_off)
    }

    /// The warnings as lines that begin with `mark`.
    fn comment(&self, mark: &str, out: &mut String) {
        for warning in self.warnings() {
            out.extend([mark, " ", &warning, "\n"]);
        }
    }
}

impl Row<'_> {
    /// What it is called and labelled, who says so and how far it may go, on one line that is safe to show.
    fn description(&self) -> String {
        let mut words: Vec<String> = Vec::new();
        words.extend(self.name.filter(|name| !name.contains(self.value)).map(|name| safe(name, MAX_TEXT)));
        words.extend(self.labels.iter().map(|label| safe(label, MAX_TEXT)));
        words.push(format!("TLP:{}", self.tlp.word().to_ascii_uppercase()));
        words.extend(self.confidence.map(|confidence| format!("confidence {confidence}")));
        safe(&words.join(", "), 2 * MAX_TEXT)
    }
}

/// Whether a value is text that stands on one line and does nothing to a terminal; anything else is in no list.
fn is_sayable(value: &str) -> bool {
    !value.is_empty() && value.len() <= MAX_VALUE && safe(value, MAX_VALUE) == value
}

/// A time to the second; the epoch, if it is beyond the calendar.
fn rfc3339(ms: u64) -> String {
    let seconds = i64::try_from(ms / 1_000).unwrap_or_default();
    jiff::Timestamp::from_second(seconds).unwrap_or_default().to_string()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
