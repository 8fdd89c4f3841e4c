//! What refers to an object, and what it refers to.

use certmesh_intel::Object;

use super::merge::Merge;
use super::reader::{Reader, object_at, state};
use crate::index::to_ms;
use crate::layout::{self, Row, StoredObject, Term};
use crate::limits::RELATIONS;
use crate::store::{Order, Readable, StoreError};

/// One reference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relation {
    /// The property that refers, such as `sighting_of_ref` or `object_refs`.
    pub property: String,
    /// The id at its other end: of what is referred to, or of what refers.
    pub id: String,
    /// That object as the reader sees it; nothing, if it is unknown, not live, or above the ceiling.
    pub object: Option<StoredObject>,
}

/// The references of an object, both ways.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Related {
    /// Relationships, sightings, opinions, notes, reports and the like that refer to it, the latest arrival first. What
    /// it is the author or a marking of is not among them.
    pub referred_by: Vec<Relation>,
    /// What its live versions refer to.
    pub refers_to: Vec<Relation>,
    /// Whether there is more.
    pub capped: bool,
}

/// The live objects that refer to the one with this id, and those that it refers to.
pub fn related(store: &dyn Readable, reader: &Reader, id: &str) -> Result<Related, StoreError> {
    let mut related = Related::default();
    let ranges = reader.ranges(&Term::Reference(id.to_owned()));
    let mut rows = Merge::numbered(store, Order::Descending, ranges, (0, u64::MAX));
    let mut left = RELATIONS;
    while let Some(read) = rows.next()? {
        if left == 0 {
            related.capped = true;
            break;
        }
        left -= 1;
        let (arrival, end) = layout::split_number(read.rest)?;
        if reader.has_expired(Row::decode(read.value)?.valid_until_ms) {
            continue;
        }
        let Some(object) = object_at(store, arrival)? else { continue };
        let property = end.split(|byte| *byte == 0).next().unwrap_or_default();
        let property = String::from_utf8_lossy(property).into_owned();
        related.referred_by.push(Relation { property, id: object.id.clone(), object: Some(object) });
    }
    for (property, target) in targets(store, reader, id)? {
        if related.refers_to.len() == RELATIONS {
            related.capped = true;
            break;
        }
        let object = live(store, reader, &target)?.into_iter().next();
        related.refers_to.push(Relation { property, id: target, object });
    }
    Ok(related)
}

/// What the live versions of an object refer to, each once.
fn targets(store: &dyn Readable, reader: &Reader, id: &str) -> Result<Vec<(String, String)>, StoreError> {
    let mut targets = Vec::new();
    for stored in live(store, reader, id)? {
        targets.extend(Object::read(&stored.json).map(|object| object.references()).unwrap_or_default());
    }
    targets.sort();
    targets.dedup();
    Ok(targets)
}

/// The live versions of an object, as the reader sees them; the latest arrival first.
pub(crate) fn live(store: &dyn Readable, reader: &Reader, id: &str) -> Result<Vec<StoredObject>, StoreError> {
    let mut live = Vec::new();
    for arrival in state(store, &layout::id(id))?.shown.into_iter().rev() {
        let Some(stored) = object_at(store, arrival)? else { continue };
        let valid_until = Object::read(&stored.json).ok().and_then(|object| object.valid_until());
        if !stored.revoked && stored.tlp <= reader.ceiling && !reader.has_expired(valid_until.map(to_ms)) {
            live.push(stored);
        }
    }
    Ok(live)
}
