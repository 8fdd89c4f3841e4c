//! Samples of a duration, and what is said of them.

use std::time::Duration;

use serde::Serialize;

/// Durations of one thing, in no order.
#[derive(Debug, Clone, Default)]
pub(crate) struct Samples(Vec<Duration>);

/// The middle and the far end of samples, in milliseconds.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Spread {
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
}

impl Samples {
    pub(crate) fn push(&mut self, took: Duration) {
        self.0.push(took);
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// The smallest sample that so many hundredths of all are not above (nearest rank).
    ///
    /// # Panics
    /// Without samples.
    pub(crate) fn percentile(&self, hundredths: usize) -> Duration {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        sorted[(sorted.len() * hundredths).div_ceil(100).max(1) - 1]
    }

    pub(crate) fn spread(&self) -> Spread {
        let ms = |hundredths| self.percentile(hundredths).as_secs_f64() * 1_000.0;
        Spread { p50_ms: ms(50), p99_ms: ms(99) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_samples() {
        let samples = Samples((1..=200).rev().map(Duration::from_millis).collect());
        assert_eq!(samples.percentile(50), Duration::from_millis(100));
        assert_eq!(samples.percentile(99), Duration::from_millis(198));
        let one = Samples(vec![Duration::from_millis(7)]);
        assert_eq!((one.percentile(1), one.percentile(99)), (one.percentile(50), Duration::from_millis(7)));
    }
}
