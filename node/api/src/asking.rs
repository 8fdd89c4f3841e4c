//! What is asked about intelligence, and what is answered. Scripts rely on these names.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::types::ObjectLine;

/// What to look for; fields combine with AND.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QueryParams {
    /// A value that an object speaks of, such as a domain or a hash, defanged or not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// A STIX type, such as `indicator`.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub object_type: Option<String>,
    /// A kind of observable that it speaks of, such as `ipv4-addr`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observable: Option<String>,
    /// A STIX id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The member that published it, such as `SG`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// A label.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// An ATT&CK technique, such as `T1566`, with its sub-techniques.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub technique: Option<String>,
    /// At least this confidence, 0 to 100.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confidence: Option<u8>,
    /// This marking.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tlp: Option<String>,
    /// Valid at this time, milliseconds since 1970 UTC; at the present if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub valid_at_ms: Option<u64>,
    /// Arrived here at or after this time, milliseconds since 1970 UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since_ms: Option<u64>,
    /// Arrived here before this time, milliseconds since 1970 UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until_ms: Option<u64>,
    /// Text in its name or description.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The order: `newest` (arrival, the default), `oldest`, `confidence` or `first-seen`, the highest first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sort: Option<String>,
    /// What comes after the object that this cursor was given for: [`ObjectLine::cursor`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// How many objects to answer with; all if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
}

/// Whether a value is known: a line of an answer to a check.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Checked {
    /// As it was asked.
    pub value: String,
    /// Whether a live object mentions it.
    pub known: bool,
    /// The objects that mention it, or what holds it, or what it holds: exact ones first.
    pub hits: Vec<CheckHit>,
    /// How many members report it independently of each other.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub confirmed_by: u64,
    /// How often each member has seen it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub sightings: BTreeMap<String, u64>,
    /// How many times each member calls it a false positive.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub false_positives: BTreeMap<String, u64>,
    /// Whether there are more hits than these.
    #[serde(default, skip_serializing_if = "is_false")]
    pub capped: bool,
    /// Whether the mesh is an exercise: what is known there means nothing outside it, and neither does what isn't.
    #[serde(default, skip_serializing_if = "is_false")]
    pub exercise: bool,
    /// Why it could not be looked up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// An object that mentions a value that was asked for.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CheckHit {
    /// What its value is to the one that was asked for: `exact`; `network`, which holds it; `inside` the network that was
    /// asked for; its `parent` domain; a `subdomain`.
    pub how: String,
    /// The member that publishes it; the first of [`Self::members`].
    pub member: String,
    /// All members that publish it, sorted.
    pub members: Vec<String>,
    /// Its marking.
    pub tlp: String,
    /// How sure its author is, 0 to 100.
    pub confidence: Option<u8>,
    /// Since when, as its author says; RFC 3339.
    pub first_seen: Option<String>,
    /// Its STIX id.
    pub object_id: String,
    /// What the value in it is, such as `ipv4-addr`.
    pub kind: String,
    /// That value, in its normal form.
    pub value: String,
    /// Whether it is nothing to act on alone: one condition among several, or observed only.
    pub partial: bool,
    /// Until when it holds; RFC 3339.
    pub valid_until: Option<String>,
    /// When it came here: a cursor, not a clock.
    pub arrival: u64,
    /// What it is called.
    pub name: Option<String>,
}

/// Why a value is in this node's lists, or is not.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Why {
    /// As it was asked.
    pub value: String,
    /// The strictest marking that the lists may hold.
    pub ceiling: String,
    /// Whether the lists hold it.
    pub listed: bool,
    /// Whether the mesh is an exercise: nothing in it is real.
    #[serde(default, skip_serializing_if = "is_false")]
    pub exercise: bool,
    /// Why no list of this node holds it whoever reports it: its allow-list, or what nobody can mean.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_back: Option<String>,
    /// What each object that mentions it comes to, the latest arrival first.
    pub reasons: Vec<Reason>,
    /// Whether there are more.
    pub capped: bool,
}

/// What one object that mentions a value comes to.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Reason {
    /// As in [`CheckHit::how`].
    pub how: String,
    /// What the value in it is.
    pub kind: String,
    /// That value, in its normal form.
    pub value: String,
    /// Whether it is one condition among several, or observed only: no list holds it.
    pub partial: bool,
    /// `listed`, `no-indicator` (it says nothing against the value), `expired`, `revoked`, `superseded`, `above-ceiling`,
    /// `not-owner` or `false-positive`.
    pub because: String,
    /// When it expired, milliseconds since 1970 UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expired_ms: Option<u64>,
    /// The arrival of the version that superseded it, unless that was revoked since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub superseded_by: Option<u64>,
    /// Who owns it, or calls it a false positive.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub by: Vec<String>,
    /// The object.
    pub object: Summary,
}

/// What a table shows of an object.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Summary {
    /// Its STIX id.
    pub object_id: String,
    /// Who publishes it, sorted.
    pub members: Vec<String>,
    /// Its marking.
    pub tlp: String,
    /// How sure its author is, 0 to 100.
    pub confidence: Option<u8>,
    /// This node's stamp: a cursor, not a clock.
    pub arrival: u64,
    /// When it was received here, milliseconds since 1970 UTC.
    pub received_ms: u64,
    /// Since when, as its author says, milliseconds since 1970 UTC.
    pub first_seen_ms: Option<u64>,
    /// When it ends, milliseconds since 1970 UTC.
    pub valid_until_ms: Option<u64>,
    /// What it is called.
    pub name: Option<String>,
}

/// What an object refers to, and what refers to it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Related {
    /// Relationships, sightings, opinions, notes, reports: the latest arrival first.
    pub referred_by: Vec<Relation>,
    /// What its live versions refer to.
    pub refers_to: Vec<Relation>,
    /// Whether there are more.
    pub capped: bool,
}

/// One reference.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Relation {
    /// The property that refers, such as `sighting_of_ref`.
    pub property: String,
    /// The STIX id at its other end.
    pub id: String,
    /// That object, if it is known and live.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object: Option<ObjectLine>,
    /// Of a relationship: what the object at its own other end is called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub beyond: Option<String>,
}

/// A record as it was signed, for whoever wants to check it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SignedRecord {
    /// Its id.
    pub record: String,
    /// The mesh for which it was signed.
    pub mesh: String,
    /// The signed header and the body, as nodes send them to each other, in hexadecimal digits.
    pub parcel: String,
}

/// Which of a list's values are wanted; fields combine with AND.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FeedParams {
    /// The strictest marking that the list may hold; `green` if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ceiling: Option<String>,
    /// Kinds of values, such as `ipv4-addr`, separated by commas.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kinds: Option<String>,
    /// Reported by one of these members, separated by commas.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub member: Option<String>,
    /// With one of these labels, separated by commas.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// At least this confidence, 0 to 100.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confidence: Option<u8>,
    /// Reported since: a time in RFC 3339, or milliseconds since 1970 UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    /// At most so many values, the most confident first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
    /// Which so many: 1, the first, if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub page: Option<u64>,
    /// That the reader knows that the mesh is an exercise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exercise: Option<bool>,
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

fn is_false(flag: &bool) -> bool {
    !flag
}
