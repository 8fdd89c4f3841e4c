//! The node's clock, and its times in words. It stamps arrivals and records; it decides nothing.

use std::time::{SystemTime, UNIX_EPOCH};

/// Milliseconds since 1970 UTC; 0 for a clock set before that.
pub(crate) fn now_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64)
}

/// A time in RFC 3339, such as `2026-11-01T08:00:00Z`; the epoch for one beyond the calendar.
pub(crate) fn rfc3339(ms: u64) -> String {
    let ms = i64::try_from(ms).unwrap_or_default();
    jiff::Timestamp::from_millisecond(ms).unwrap_or_default().to_string()
}
