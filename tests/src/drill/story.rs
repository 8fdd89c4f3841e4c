//! The story of a drill, told as it happens.

use std::fmt;
use std::io::Write;
use std::time::{Duration, Instant};

/// Tells on stderr what happens, and when, counted from the beginning of the drill.
pub struct Story {
    begun: Instant,
}

impl Default for Story {
    fn default() -> Self {
        Self { begun: Instant::now() }
    }
}

impl Story {
    /// Tells a sentence.
    pub fn tell(&self, words: impl fmt::Display) {
        let elapsed = self.begun.elapsed().as_secs_f64();
        // Nobody is left to tell if stderr is closed.
        let _ = writeln!(std::io::stderr(), "{elapsed:7.1} s  {words}");
    }
}

/// A number of seconds, as a person would say it.
pub(super) fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

/// Some things and their number: `1 record`, `2 records`.
pub(super) fn count(number: impl fmt::Display, thing: &str) -> String {
    match number.to_string().as_str() {
        "1" => format!("1 {thing}"),
        many => format!("{many} {thing}s"),
    }
}
