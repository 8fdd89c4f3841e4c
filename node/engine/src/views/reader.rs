//! Who reads, and what of an object a reader is told first.

use std::ops::ControlFlow;

use certmesh_intel::{Object, Tlp};
use certmesh_wire::{MemberCode, NodeId, RecordId};

use crate::index::{State, to_ms};
use crate::layout::{self, Class, Publisher, StoredObject, Term, Version};
use crate::store::{Family, Order, Readable, StoreError};

/// Who asks, and when: everything that a view depends on beside the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reader {
    /// The strictest marking that they may see.
    pub ceiling: Tlp,
    /// The time, milliseconds since 1970 UTC: what is valid until then or earlier has expired.
    pub now_ms: u64,
}

impl Reader {
    /// An operator of this node, who may see everything that it holds.
    pub fn operator(now_ms: u64) -> Self {
        Self { ceiling: Tlp::Red, now_ms }
    }

    /// Whether something that is valid until then is so no longer.
    pub(crate) fn has_expired(&self, valid_until_ms: Option<u64>) -> bool {
        valid_until_ms.is_some_and(|until| until <= self.now_ms)
    }

    /// The markings that they may see.
    pub(crate) fn markings(&self) -> impl Iterator<Item = Tlp> + use<> {
        let ceiling = self.ceiling;
        Tlp::ALL.into_iter().filter(move |tlp| *tlp <= ceiling)
    }

    /// The prefixes of all rows of a term that they may see.
    pub(crate) fn ranges(&self, term: &Term) -> Vec<Vec<u8>> {
        self.markings().map(|tlp| term.prefix(tlp)).collect()
    }
}

/// What a table shows of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// This node's stamp.
    pub arrival: u64,
    /// Its STIX id, which begins with its type.
    pub id: String,
    /// Who published these bytes, sorted. Of an object that a member owns, its owners alone.
    pub members: Vec<MemberCode>,
    /// The node that signed the record.
    pub node: NodeId,
    /// The record that carried it here first.
    pub record: RecordId,
    /// Its marking.
    pub tlp: Tlp,
    /// How sure its author is, 0 to 100.
    pub confidence: Option<u8>,
    /// When it was received here, milliseconds since 1970 UTC.
    pub received_ms: u64,
    /// Since when, as its author says: first seen, else valid from, else its version; milliseconds since 1970 UTC.
    pub first_seen_ms: Option<u64>,
    /// When it ends, milliseconds since 1970 UTC.
    pub valid_until_ms: Option<u64>,
    /// Its name or what else tells it apart, safe to show.
    pub name: Option<String>,
}

impl Summary {
    /// What is said of an object that these members publish.
    pub(crate) fn of(stored: &StoredObject, object: &Object<'_>, members: Vec<MemberCode>) -> Self {
        Self {
            arrival: stored.arrival,
            id: stored.id.clone(),
            members,
            node: stored.node,
            record: stored.record,
            tlp: stored.tlp,
            confidence: object.confidence(),
            received_ms: stored.received_ms,
            first_seen_ms: first_seen(object).map(to_ms),
            valid_until_ms: object.valid_until().map(to_ms),
            name: object.name(),
        }
    }
}

/// Since when, as its author says, in microseconds since 1970 UTC: first seen, else valid from, else its version.
pub(crate) fn first_seen(object: &Object<'_>) -> Option<i64> {
    object.first_seen().or(object.valid_from()).or(object.modified())
}

/// The object that arrived then, if it still stands there.
pub(crate) fn object_at(store: &dyn Readable, arrival: u64) -> Result<Option<StoredObject>, StoreError> {
    let key = layout::object(arrival);
    store.get(Family::Object, &key)?.map(|value| StoredObject::decode(&key, &value)).transpose()
}

/// The state of an id, given as in keys.
pub(crate) fn state(store: &dyn Readable, id: &[u8]) -> Result<State, StoreError> {
    let value = store.get(Family::Index, &layout::state(id))?;
    value.map_or(Ok(State::default()), |value| State::decode(&value))
}

/// The members whose newest copy an object is, if their copies count; sorted.
pub(crate) fn members(store: &dyn Readable, stored: &StoredObject) -> Result<Vec<MemberCode>, StoreError> {
    Ok(counted_at(&state(store, &layout::id(&stored.id))?, stored.arrival))
}

/// The members whose newest copy arrived then, if their copies count; sorted.
pub(crate) fn counted_at(state: &State, arrival: u64) -> Vec<MemberCode> {
    let newest: Vec<_> =
        state.newest().iter().filter(|version| version.arrival == arrival).cloned().collect();
    counted(&newest)
}

/// Every member's copy of an object, with what it counts as, whether they have a newer one or not.
pub(crate) fn copies(
    store: &dyn Readable,
    stored: &StoredObject<impl AsRef<str>>,
) -> Result<Vec<Version>, StoreError> {
    let (id, json) = (layout::id(stored.id.as_ref()), stored.json.as_ref());
    let state = state(store, &id)?;
    let mut copies: Vec<_> =
        state.newest().iter().filter(|version| version.arrival == stored.arrival).cloned().collect();
    let Ok(object) = Object::read(json) else { return Ok(copies) };
    let sha256 = certmesh_wire::sha256(&[json.as_bytes()]);
    for member in publishers(store, stored)? {
        if copies.iter().any(|copy| copy.member == member) {
            continue;
        }
        for class in Class::ALL {
            let key = layout::version(&id, (class, member, object.tlp()), object.modified(), &sha256);
            if let Some(value) = store.get(Family::Index, &key)? {
                copies.push(Version::decode(&key[layout::versions(&id).len()..], &value)?);
            }
        }
    }
    Ok(copies)
}

/// The members of those copies that count, sorted.
pub(crate) fn counted(copies: &[Version]) -> Vec<MemberCode> {
    let counted = copies.iter().filter(|copy| copy.class != Class::Impostor);
    let mut members: Vec<_> = counted.map(|copy| copy.member).collect();
    members.sort();
    members.dedup();
    members
}

/// Every member that published these bytes, sorted.
pub(crate) fn publishers(
    store: &dyn Readable,
    stored: &StoredObject<impl AsRef<str>>,
) -> Result<Vec<MemberCode>, StoreError> {
    let publications = publications(store, stored)?.into_iter();
    let mut members: Vec<_> = publications.map(|publication| publication.member).collect();
    members.sort();
    members.dedup();
    Ok(members)
}

/// Every publication of these bytes.
pub(crate) fn publications(
    store: &dyn Readable,
    stored: &StoredObject<impl AsRef<str>>,
) -> Result<Vec<Publisher>, StoreError> {
    let prefix = layout::publishers(stored.arrival);
    let (mut found, mut fault) = (vec![stored.publisher()], None);
    let mut visit = |key: &[u8], value: &[u8]| {
        match Publisher::decode(key, value) {
            Ok(publisher) => found.push(publisher),
            Err(e) => fault = Some(e),
        }
        if fault.is_none() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    };
    store.scan(Family::Index, &prefix, &layout::end_of(&prefix), Order::Ascending, &mut visit)?;
    fault.map_or(Ok(found), Err)
}

/// Each member whose copies of an object count, with all publications of its newest one.
pub(crate) fn newest_publications(
    store: &dyn Readable,
    id: &str,
) -> Result<Vec<(MemberCode, Vec<Publisher>)>, StoreError> {
    let state = state(store, &layout::id(id))?;
    let mut found = Vec::new();
    for version in state.counted() {
        if let Some(stored) = object_at(store, version.arrival)? {
            found.push((version.member, publications(store, &stored)?));
        }
    }
    Ok(found)
}
