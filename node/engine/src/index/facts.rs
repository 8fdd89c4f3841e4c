//! What the index takes from the text of an object. It depends on nothing else, so the same rows come from it when an
//! object arrives, when its place changes, and when the index is rebuilt.

use certmesh_intel::{Mention, Object, Tlp, observable};
use certmesh_wire::sha256;

/// References by which nobody looks for what refers: everything has them.
const OF_EVERYTHING: [&str; 2] = ["created_by_ref", "object_marking_refs"];

/// All that rows and versions of an object are made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Facts {
    /// Of the text.
    pub(crate) sha256: [u8; 32],
    pub(crate) id: String,
    pub(crate) object_type: String,
    /// Microseconds since 1970 UTC.
    pub(crate) modified: Option<i64>,
    pub(crate) tlp: Tlp,
    pub(crate) revoked: bool,
    /// Whether it says of observables that they exist, and no more.
    pub(crate) bare: bool,
    /// The identity that claims to have made it.
    pub(crate) created_by: Option<String>,
    /// Milliseconds since 1970 UTC.
    pub(crate) valid_until_ms: Option<u64>,
    pub(crate) confidence: Option<u8>,
    pub(crate) mentions: Vec<Mention>,
    pub(crate) labels: Vec<String>,
    pub(crate) techniques: Vec<String>,
    /// Properties, and the ids that they hold.
    pub(crate) references: Vec<(String, String)>,
}

impl Facts {
    pub(crate) fn of(object: &Object<'_>) -> Self {
        let mut references = object.references();
        references.retain(|(property, _)| !OF_EVERYTHING.contains(&property.as_str()));
        Self {
            sha256: sha256(&[object.json().as_bytes()]),
            id: object.id().to_owned(),
            object_type: object.object_type().to_owned(),
            modified: object.modified(),
            tlp: object.tlp(),
            revoked: object.is_revoked(),
            bare: observable::is_bare(object),
            created_by: object.created_by_ref().map(Into::into),
            valid_until_ms: object.valid_until().map(to_ms),
            confidence: object.confidence(),
            mentions: observable::of(object),
            labels: object.labels(),
            techniques: object.techniques(),
            references,
        }
    }

    /// Nothing, if the text is no object.
    pub(crate) fn read(json: &str) -> Option<Self> {
        Object::read(json).ok().map(|object| Self::of(&object))
    }

    /// How many rows it may have, beside the few that every object has.
    pub(crate) fn terms(&self) -> usize {
        2 * self.mentions.len() + self.labels.len() + 2 * self.techniques.len() + self.references.len()
    }
}

/// Microseconds as milliseconds; what lies before 1970 counts as that.
pub(crate) fn to_ms(micros: i64) -> u64 {
    u64::try_from(micros / 1_000).unwrap_or(0)
}
