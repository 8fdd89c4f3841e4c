//! Times and ages as people type them, and times as people read them. All in UTC.

use std::str::FromStr;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

const UNITS: [(char, u64); 6] =
    [('s', 1), ('m', 60), ('h', 3_600), ('d', 86_400), ('w', 7 * 86_400), ('y', 365 * 86_400)];

/// An age, such as `15m`, or a time, such as `2026-11-01` or `2026-11-01T08:00:00Z`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AgeOrTime {
    /// So many milliseconds from the present, back or ahead as the option says.
    Age(u64),
    /// Milliseconds since 1970 UTC.
    Time(u64),
}

/// Text that is neither an age nor a time.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "neither an age, such as 30s, 15m, 6h, 7d, 2w or 1y, nor a time since 1970, such as 2026-11-01 or 2026-11-01T08:00:00Z"
)]
pub(crate) struct TimeFault;

impl FromStr for AgeOrTime {
    type Err = TimeFault;

    fn from_str(text: &str) -> Result<Self, TimeFault> {
        let age = || age_ms(text).map(Self::Age);
        age().or_else(|| time_ms(text).map(Self::Time)).ok_or(TimeFault)
    }
}

/// A span of time in its largest whole unit below weeks, such as `12 min`.
pub(crate) fn span(ms: u64) -> String {
    let seconds = ms / 1_000;
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min", seconds / 60),
        3_600..86_400 => format!("{} h", seconds / 3_600),
        _ => format!("{} d", seconds / 86_400),
    }
}

fn age_ms(text: &str) -> Option<u64> {
    let unit = text.chars().last()?;
    let (_, seconds) = UNITS.iter().find(|(name, _)| *name == unit)?;
    let digits = text.strip_suffix(unit)?;
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit());
    let count: u64 = plain.then(|| digits.parse().ok())??;
    count.checked_mul(*seconds)?.checked_mul(1_000)
}

fn time_ms(text: &str) -> Option<u64> {
    let midnight = || text.parse::<Date>().ok()?.to_zoned(TimeZone::UTC).ok();
    let stamp = text.parse::<Timestamp>().ok().or_else(|| midnight().map(|day| day.timestamp()))?;
    u64::try_from(stamp.as_millisecond()).ok()
}

impl AgeOrTime {
    /// The time, an age being counted back from the present; milliseconds since 1970 UTC.
    pub(crate) fn ago_ms(self) -> u64 {
        match self {
            Self::Age(age) => now_ms().saturating_sub(age),
            Self::Time(time) => time,
        }
    }

    /// The time, an age being counted ahead from the present; milliseconds since 1970 UTC.
    pub(crate) fn ahead_ms(self) -> u64 {
        match self {
            Self::Age(age) => now_ms().saturating_add(age),
            Self::Time(time) => time,
        }
    }
}

/// The present, in milliseconds since 1970 UTC.
pub(crate) fn now_ms() -> u64 {
    u64::try_from(Timestamp::now().as_millisecond()).unwrap_or_default()
}

/// A time to the second, such as `2026-11-01 08:00:00Z`.
pub(crate) fn shown(ms: u64) -> String {
    stamp(ms).map_or_else(|| format!("{ms} ms"), |stamp| stamp.strftime("%Y-%m-%d %H:%M:%SZ").to_string())
}

/// A time in RFC 3339, for programs.
pub(crate) fn rfc3339(ms: u64) -> Option<String> {
    stamp(ms).map(|stamp| stamp.to_string())
}

fn stamp(ms: u64) -> Option<Timestamp> {
    Timestamp::from_millisecond(i64::try_from(ms).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_ages_and_times() {
        for (text, expected) in [
            ("30s", Ok(AgeOrTime::Age(30_000))),
            ("15m", Ok(AgeOrTime::Age(900_000))),
            ("6h", Ok(AgeOrTime::Age(21_600_000))),
            ("7d", Ok(AgeOrTime::Age(604_800_000))),
            ("2w", Ok(AgeOrTime::Age(1_209_600_000))),
            ("1970-01-02", Ok(AgeOrTime::Time(86_400_000))),
            ("1970-01-01T07:00:01+07:00", Ok(AgeOrTime::Time(1_000))),
            ("1969-01-01", Err(TimeFault)),
            ("", Err(TimeFault)),
            ("s", Err(TimeFault)),
            ("+5s", Err(TimeFault)),
            ("5 s", Err(TimeFault)),
            ("5é", Err(TimeFault)),
            ("99999999999999999999d", Err(TimeFault)),
            ("9999999999999999999d", Err(TimeFault)),
        ] {
            assert_eq!(text.parse::<AgeOrTime>(), expected, "{text}");
        }
    }

    #[test]
    fn shows_any_number() {
        assert_eq!(shown(86_400_000), "1970-01-02 00:00:00Z");
        assert_eq!(shown(u64::MAX), format!("{} ms", u64::MAX));
        assert_eq!(rfc3339(1_000).as_deref(), Some("1970-01-01T00:00:01Z"));
    }
}
