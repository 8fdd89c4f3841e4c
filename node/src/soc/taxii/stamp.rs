//! Times as TAXII writes them: RFC 3339 with six digits and `Z`. An arrival is whole milliseconds, so the last three
//! digits are zeros: whoever cuts them off holds the same time.

use certmesh_intel::timestamp;
use jiff::Timestamp;

/// An arrival, or another time in milliseconds since 1970 UTC.
pub(super) fn of_ms(ms: u64) -> String {
    let shown = |stamp: Timestamp| stamp.strftime("%Y-%m-%dT%H:%M:%S%.6fZ").to_string();
    let stamp = i64::try_from(ms).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok());
    shown(stamp.unwrap_or(Timestamp::MAX))
}

/// A version: milliseconds as STIX writes them, or as many digits as it takes.
pub(super) fn of_version(micros: i64) -> String {
    let stamp = Timestamp::from_microsecond(micros).unwrap_or(Timestamp::MAX);
    let format = if micros % 1_000 == 0 { "%Y-%m-%dT%H:%M:%S%.3fZ" } else { "%Y-%m-%dT%H:%M:%S%.6fZ" };
    stamp.strftime(format).to_string()
}

/// Microseconds since 1970 UTC. A `+` that a client did not escape has become a space on its way.
pub(super) fn micros(text: &str) -> Option<i64> {
    timestamp::micros(text).or_else(|| timestamp::micros(&text.replace(' ', "+")))
}

/// The last arrival that is not after this time; 0 if none is.
pub(super) fn arrival_until(micros: i64) -> u64 {
    u64::try_from(micros.div_euclid(1_000)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn six_digits_and_back() {
        assert_eq!(of_ms(1_764_208_800_123), "2025-11-27T02:00:00.123000Z");
        assert_eq!(of_ms(0), "1970-01-01T00:00:00.000000Z");
        assert!(of_ms(u64::MAX).starts_with("9999-"));
        assert_eq!(of_version(1_000_123_000), "1970-01-01T00:16:40.123Z");
        assert_eq!(of_version(1_000_123_001), "1970-01-01T00:16:40.123001Z");
        let arrival = |text: &str| micros(text).map(arrival_until);
        for same in [
            "2025-11-27T02:00:00.123000Z",
            "2025-11-27T02:00:00.123Z",
            "2025-11-27T02:00:00.123999Z",
            "2025-11-27T02:00:00.123000+00:00",
            "2025-11-27T02:00:00.123000 00:00",
            "2025-11-27T10:00:00.123+08:00",
        ] {
            assert_eq!(arrival(same), Some(1_764_208_800_123), "{same}");
        }
        assert_eq!(arrival("2025-11-27T02:00:00Z"), Some(1_764_208_800_000));
        assert_eq!(arrival("1960-01-01T00:00:00Z"), Some(0));
        for wrong in ["", "yesterday", "2025-11-27", "2025-13-01T00:00:00Z"] {
            assert_eq!(arrival(wrong), None, "{wrong}");
        }
    }
}
