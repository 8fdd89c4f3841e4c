//! Reads STIX timestamps (STIX 2.1, section 2.16): RFC 3339 in UTC.

use jiff::Timestamp;

/// The most bytes a timestamp can have; longer text is none.
const MAX_LEN: usize = 64;

/// Microseconds since the Unix epoch, or nothing if `text` is no RFC 3339 timestamp.
///
/// Offsets other than `Z` are understood here, since real data has them; [`is_utc`] tells whether the standard allows
/// it. Digits beyond the microsecond are dropped.
#[must_use]
pub fn micros(text: &str) -> Option<i64> {
    let plain = |b: u8| b.is_ascii_digit() || b"TtZz:.+-".contains(&b);
    let readable = text.len() <= MAX_LEN && text.bytes().all(plain);
    let stamp: Timestamp = readable.then(|| text.parse().ok())??;
    Some(stamp.as_microsecond())
}

/// Whether `text` has the only form that STIX 2.1 allows: `YYYY-MM-DDThh:mm:ss[.s+]Z`.
#[must_use]
pub fn is_utc(text: &str) -> bool {
    let shape = |(i, b): (usize, u8)| match i {
        4 | 7 => b == b'-',
        10 => b == b'T',
        13 | 16 => b == b':',
        19 => b == b'.' || b == b'Z',
        _ => b.is_ascii_digit() || b == b'Z',
    };
    let z_once = text.len() >= 20 && text.find('Z') == Some(text.len() - 1);
    z_once && !text.ends_with(".Z") && text.bytes().enumerate().all(shape) && micros(text).is_some()
}

/// A time as STIX writes it, to the millisecond, from milliseconds since the Unix epoch; nothing beyond the year 9999.
pub(crate) fn of_millis(ms: i64) -> Option<String> {
    let stamp = Timestamp::from_millisecond(ms).ok()?;
    Some(stamp.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string())
}

#[cfg(test)]
mod tests {
    use super::{is_utc, micros};

    #[test]
    fn reads_what_tools_write() {
        for (text, expected) in [
            ("1970-01-01T00:00:00Z", Some(0)),
            ("1970-01-01T00:00:01.5Z", Some(1_500_000)),
            ("1970-01-01T00:00:00.1234567Z", Some(123_456)),
            ("1970-01-01T07:00:00+07:00", Some(0)),
            ("1970-01-01", None),
            ("yesterday", None),
            ("1970-13-01T00:00:00Z", None),
            ("", None),
        ] {
            assert_eq!(micros(text), expected, "{text}");
        }
    }

    #[test]
    fn knows_the_form_of_the_standard() {
        for (text, expected) in [
            ("2024-05-01T00:00:00Z", true),
            ("2024-05-01T00:00:00.123456Z", true),
            ("2024-05-01T00:00:00.Z", false),
            ("2024-05-01T00:00:00+00:00", false),
            ("2024-05-01t00:00:00z", false),
            ("2024-05-01 00:00:00Z", false),
            ("2024-02-30T00:00:00Z", false),
            ("20240501T000000Z", false),
        ] {
            assert_eq!(is_utc(text), expected, "{text}");
        }
    }
}
