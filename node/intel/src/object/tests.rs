//! The rule that decides what is an object, and what is read of one.

use proptest::prelude::*;

use super::{Object, ObjectFault};
use crate::observable;
use crate::tlp::Tlp;

const ID: &str = "indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f";

fn with(rest: &str) -> String {
    format!(r#"{{"type":"indicator","id":"{ID}"{rest}}}"#)
}

fn fault(json: &str) -> String {
    Object::read(json).unwrap_err().to_string()
}

#[test]
fn reads_what_tables_and_views_need() {
    let json = with(
        r#","name":"A\u0042","created":"1970-01-01T00:00:01Z","modified":"1970-01-01T00:00:02.000003Z",
        "revoked":true,"created_by_ref":"identity--x","labels":["a",1,"b"],"valid_until":"1970-01-01T00:00:03Z""#,
    );
    let object = Object::read(&json).unwrap();
    assert_eq!((object.id(), object.object_type(), object.json()), (ID, "indicator", json.as_str()));
    assert_eq!(object.name().as_deref(), Some("AB"));
    assert_eq!(object.modified(), Some(2_000_003));
    assert_eq!(object.valid_until(), Some(3_000_000));
    assert!(object.is_revoked());
    assert_eq!(object.created_by_ref().as_deref(), Some("identity--x"));
    assert_eq!(object.labels(), ["a", "b"]);
}

#[test]
fn wrong_optional_properties_are_absent() {
    let json = with(
        r#","name":[],"modified":7,"created":"soon","revoked":"true","created_by_ref":{},"labels":"x",
        "object_marking_refs":[1,{}],"granular_markings":{"a":[]},"pattern":1,"valid_until":null"#,
    );
    let object = Object::read(&json).unwrap();
    assert_eq!((object.name(), object.modified(), object.valid_until()), (None, None, None));
    assert_eq!((object.is_revoked(), object.created_by_ref(), object.tlp()), (false, None, Tlp::Amber));
    assert!(object.labels().is_empty() && observable::of(&object).is_empty());
}

#[test]
fn refuses_what_is_no_object() {
    let uuid = &ID[11..];
    for (json, message) in [
        ("".to_owned(), "not readable as JSON"),
        ("[1]".to_owned(), "not a JSON object"),
        ("\"x\"".to_owned(), "not a JSON object"),
        ("{\"a\":1,}".to_owned(), "not readable as JSON: "),
        ("{}".to_owned(), "property \"type\" is missing"),
        (r#"{"type":1}"#.to_owned(), "property \"type\" must be a string, not 1"),
        (r#"{"type":"a"}"#.to_owned(), "property \"id\" is missing"),
        (format!(r#"{{"type":"malware","id":"{ID}"}}"#), "does not begin with the object's type"),
        (r#"{"type":"a","id":"a--1"}"#.to_owned(), "a type, two hyphens and a UUID"),
        (format!(r#"{{"type":"a b","id":"a b{uuid}"}}"#), "a type, two hyphens and a UUID"),
        (format!(r#"{{"type":"{0}","id":"{0}{uuid}"}}"#, "a".repeat(257)), "at most 256"),
        (with(r#","id":"x""#), "property \"id\" stands there twice"),
        (with(r#","\u0069d":"x""#), "property \"id\" stands there twice"),
        (with(r#","x":"\ud800""#), "half of a surrogate pair"),
    ] {
        let got = fault(&json);
        assert!(got.contains(message), "{json}: {got}");
    }
}

#[test]
fn limits_stand_where_they_are_written() {
    let nested = |depth: usize| with(&format!(r#","x":{}{}"#, "[".repeat(depth), "]".repeat(depth)));
    assert!(Object::read(&nested(127)).is_ok());
    assert_eq!(Object::read(&nested(128)).unwrap_err(), ObjectFault::TooDeep);
    assert_eq!(Object::read(&nested(1_000_000)).unwrap_err(), ObjectFault::TooDeep);
    let many = |count: usize| with(&(2..count).map(|i| format!(r#","p{i}":0"#)).collect::<String>());
    assert!(Object::read(&many(1_024)).is_ok());
    assert!(fault(&many(1_025)).contains("more than 1024 properties"));
}

#[test]
fn tlp_is_the_strictest_and_never_below_amber_unmarked() {
    let of = |refs: &[Tlp], granular: &[Tlp]| {
        let refs: Vec<_> = refs.iter().map(|tlp| tlp.marking_id()).collect();
        let granular: Vec<_> = granular
            .iter()
            .map(|tlp| serde_json::json!({"selectors": ["name"], "marking_ref": tlp.marking_id()}))
            .collect();
        let marks = serde_json::json!([refs, granular]);
        let json = with(&format!(r#","object_marking_refs":{},"granular_markings":{}"#, marks[0], marks[1]));
        Object::read(&json).unwrap().tlp()
    };
    assert_eq!(of(&[], &[]), Tlp::Amber);
    assert_eq!(of(&[Tlp::Clear], &[]), Tlp::Clear);
    assert_eq!(of(&[Tlp::Clear, Tlp::Green], &[]), Tlp::Green);
    assert_eq!(of(&[Tlp::Green], &[Tlp::Clear, Tlp::Red]), Tlp::Red);
    assert_eq!(of(&[], &[Tlp::Clear]), Tlp::Amber);
    assert_eq!(Object::read(Tlp::Red.marking_definition()).unwrap().tlp(), Tlp::Clear);
    let bare = with(&format!(r#","object_marking_refs":"{}""#, Tlp::Red.marking_id()));
    assert_eq!(Object::read(&bare).unwrap().tlp(), Tlp::Red);
}

proptest! {
    #[test]
    fn never_panics(text in "\\PC{0,60}", value in "[\\[\\]{}\",:\\\\u0-9a-f ]{0,80}") {
        for json in [&text, &with(&format!(",{text}")), &with(&format!(r#","pattern":{value}"#)),
            &with(&format!(r#","object_marking_refs":{value}"#)), &with(&format!(r#","pattern":"{value}""#))] {
            if let Ok(object) = Object::read(json) {
                let _ = (object.tlp(), observable::of(&object), object.name(), object.labels(), object.modified());
            }
        }
    }
}
