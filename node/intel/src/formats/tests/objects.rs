//! The lists that are made of objects: MISP's events and STIX bundles.

use serde_json::Value;
use uuid::Uuid;

use super::{VALUES, row};
use crate::Object;
use crate::formats::misp::{self, Event, EventFile};
use crate::formats::{Bundle, Head, bundle_id};
use crate::tlp::Tlp;

fn event(id: Uuid) -> Event<'static> {
    Event {
        id,
        organisation: "Sing\"CERT",
        organisation_id: Uuid::from_u128(7),
        info: "certmesh: SG, 2026-01-01",
        begun_ms: 1_767_225_600_000,
        changed_ms: 1_767_225_601_234,
        tlp: Tlp::Amber,
        exercise: true,
    }
}

fn file(event: &Event<'_>) -> (String, usize) {
    let mut text = String::new();
    let mut file = EventFile::begin(event, &mut text);
    let taken = VALUES.iter().filter(|(kind, value)| file.row(&row(kind, value), &mut text)).count();
    file.end(&mut text);
    (text, taken)
}

#[test]
fn a_misp_event_has_an_attribute_for_each_value() {
    let event = event(misp::event_id(b"mesh", "SG 2026-01-01"));
    let (text, taken) = file(&event);
    let read: Value = serde_json::from_str(&text).unwrap();
    let attributes = read["Event"]["Attribute"].as_array().unwrap();
    assert_eq!(attributes.len(), taken);
    let ids: std::collections::BTreeSet<_> =
        attributes.iter().map(|found| found["uuid"].to_string()).collect();
    assert_eq!(ids.len(), taken, "ids are unique");
    assert_eq!(file(&event).0, text, "and stable");
    insta::assert_snapshot!("misp-event", text);
    insta::assert_snapshot!("misp-manifest", misp::manifest([event].iter()));
}

#[test]
fn misp_hashes_are_md5_of_each_value() {
    let mut text = String::new();
    assert!(misp::hash(&row("domain-name", "evil.example"), Uuid::from_u128(1), &mut text));
    assert!(!misp::hash(&row("app:id", "x"), Uuid::from_u128(1), &mut text));
    assert_eq!(text, "96119eb3210daa472225fbad69fa9770,00000000-0000-0000-0000-000000000001\n");
}

#[test]
fn a_bundle_keeps_texts_and_ships_the_markings_that_they_name() {
    let object = |uuid: u8, refs: &str| {
        format!(r#"{{ "type":"x-a",  "id":"x-a--00000000-0000-4000-8000-0000000000{uuid:02}"{refs}}}"#)
    };
    let green = format!(r#","object_marking_refs":["{}"]"#, Tlp::Green.marking_id());
    let (plain, marked) = (object(1, ""), object(2, &green));
    for (objects, expected) in [
        (vec![], 0),
        (vec![plain.as_str()], 1),
        (vec![&plain, &marked], 3),
        (vec![&marked, &marked], 3),
        (vec![&marked, Tlp::Green.marking_definition()], 2),
    ] {
        let (mut bundle, mut text) = (Bundle::default(), String::new());
        bundle.begin(&bundle_id(b"x"), &mut text);
        bundle.warn(&super::HEAD, &mut text);
        objects.iter().for_each(|json| bundle.object(&Object::read(json).unwrap(), &mut text));
        bundle.end(&mut text);
        let read: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(read["objects"].as_array().unwrap().len(), expected, "{text}");
        assert!(objects.iter().all(|json| text.contains(json)), "{text}");
    }
}

#[test]
fn a_bundle_of_an_exercise_begins_with_a_statement_that_it_is_one() {
    let (mut bundle, mut text) = (Bundle::default(), String::new());
    bundle.begin(&bundle_id(b"x"), &mut text);
    bundle.warn(&Head { exercise: true, ..super::HEAD }, &mut text);
    bundle.object(&Object::read(Tlp::Green.marking_definition()).unwrap(), &mut text);
    bundle.end(&mut text);
    let read: Value = serde_json::from_str(&text).unwrap();
    let objects = read["objects"].as_array().unwrap();
    assert_eq!(objects.len(), 2);
    crate::validate::validate(&objects[0].to_string()).unwrap();
    assert_eq!(objects[0]["definition"]["statement"], "EXERCISE: this is no live data of asean");
}

#[test]
fn a_bundle_of_the_same_content_has_the_same_id() {
    assert_eq!(bundle_id(b"a"), bundle_id(b"a"));
    assert_ne!(bundle_id(b"a"), bundle_id(b"b"));
    assert!(bundle_id(b"a").strip_prefix("bundle--").unwrap().parse::<Uuid>().is_ok());
}
