//! What is known of a value, as a line of JSON.

use std::collections::BTreeMap;

use certmesh_engine::{Answer, Hit};
use certmesh_intel::recognise::{Unrecognised, recognise};
use serde::Serialize;

use super::super::answer::Problem;

#[derive(Serialize)]
struct Checked<'a> {
    value: &'a str,
    known: bool,
    /// How many members say so, each with a source of its own.
    #[serde(skip_serializing_if = "is_zero")]
    confirmed_by: u64,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    sightings: BTreeMap<String, u64>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    false_positives: BTreeMap<String, u64>,
    /// Whether there are more hits than these.
    #[serde(skip_serializing_if = "is_false")]
    capped: bool,
    /// Whether the mesh is an exercise: what is known there means nothing outside it, and neither does what isn't.
    #[serde(skip_serializing_if = "is_false")]
    exercise: bool,
    /// False, if the value is not known and nothing that certmesh recognises: it may be mistyped.
    #[serde(skip_serializing_if = "is_true")]
    recognised: bool,
    /// Why it was not looked up.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
    hits: Vec<HitLine<'a>>,
}

#[derive(Serialize)]
struct HitLine<'a> {
    how: &'static str,
    kind: &'a str,
    value: &'a str,
    /// Whether it is one condition among several.
    #[serde(skip_serializing_if = "is_false")]
    partial: bool,
    member: String,
    /// All who published it, if there are several.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    members: Vec<String>,
    tlp: &'static str,
    confidence: Option<u8>,
    first_seen: Option<String>,
    valid_until: Option<String>,
    object_id: &'a str,
    name: Option<&'a str>,
    arrival: u64,
}

fn is_false(value: &bool) -> bool {
    !value
}

fn is_true(value: &bool) -> bool {
    *value
}

fn is_zero(value: &u64) -> bool {
    *value == 0
}

pub(super) fn write(text: &mut Vec<u8>, value: &str, answer: &Answer, is_exercise: bool) {
    let by_member = |counts: &BTreeMap<certmesh_wire::MemberCode, u64>| {
        counts.iter().map(|(member, count)| (member.to_string(), *count)).collect()
    };
    let is_known = answer.is_known();
    let line = Checked {
        value,
        known: is_known,
        recognised: is_known || is_recognised(value),
        error: None,
        confirmed_by: answer.confirmed_by,
        sightings: by_member(&answer.sightings),
        false_positives: by_member(&answer.false_positives),
        capped: answer.capped,
        exercise: is_exercise,
        hits: answer.hits.iter().map(hit).collect(),
    };
    put(text, &line);
}

/// Whether it has the form of something, if not of one thing alone: a name with a port, or a URL without its scheme.
fn is_recognised(value: &str) -> bool {
    use Unrecognised::{Ambiguous, Port, Scheme};
    matches!(recognise(value), Ok(_) | Err(Ambiguous(..) | Port(_) | Scheme(_)))
}

/// What is no value.
pub(super) fn wrong(text: &mut Vec<u8>, beginning: &str, why: &str, is_exercise: bool) {
    let line = Checked {
        value: beginning,
        known: false,
        confirmed_by: 0,
        sightings: BTreeMap::new(),
        false_positives: BTreeMap::new(),
        capped: false,
        exercise: is_exercise,
        recognised: false,
        error: Some(why),
        hits: Vec::new(),
    };
    put(text, &line);
}

fn put(text: &mut Vec<u8>, line: &Checked<'_>) {
    // Text keys alone: it always serialises.
    let _ = serde_json::to_writer(&mut *text, line);
    text.push(b'\n');
}

fn hit(hit: &Hit) -> HitLine<'_> {
    let object = &hit.object;
    let members: Vec<_> = object.members.iter().map(ToString::to_string).collect();
    HitLine {
        how: hit.how.word(),
        kind: &hit.kind,
        value: &hit.value,
        partial: hit.partial,
        member: members.first().cloned().unwrap_or_default(),
        members: if members.len() > 1 { members } else { Vec::new() },
        tlp: object.tlp.word(),
        confidence: object.confidence,
        first_seen: object.first_seen_ms.and_then(time),
        valid_until: object.valid_until_ms.and_then(time),
        object_id: &object.id,
        name: object.name.as_deref(),
        arrival: object.arrival,
    }
}

/// RFC 3339, in UTC.
fn time(ms: u64) -> Option<String> {
    let stamp = jiff::Timestamp::from_millisecond(i64::try_from(ms).ok()?).ok()?;
    Some(stamp.to_string())
}

/// The last line of an answer that could not be given whole.
pub(super) fn failure(problem: &Problem) -> Vec<u8> {
    let mut line = serde_json::to_vec(&problem.words()).unwrap_or_default();
    line.push(b'\n');
    line
}
