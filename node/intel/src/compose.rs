//! Makes STIX objects of values, so that nobody has to write STIX: indicators, the observables they speak of, what ties
//! the two together, and whose they are.
//!
//! Time and randomness are arguments. Ids of observables follow from their content (STIX 2.1, section 2.9), so that all
//! tools give the same value the same one.

mod observables;
mod writing;

use std::fmt::Write;

use crate::recognise::Recognised;
use crate::timestamp;
use crate::tlp::Tlp;
use writing::Writing;

/// The time of every member's identity object: before all that members publish of themselves, whose own description of
/// themselves is then the newer version.
const IDENTITY_MADE: &str = "2025-01-01T00:00:00.000Z";

/// Whose the objects are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Author {
    /// The member's STIX identity id, from the roster.
    pub identity: String,
    /// The CERT's name, from the roster.
    pub name: String,
}

/// What is said of all values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// Whose the objects are, if that is known.
    pub author: Option<Author>,
    /// When they are made, milliseconds since 1970 UTC.
    pub now_ms: u64,
    /// How they may be shared.
    pub tlp: Tlp,
    /// Labels, in their order.
    pub labels: Vec<String>,
    /// How sure the author is, 0 to 100.
    pub confidence: Option<u8>,
    /// Until when the indicators hold, milliseconds since 1970 UTC; without end if absent.
    pub valid_until_ms: Option<u64>,
    /// A description in prose.
    pub note: Option<String>,
}

/// Labels that say what an indicator indicates (STIX 2.1, section 10.11), beside the standard's own words for it.
const MEANT_BY: [(&str, &[&str]); 3] = [
    (
        "malicious-activity",
        &[
            "c2",
            "botnet",
            "malware",
            "phishing",
            "ransomware",
            "exploit",
            "dropper",
            "backdoor",
            "loader",
            "spyware",
            "scam",
        ],
    ),
    ("anonymization", &["tor", "proxy", "vpn"]),
    ("compromised", &["hacked", "defaced"]),
];
const INDICATOR_TYPES: [&str; 7] = [
    "anomalous-activity",
    "anonymization",
    "benign",
    "compromised",
    "malicious-activity",
    "attribution",
    "unknown",
];

/// The exact texts of the objects that say it: the author's identity, the observables, an indicator for each value (for a
/// CVE a vulnerability), and the relationships from indicators to observables. `random` gives 16 random bytes.
pub fn compose(values: &[Recognised], notice: &Notice, random: &mut dyn FnMut() -> [u8; 16]) -> Vec<String> {
    let mut objects: Vec<String> = notice.author.iter().map(identity).collect();
    let mut ties = Vec::new();
    for value in values {
        let Some(pattern) = value.pattern() else {
            objects.push(vulnerability(value, notice, random()));
            continue;
        };
        let id = writing::random_id("indicator", random());
        if let Some((observable, text)) = observables::of(value, notice.tlp) {
            ties.push(based_on(&id, &observable, notice, random()));
            objects.push(text);
        }
        objects.push(indicator(&id, value, &pattern, notice));
    }
    objects.extend(ties);
    objects
}

/// A note that keeps the reason why these objects were published in spite of a warning; `cautions` are what it said.
#[must_use]
pub fn insistence(
    ids: &[String],
    cautions: &[String],
    reason: &str,
    notice: &Notice,
    random: [u8; 16],
) -> String {
    let id = writing::random_id("note", random);
    let mut note = versioned("note", &id, notice);
    note.text("abstract", "Published in spite of a warning");
    let mut content = format!("Reason: {reason}");
    for caution in cautions {
        let _ = write!(content, "\nWarning: {caution}");
    }
    note.text("content", &content);
    note.texts("object_refs", ids);
    note.marked(notice.tlp)
}

/// The member itself: the same bytes whoever makes them, so that they are stored once.
fn identity(author: &Author) -> String {
    let mut identity = Writing::new("identity", &author.identity);
    identity.text("created_by_ref", &author.identity);
    identity.text("created", IDENTITY_MADE);
    identity.text("modified", IDENTITY_MADE);
    identity.text("name", &author.name);
    identity.text("identity_class", "organization");
    identity.marked(Tlp::Clear)
}

fn indicator(id: &str, value: &Recognised, pattern: &str, notice: &Notice) -> String {
    let mut indicator = versioned("indicator", id, notice);
    indicator.text("name", value.value());
    describe(&mut indicator, notice);
    indicator.texts("indicator_types", &indicator_types(&notice.labels));
    indicator.text("pattern", pattern);
    indicator.text("pattern_type", "stix");
    indicator.text("pattern_version", "2.1");
    indicator.text("valid_from", &time(notice.now_ms));
    if let Some(until) = notice.valid_until_ms {
        indicator.text("valid_until", &time(until));
    }
    finish(indicator, notice)
}

fn vulnerability(value: &Recognised, notice: &Notice, random: [u8; 16]) -> String {
    let id = writing::random_id("vulnerability", random);
    let mut vulnerability = versioned("vulnerability", &id, notice);
    vulnerability.text("name", value.value());
    describe(&mut vulnerability, notice);
    let reference = serde_json::json!([{"source_name": "cve", "external_id": value.value()}]);
    vulnerability.json("external_references", &reference.to_string());
    finish(vulnerability, notice)
}

fn based_on(indicator: &str, observable: &str, notice: &Notice, random: [u8; 16]) -> String {
    let id = writing::random_id("relationship", random);
    let mut relationship = versioned("relationship", &id, notice);
    relationship.text("relationship_type", "based-on");
    relationship.text("source_ref", indicator);
    relationship.text("target_ref", observable);
    relationship.marked(notice.tlp)
}

/// An object with versions, of which this is the first.
fn versioned(object_type: &str, id: &str, notice: &Notice) -> Writing {
    let mut object = Writing::new(object_type, id);
    if let Some(author) = &notice.author {
        object.text("created_by_ref", &author.identity);
    }
    object.text("created", &time(notice.now_ms));
    object.text("modified", &time(notice.now_ms));
    object
}

fn describe(object: &mut Writing, notice: &Notice) {
    if let Some(note) = &notice.note {
        object.text("description", note);
    }
}

fn finish(mut object: Writing, notice: &Notice) -> String {
    object.texts("labels", &notice.labels);
    if let Some(confidence) = notice.confidence {
        object.json("confidence", &confidence.to_string());
    }
    object.marked(notice.tlp)
}

/// What the labels say that an indicator indicates.
fn indicator_types(labels: &[String]) -> Vec<String> {
    let meant = |label: &String| {
        let label = label.to_ascii_lowercase();
        let listed =
            MEANT_BY.iter().find(|(_, labels)| labels.contains(&label.as_str())).map(|(name, _)| *name);
        listed.or_else(|| INDICATOR_TYPES.into_iter().find(|name| *name == label))
    };
    let mut types: Vec<_> = labels.iter().filter_map(meant).map(str::to_owned).collect();
    types.sort_unstable();
    types.dedup();
    types
}

/// A time; beyond what can be written, the last one that can.
fn time(ms: u64) -> String {
    let known = i64::try_from(ms).ok().and_then(timestamp::of_millis);
    known.unwrap_or_else(|| "9999-12-30T23:59:59.999Z".to_owned())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
