//! What happened in a run, by kind: the proof that its accidents really took place.

use std::collections::BTreeMap;
use std::fmt;

/// Counts by name, summed over runs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    counts: BTreeMap<&'static str, u64>,
    /// The largest that each of these has been.
    peaks: BTreeMap<&'static str, u64>,
}

impl Tally {
    /// One more of these.
    pub(crate) fn add(&mut self, what: &'static str) {
        self.add_many(what, 1);
    }

    /// So many more of these.
    pub(crate) fn add_many(&mut self, what: &'static str, count: u64) {
        *self.counts.entry(what).or_default() += count;
    }

    /// Remembers the largest.
    pub(crate) fn peak(&mut self, what: &'static str, value: u64) {
        let known = self.peaks.entry(what).or_default();
        *known = (*known).max(value);
    }

    /// How many of these there were.
    pub fn of(&self, what: &str) -> u64 {
        self.counts.get(what).copied().unwrap_or_default()
    }

    /// The counts of another run come to these.
    pub fn merge(&mut self, other: &Self) {
        for (what, count) in &other.counts {
            self.add_many(what, *count);
        }
        for (what, value) in &other.peaks {
            self.peak(what, *value);
        }
    }
}

/// A line for each of them.
impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (what, count) in &self.counts {
            writeln!(f, "{count:>12}  {what}")?;
        }
        for (what, value) in &self.peaks {
            writeln!(f, "{value:>12}  most {what}")?;
        }
        Ok(())
    }
}
