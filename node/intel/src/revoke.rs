//! The version of an object that takes it back (STIX 2.1, section 3.6), with everything else as it stood.

use crate::object::Object;
use crate::timestamp;

/// Why an object can't be taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RevokeFault {
    /// Observables and markings have no versions; or it is no object at all.
    #[error("it has no versions, and so none that takes it back")]
    Unversioned,
    /// It is taken back already.
    #[error("it is taken back already")]
    Already,
}

/// The text of the version of `json` that takes it back, made at `now_ms` (milliseconds since 1970 UTC), or right after the
/// version at hand if that claims a later time.
///
/// # Errors
/// If there can be no such version.
pub fn revoke(json: &str, now_ms: u64) -> Result<String, RevokeFault> {
    let object = Object::read(json).map_err(|_| RevokeFault::Unversioned)?;
    let modified = object.value("modified").ok_or(RevokeFault::Unversioned)?;
    let before = object.time("modified").ok_or(RevokeFault::Unversioned)?;
    if object.is_revoked() {
        return Err(RevokeFault::Already);
    }
    let now = i64::try_from(now_ms).unwrap_or(i64::MAX).max(before / 1_000 + 1);
    let time = timestamp::of_millis(now).ok_or(RevokeFault::Unversioned)?;
    let mut edits = vec![(modified, format!("\"{time}\""))];
    match object.value("revoked") {
        Some(revoked) => edits.push((revoked, "true".to_owned())),
        None => edits[0].1.push_str(",\"revoked\":true"),
    }
    Ok(edited(json, edits))
}

/// `json` with these parts of it replaced.
fn edited(json: &str, mut edits: Vec<(&str, String)>) -> String {
    let place = |part: &str| part.as_ptr() as usize - json.as_ptr() as usize;
    edits.sort_by_key(|(part, _)| place(part));
    let (mut text, mut at) = (String::with_capacity(json.len() + 64), 0);
    for (part, replacement) in edits {
        text.push_str(&json[at..place(part)]);
        text.push_str(&replacement);
        at = place(part) + part.len();
    }
    text.push_str(&json[at..]);
    text
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::{RevokeFault, revoke};
    use crate::object::Object;

    const ID: &str = "indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f";

    fn object(rest: &str) -> String {
        format!(r#"{{ "type":"indicator","id":"{ID}" {rest}}}"#)
    }

    #[test]
    fn changes_the_least() {
        for (rest, revoked) in [
            (
                r#", "modified" : "2026-01-01T00:00:00.000Z" , "x":[1] "#,
                r#", "modified" : "2026-01-02T00:00:00.000Z","revoked":true , "x":[1] "#,
            ),
            (
                r#","revoked": false,"modified":"2026-01-01T00:00:00Z""#,
                r#","revoked": true,"modified":"2026-01-02T00:00:00.000Z""#,
            ),
            (
                r#","modified":"2027-01-01T00:00:00.0005Z""#,
                r#","modified":"2027-01-01T00:00:00.001Z","revoked":true"#,
            ),
        ] {
            assert_eq!(revoke(&object(rest), 1_767_312_000_000).unwrap(), object(revoked));
        }
    }

    #[test]
    fn says_what_it_cannot_take_back() {
        for (rest, fault) in [
            (r#","modified":"2026-01-01T00:00:00Z","revoked":true"#, RevokeFault::Already),
            ("", RevokeFault::Unversioned),
            (r#","modified":5"#, RevokeFault::Unversioned),
        ] {
            assert_eq!(revoke(&object(rest), 0), Err(fault), "{rest}");
        }
        assert_eq!(revoke("{", 0), Err(RevokeFault::Unversioned));
    }

    proptest! {
        #[test]
        fn keeps_everything_else_and_comes_after(name in ".{0,20}", now_ms in 0_u64..10_000_000_000_000, at in 0_i64..4_000_000_000) {
            let before = crate::timestamp::of_millis(at * 1_000).unwrap();
            let json = object(&format!(r#","name":{},"modified":"{before}""#, Value::from(name)));
            let text = revoke(&json, now_ms).unwrap();
            let revoked = Object::read(&text).unwrap();
            prop_assert!(revoked.is_revoked() && revoked.modified() > Object::read(&json).unwrap().modified());
            let (mut before, mut after): (Value, Value) =
                (serde_json::from_str(&json).unwrap(), serde_json::from_str(&text).unwrap());
            before["modified"] = Value::Null;
            after["modified"] = Value::Null;
            after.as_object_mut().unwrap().remove("revoked");
            prop_assert_eq!(before, after);
        }
    }
}
