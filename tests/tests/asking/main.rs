//! What an analyst asks of a node, and the answers: real processes, from the keyboard to the store and back.
#![allow(clippy::unwrap_used)]

mod check;
mod query;
mod reindex;
mod show;
mod why;

use serde_json::{Value, json};

/// The time of everything here that is not about time.
const THEN: &str = "2026-01-02T03:04:05.000Z";

/// An indicator of a value, with these properties instead of, or beside, the usual ones.
fn indicator(number: u32, pattern: &str, properties: Value) -> Value {
    let mut object = json!({
        "type": "indicator", "spec_version": "2.1", "id": id(number),
        "created": THEN, "modified": THEN, "valid_from": THEN,
        "pattern": pattern, "pattern_type": "stix",
    });
    let more = properties.as_object().unwrap().clone();
    object.as_object_mut().unwrap().extend(more);
    object
}

fn id(number: u32) -> String {
    format!("indicator--00000000-0000-4000-8000-{number:012}")
}

/// The reference to the marking of a level, as an object has it.
fn marked(level: &str) -> Value {
    let tlp: certmesh_intel::Tlp = level.parse().unwrap();
    json!([tlp.marking_id()])
}

/// Publishes objects as one bundle.
#[track_caller]
fn publish(node: &certmesh_tests::Node, objects: &[Value]) {
    let bundle = json!({
        "type": "bundle", "id": "bundle--00000000-0000-4000-8000-000000000000", "objects": objects,
    });
    node.run_fed(&["publish", "-", "--force", "a test needs what harms too"], &bundle.to_string()).done();
}
