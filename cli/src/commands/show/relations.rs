//! What an object refers to, and what refers to it, in words.

use certmesh_api::{ObjectLine, Related, Relation};
use certmesh_intel::Object;
use certmesh_intel::display::safe;
use certmesh_intel::object::{Opinion, Relationship, Sighting, Stance};

use crate::objects::publisher;
use crate::table::count;
use crate::time;

/// Room for a name, in characters.
const NAME: usize = 60;

/// Titles, and the lines below each; only those that have any.
pub(super) fn sections(related: &Related) -> Vec<(&'static str, Vec<String>)> {
    let mut sections = vec![
        ("It is related", Vec::new()),
        ("Sightings", Vec::new()),
        ("Opinions", Vec::new()),
        ("Spoken of in", Vec::new()),
        ("Refers to", Vec::new()),
    ];
    for relation in &related.referred_by {
        let Some(line) = &relation.object else { continue };
        let Ok(object) = Object::read(line.object.get()) else { continue };
        let (section, words) = if let Some(relationship) = object.relationship() {
            (0, related_to(relation, &relationship, line))
        } else if let Some(sighting) = object.sighting().filter(|_| relation.property == "sighting_of_ref") {
            (1, seen(&sighting, line))
        } else if let Some(opinion) = object.opinion() {
            (2, thinks(&opinion, &object, line))
        } else {
            (3, spoken(&object, line))
        };
        sections[section].1.push(words);
    }
    // The marking stands in the head.
    let refers_to = related.refers_to.iter().filter(|relation| relation.property != "object_marking_refs");
    sections[4].1.extend(refers_to.map(refers));
    sections.retain(|(_, lines)| !lines.is_empty());
    sections
}

/// `it indicates malware--…  Loader`, or `indicator--… indicates it`.
fn related_to(relation: &Relation, relationship: &Relationship, line: &ObjectLine) -> String {
    let kind = safe(&relationship.kind, NAME).replace('-', " ");
    let words = match relation.property.as_str() {
        "source_ref" => format!("it {kind} {}", safe(&relationship.target, 96)),
        _ => format!("{} {kind} it", safe(&relationship.source, 96)),
    };
    let beyond = relation.beyond.as_ref().map(|name| format!("  {}", safe(name, NAME))).unwrap_or_default();
    format!("{words}{beyond}  (says {})", publisher(line))
}

fn seen(sighting: &Sighting, line: &ObjectLine) -> String {
    let last =
        sighting.last_seen.or(sighting.first_seen).and_then(|micros| u64::try_from(micros / 1_000).ok());
    let last = last.map(|ms| format!(", last at {}", time::shown(ms))).unwrap_or_default();
    format!("{} saw it {}{last}", publisher(line), count(sighting.count, "time"))
}

fn thinks(opinion: &Opinion, object: &Object<'_>, line: &ObjectLine) -> String {
    let stance = match opinion.stance {
        Stance::StronglyDisagree => "disagrees strongly",
        Stance::Disagree => "disagrees",
        Stance::Neutral => "is neutral",
        Stance::Agree => "agrees",
        Stance::StronglyAgree => "agrees strongly",
    };
    let why = object.explanation().map(|why| format!(": {}", safe(&why, 200))).unwrap_or_default();
    format!("{} {stance}{why}", publisher(line))
}

fn spoken(object: &Object<'_>, line: &ObjectLine) -> String {
    let name = object.name().map(|name| format!("  {}", safe(&name, NAME))).unwrap_or_default();
    format!("{}{name}  (by {})", safe(object.id(), 96), publisher(line))
}

fn refers(relation: &Relation) -> String {
    let object = relation.object.as_ref().and_then(|line| Object::read(line.object.get()).ok());
    let name = object.and_then(|object| object.name()).map(|name| format!("  {}", safe(&name, NAME)));
    let absent = if relation.object.is_none() { "  (not here)" } else { "" };
    let property = safe(&relation.property, NAME);
    let property = property.trim_end_matches("_refs").trim_end_matches("_ref").replace('_', " ");
    format!("{property}: {}{}{absent}", safe(&relation.id, 96), name.unwrap_or_default())
}
