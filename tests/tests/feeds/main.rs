//! The lists that SOC tools read: what is in them and what never is, and that the tools' own parsers read them.
#![allow(clippy::unwrap_used)]

mod doors;
mod lists;
mod long;
mod parsers;

use certmesh_tests::Node;
use serde_json::{Value, json};

const THEN: &str = "2026-01-02T03:04:05.000Z";

/// An indicator of a value, TLP:GREEN, with these properties instead of, or beside, the usual ones.
fn indicator(number: u32, pattern: &str, properties: Value) -> Value {
    let green = certmesh_intel::Tlp::Green.marking_id();
    let mut object = json!({
        "type": "indicator", "spec_version": "2.1", "id": format!("indicator--00000000-0000-4000-8000-{number:012}"),
        "created": THEN, "modified": THEN, "valid_from": THEN, "object_marking_refs": [green],
        "pattern": pattern, "pattern_type": "stix",
    });
    let more = properties.as_object().unwrap().clone();
    object.as_object_mut().unwrap().extend(more);
    object
}

fn of_name(number: u32, name: &str, properties: Value) -> Value {
    indicator(number, &format!("[domain-name:value = '{name}']"), properties)
}

/// Publishes objects as one bundle, whatever would be warned of.
#[track_caller]
fn publish(node: &Node, objects: &[Value]) {
    let bundle = json!({
        "type": "bundle", "id": "bundle--00000000-0000-4000-8000-000000000000", "objects": objects,
    });
    node.run_fed(&["publish", "-", "--force", "a test"], &bundle.to_string()).done();
}

/// A list, as the operators' command gives it. These meshes are exercises.
#[track_caller]
fn feed(node: &Node, words: &[&str]) -> String {
    node.run(["feed", "--exercise"].iter().chain(words)).done()
}

/// The lines of a list that hold values.
#[track_caller]
fn lines(node: &Node, words: &[&str]) -> Vec<String> {
    feed(node, words).lines().filter(|line| !line.starts_with(['#', ';'])).map(str::to_owned).collect()
}
