//! Why a value is in the exports, or is not: what every object that mentions it comes to.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use certmesh_intel::{Object, Question, Tlp};
use certmesh_wire::MemberCode;

use super::check::{is_false_positive, value_of};
use super::disputes::{Disputes, Standpoints};
use super::mentions::{How, Mentioned, Search};
use super::reader::{Reader, Summary, copies, counted, members, object_at, publishers, state};
use crate::index::Owners;
use crate::layout::{self, Class, Row, StoredObject, Term, Version};
use crate::limits::HITS;
use crate::store::{Family, Readable, StoreError};

/// An object that mentions the value, and what it comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// What its observable is to the value.
    pub how: How,
    /// What its observable is, such as `ipv4-addr`.
    pub kind: String,
    /// Its observable, in normal form.
    pub value: String,
    /// Whether it is one condition among several: lists hold none of these, `check` does.
    pub partial: bool,
    /// The object. Of one that nobody may make whom it claims as its author, `members` are those who published it.
    pub object: Summary,
    /// What it comes to.
    pub because: Because,
}

/// Why the reader gets an object, or does not. The first that holds, in this order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Because {
    /// It belongs to this member, and another published it.
    NotOwner {
        /// Whose object it is.
        owner: MemberCode,
    },
    /// Its publisher has taken it back, by this version of it.
    Revoked,
    /// Another version is shown in its place.
    Superseded {
        /// The arrival of that one, which may have been revoked since.
        by: Option<u64>,
    },
    /// It is marked above what the reader may see.
    AboveCeiling,
    /// It has ended.
    Expired {
        /// When, milliseconds since 1970 UTC.
        at_ms: u64,
    },
    /// These members say that it is a false positive, and that keeps it out of lists.
    FalsePositive {
        /// Who, sorted.
        members: Vec<MemberCode>,
    },
    /// Nothing keeps it out.
    Listed,
}

/// All reasons.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reasons {
    /// The latest arrival first; none, if the value is unknown.
    pub reasons: Vec<Reason>,
    /// Whether there may be more.
    pub capped: bool,
}

/// For every object that mentions the value, why this reader's exports hold it or not. It tells of objects above
/// the reader's ceiling, so whoever asks has to be an operator.
pub fn why(store: &dyn Readable, reader: &Reader, question: &Question) -> Result<Reasons, StoreError> {
    let all = Reader { ceiling: Tlp::Red, ..*reader };
    let (mut asking, mut capped) = (Asking::new(store, reader)?, false);
    let terms: [(fn(_) -> _, bool); 2] = [(Term::Observable, true), (Term::PastObservable, false)];
    for (term, is_live) in terms {
        let mut search = Search::new(store, &all, term, &|_| true, HITS);
        search.ask(question, None)?;
        capped |= search.capped;
        for mentioned in search.found {
            asking.add(mentioned, is_live)?;
        }
    }
    let mut reasons = asking.finish();
    reasons.sort_by_key(|reason| (Reverse(reason.object.arrival), reason.how));
    Ok(Reasons { reasons, capped })
}

/// Reasons being gathered.
struct Asking<'a> {
    store: &'a dyn Readable,
    reader: &'a Reader,
    owners: Owners,
    disputes: Disputes,
    reasons: Vec<Reason>,
    /// Who reports each value that nothing keeps out so far, and who disputes it.
    standpoints: BTreeMap<(String, String), Standpoints>,
}

impl<'a> Asking<'a> {
    fn new(store: &'a dyn Readable, reader: &'a Reader) -> Result<Self, StoreError> {
        let owners = store.get(Family::Meta, layout::OWNERS)?;
        Ok(Self {
            store,
            reader,
            owners: owners.map_or(Ok(Owners::default()), |owners| Owners::decode(&owners))?,
            disputes: Disputes::read(store, reader)?,
            reasons: Vec::new(),
            standpoints: BTreeMap::new(),
        })
    }

    fn add(&mut self, mentioned: Mentioned, is_live: bool) -> Result<(), StoreError> {
        let Mentioned { how, key, kind, arrival, row, .. } = mentioned;
        let Some(stored) = object_at(self.store, arrival)? else { return Ok(()) };
        let Ok(object) = Object::read(&stored.json) else { return Ok(()) };
        let value = value_of(&key, &stored.json);
        let (members, because) = if is_live {
            let members = members(self.store, &stored)?;
            let because = self.because_live(&stored, &object, &row, &members, (&kind, &value));
            (members, because)
        } else {
            let copies = copies(self.store, &stored)?;
            let because = self.because_past(&stored, &object, &copies)?;
            let counted = counted(&copies);
            let members = if counted.is_empty() { publishers(self.store, &stored)? } else { counted };
            (members, because)
        };
        let (partial, object) = (row.partial, Summary::of(&stored, &object, members));
        self.reasons.push(Reason { how, kind, value, partial, object, because });
        Ok(())
    }

    fn because_live(
        &mut self,
        stored: &StoredObject,
        object: &Object<'_>,
        row: &Row,
        members: &[MemberCode],
        (kind, value): (&str, &str),
    ) -> Because {
        if stored.tlp > self.reader.ceiling {
            return Because::AboveCeiling;
        }
        if let Some(at_ms) = row.valid_until_ms.filter(|_| self.reader.has_expired(row.valid_until_ms)) {
            return Because::Expired { at_ms };
        }
        let wrong = self.disputes.by_publishers(object.id(), is_false_positive(object), members);
        if !wrong.is_empty() {
            return Because::FalsePositive { members: wrong };
        }
        if !row.partial {
            let standpoints = self.standpoints.entry((kind.to_owned(), value.to_owned())).or_default();
            standpoints.add(&self.disputes, object.id(), members);
        }
        Because::Listed
    }

    fn because_past(
        &self,
        stored: &StoredObject,
        object: &Object<'_>,
        copies: &[Version],
    ) -> Result<Because, StoreError> {
        let state = state(self.store, &layout::id(&stored.id))?;
        let owned = state.newest().iter().find(|version| version.class == Class::Owned);
        if counted(copies).is_empty() {
            let owners = self.owners.owners(object.created_by_ref().as_deref());
            let owner = owners.and_then(|owners| owners.first().copied());
            return Ok(owner.map_or(Because::Superseded { by: None }, |owner| Because::NotOwner { owner }));
        }
        if let Some(owned) = owned.filter(|_| copies.iter().all(|copy| copy.class != Class::Owned)) {
            return Ok(Because::NotOwner { owner: owned.member });
        }
        if stored.revoked && state.shown.contains(&stored.arrival) {
            return Ok(Because::Revoked);
        }
        Ok(Because::Superseded { by: state.shown.last().copied() })
    }

    fn finish(mut self) -> Vec<Reason> {
        for reason in &mut self.reasons {
            let place = (reason.kind.clone(), reason.value.clone());
            let outvoted = self.standpoints.get(&place).and_then(Standpoints::outvoted_by);
            if let Some(members) = outvoted.filter(|_| reason.because == Because::Listed && !reason.partial) {
                reason.because = Because::FalsePositive { members };
            }
        }
        self.reasons
    }
}
