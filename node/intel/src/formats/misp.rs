//! A feed that a MISP instance can subscribe to: a manifest, an event file for each entry in it, and a list of the values'
//! digests by which MISP compares feeds without fetching them.
//!
//! An event holds what one member reports. Its id, and those of its attributes, are functions of what they stand for, so
//! that MISP updates what it has instead of doubling it.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use md5::{Digest as _, Md5};
use serde::Serialize;
use uuid::Uuid;

use super::shape::{digest_len, is_digest};
use super::{Row, is_sayable, rfc3339};
use crate::normal::{Network, is_name};
use crate::tlp::Tlp;

/// An event without its attributes, as the manifest names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event<'a> {
    /// See [`event_id`].
    pub id: Uuid,
    /// The name of the CERT that reports.
    pub organisation: &'a str,
    /// Its id: the UUID of its STIX identity.
    pub organisation_id: Uuid,
    /// What the event is, in a line.
    pub info: &'a str,
    /// When it began, milliseconds since 1970 UTC.
    pub begun_ms: u64,
    /// When it last changed, milliseconds since 1970 UTC: MISP fetches it again when this grows.
    pub changed_ms: u64,
    /// The strictest marking in it.
    pub tlp: Tlp,
    /// Whether it is no live data.
    pub exercise: bool,
}

/// The id of the event that `words` stand for in the mesh with this id.
#[must_use]
pub fn event_id(mesh: &[u8], words: &str) -> Uuid {
    Uuid::new_v5(&Uuid::new_v5(&Uuid::NAMESPACE_OID, mesh), words.as_bytes())
}

/// `manifest.json`.
#[must_use]
pub fn manifest<'a>(events: impl Iterator<Item = &'a Event<'a>>) -> String {
    let entries: BTreeMap<_, _> = events.map(|event| (event.id.to_string(), Entry::of(event))).collect();
    format!("{}\n", json(&entries))
}

/// A line of `hashes.csv`; `false`, and nothing, if no event holds the value.
pub fn hash(row: &Row<'_>, event: Uuid, out: &mut String) -> bool {
    if attribute_type(row).is_none() {
        return false;
    }
    for byte in Md5::digest(row.value) {
        let _ = write!(out, "{byte:02x}");
    }
    let _ = writeln!(out, ",{event}");
    true
}

/// What the manifest says of an event, and its file too.
#[derive(Serialize)]
struct Entry<'a> {
    info: &'a str,
    #[serde(rename = "Orgc")]
    organisation: Organisation<'a>,
    #[serde(rename = "Tag")]
    tags: Vec<Tag>,
    date: String,
    /// Complete.
    analysis: &'static str,
    /// Of no stated level.
    threat_level_id: &'static str,
    timestamp: String,
}

#[derive(Serialize)]
struct Organisation<'a> {
    name: &'a str,
    uuid: String,
}

#[derive(Serialize)]
struct Tag {
    name: String,
    colour: &'static str,
}

impl<'a> Entry<'a> {
    fn of(event: &Event<'a>) -> Self {
        let exercise = event.exercise.then(|| Tag { name: "EXERCISE".into(), colour: RED });
        Self {
            info: event.info,
            organisation: Organisation { name: event.organisation, uuid: event.organisation_id.to_string() },
            tags: [tag(event.tlp)].into_iter().chain(exercise).collect(),
            date: rfc3339(event.begun_ms)[..10].to_owned(),
            analysis: "2",
            threat_level_id: "4",
            timestamp: seconds(event.changed_ms),
        }
    }
}

/// What stands in an event's file before its attributes.
#[derive(Serialize)]
struct EventHead<'a> {
    uuid: String,
    #[serde(flatten)]
    entry: Entry<'a>,
    published: bool,
    publish_timestamp: String,
}

#[derive(Serialize)]
struct Attribute<'a> {
    uuid: String,
    #[serde(rename = "type")]
    attribute_type: &'static str,
    category: &'static str,
    value: &'a str,
    to_ids: bool,
    comment: String,
    timestamp: String,
    first_seen: String,
    #[serde(rename = "Tag")]
    tags: [Tag; 1],
}

