//! The observable objects that values are.

use uuid::{Uuid, uuid};

use super::writing::{Writing, quoted};
use crate::recognise::Recognised;
use crate::tlp::Tlp;

/// The namespace of observables' ids (STIX 2.1, section 2.9).
const NAMESPACE: Uuid = uuid!("00abedb4-aa42-466c-9c01-fed23315a9b7");

/// The id and the text of the observable object that a value is; nothing where the standard has no object for it, or none
/// that could hold the value alone.
pub(super) fn of(value: &Recognised, tlp: Tlp) -> Option<(String, String)> {
    let (object_type, property) = match value.kind() {
        kind @ ("domain-name" | "ipv4-addr" | "ipv6-addr" | "url" | "email-addr" | "mac-addr") => {
            (kind, "value")
        }
        "autonomous-system" => ("autonomous-system", "number"),
        "mutex" => ("mutex", "name"),
        "file-name" => ("file", "name"),
        "file-path" => return None,
        kind if kind.starts_with("file-") => ("file", "hashes"),
        kind if kind.starts_with("certificate-") => ("x509-certificate", "hashes"),
        "windows-registry-key" => ("windows-registry-key", "key"),
        "user-account" => ("user-account", "account_login"),
        _ => return None,
    };
    let json = match property {
        "number" => value.value().to_owned(),
        "hashes" => format!("{{{}:{}}}", quoted(value.property()?), quoted(value.value())),
        _ => quoted(value.value()),
    };
    let id = id(object_type, property, &json);
    let mut object = Writing::new(object_type, &id);
    object.json(property, &json);
    Some((id, object.marked(tlp)))
}

/// The id that follows from the one contributing property, as canonical JSON (RFC 8785).
fn id(object_type: &str, property: &str, json: &str) -> String {
    let contributing = format!("{{{}:{json}}}", quoted(property));
    format!("{object_type}--{}", Uuid::new_v5(&NAMESPACE, contributing.as_bytes()))
}
