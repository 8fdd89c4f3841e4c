//! What refers to an object, and what it refers to.

use certmesh_intel::Object;

use super::plain;
use super::reader::Reader;
use crate::layout::StoredObject;
use crate::store::{Store, StoreError};

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
    /// Relationships, sightings, opinions, notes, reports and the like that refer to it, the latest arrival first.
    pub referred_by: Vec<Relation>,
    /// What its live versions refer to.
    pub refers_to: Vec<Relation>,
    /// Whether there is more.
    pub capped: bool,
}

/// The live objects that refer to the one with this id, and those that it refers to.
pub fn related(store: &dyn Store, reader: &Reader, id: &str) -> Result<Related, StoreError> {
    let (mut related, mut targets) = (Related::default(), Vec::new());
    plain::each(store, 0, |stored| {
        let Ok(object) = Object::read(&stored.json) else { return Ok(true) };
        let references = object.references();
        let refers = stored.id == id || references.iter().any(|(_, target)| target == id);
        if !refers || !plain::is_live(store, reader, &stored, &object)? {
            return Ok(true);
        }
        for (property, target) in references {
            if stored.id == id && !targets.contains(&(property.clone(), target.clone())) {
                targets.push((property.clone(), target.clone()));
            }
            if target == id {
                let (id, object) = (stored.id.clone(), Some(stored.clone()));
                related.referred_by.push(Relation { property, id, object });
            }
        }
        Ok(true)
    })?;
    related.referred_by.reverse();
    for (property, id) in targets {
        let mut found = None;
        plain::each(store, 0, |stored| {
            if stored.id == id
                && let Ok(object) = Object::read(&stored.json)
                && plain::is_live(store, reader, &stored, &object)?
            {
                found = Some(stored.clone());
            }
            Ok(found.is_none())
        })?;
        related.refers_to.push(Relation { property, id, object: found });
    }
    Ok(related)
}