/// `UUID.json` in the making.
#[derive(Debug)]
pub struct EventFile {
    id: Uuid,
    begun: bool,
}

impl EventFile {
    /// Appends what stands before the first attribute.
    pub fn begin(event: &Event<'_>, out: &mut String) -> Self {
        let head = json(&EventHead {
            uuid: event.id.to_string(),
            entry: Entry::of(event),
            published: true,
            publish_timestamp: seconds(event.changed_ms),
        });
        // Without its closing brace: the attributes follow.
        out.extend(["{\"Event\":", &head[..head.len() - 1], ",\"Attribute\":["]);
        Self { id: event.id, begun: false }
    }

    /// Appends an attribute; `false`, and nothing, if MISP has no type for it.
    pub fn row(&mut self, row: &Row<'_>, out: &mut String) -> bool {
        let Some((attribute_type, category, to_ids)) = attribute_type(row) else { return false };
        let attribute = json(&Attribute {
            uuid: Uuid::new_v5(&self.id, format!("{}\0{}", row.kind, row.value).as_bytes()).to_string(),
            attribute_type,
            category,
            value: row.value,
            to_ids,
            comment: row.description(),
            timestamp: seconds(row.changed_ms),
            first_seen: rfc3339(row.first_seen_ms),
            tags: [tag(row.tlp)],
        });
        let before = if std::mem::replace(&mut self.begun, true) { ",\n" } else { "\n" };
        out.extend([before, &attribute]);
        true
    }

    /// Appends what closes the file.
    pub fn end(self, out: &mut String) {
        out.push_str("\n]}}\n");
    }
}

/// The structures here hold nothing that JSON can't.
fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

/// MISP's times are seconds in a string.
fn seconds(ms: u64) -> String {
    (ms / 1_000).to_string()
}

const RED: &str = "#ff2b2b";

fn tag(tlp: Tlp) -> Tag {
    let colour = match tlp {
        Tlp::Clear => "#ffffff",
        Tlp::Green => "#33ff00",
        Tlp::Amber | Tlp::AmberStrict => "#ffc000",
        Tlp::Red => RED,
    };
    Tag { name: format!("tlp:{}", tlp.word()), colour }
}

/// MISP's type and category of a value that it would take, and whether sensors should look for it.
fn attribute_type(row: &Row<'_>) -> Option<(&'static str, &'static str, bool)> {
    const NETWORK: &str = "Network activity";
    const DELIVERY: &str = "Payload delivery";
    let attribute_type = match row.kind {
        "domain-name" => ("domain", NETWORK, true),
        "ipv4-addr" | "ipv6-addr" => ("ip-dst", NETWORK, true),
        "url" => ("url", NETWORK, true),
        "email-addr" => ("email", DELIVERY, true),
        "mac-addr" => ("mac-address", NETWORK, false),
        "autonomous-system" => ("AS", NETWORK, false),
        "user-agent" => ("user-agent", NETWORK, false),
        "file-md5" => ("md5", DELIVERY, true),
        "file-sha1" => ("sha1", DELIVERY, true),
        "file-sha256" => ("sha256", DELIVERY, true),
        "file-sha512" => ("sha512", DELIVERY, true),
        "file-ssdeep" => ("ssdeep", DELIVERY, true),
        "file-tlsh" => ("tlsh", DELIVERY, true),
        "file-name" => ("filename", DELIVERY, true),
        "mutex" => ("mutex", "Artifacts dropped", true),
        "windows-registry-key" => ("regkey", "Persistence mechanism", true),
        "certificate-md5" => ("x509-fingerprint-md5", NETWORK, true),
        "certificate-sha1" => ("x509-fingerprint-sha1", NETWORK, true),
        "certificate-sha256" => ("x509-fingerprint-sha256", NETWORK, true),
        "vulnerability" => ("vulnerability", "External analysis", false),
        _ => return None,
    };
    let fits = match row.kind {
        "domain-name" => is_name(row.value),
        "ipv4-addr" | "ipv6-addr" => Network::parse(row.value).is_some(),
        kind => digest_len(kind).is_none() || is_digest(kind, row.value),
    };
    (fits && is_sayable(row.value)).then_some(attribute_type)
}
