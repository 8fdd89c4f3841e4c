//! The rows of an object: what it is found by, where it stands.

use std::collections::{BTreeMap, BTreeSet};

use certmesh_wire::MemberCode;

use super::{Facts, State, Subject, Writing};
use crate::ObjectFamily;
use crate::layout::{self, Class, Members, Row, Shelf, Term, Version};
use crate::store::{Family, StoreError};

/// Where an object stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// Shown to all readers, and found by all that it says.
    Live,
    /// It revokes what it is a version of, and is shown to those who follow collections.
    Revoked,
    /// Another version is shown, or none.
    Past,
}

/// Rows by their keys.
pub(crate) type Rows = BTreeMap<Vec<u8>, Vec<u8>>;

/// The members that have a copy of an object, and whether it was current: their newest, and shown.
pub(crate) type Held = BTreeMap<MemberCode, bool>;

impl Writing<'_> {
    /// The copies of an object that count, or would if their publishers had no newer ones. Those of an impostor don't.
    pub(crate) fn copies(&self, subject: &Subject, state: &State) -> Result<Vec<Version>, StoreError> {
        let mut copies = Vec::new();
        for member in subject.members() {
            for class in [Class::Owned, Class::Foreign] {
                copies.extend(self.version(&subject.id, state, class, member, &subject.facts)?);
            }
        }
        Ok(copies)
    }

    /// The rows that the object has, as its id's state says; but for those in its publishers' collections.
    pub(crate) fn rows(&self, subject: &Subject, state: &State) -> Result<Rows, StoreError> {
        let copies = self.copies(subject, state)?;
        // As in states, if a member owns it, only owners' copies count.
        let counted = copies.iter().map(|copy| copy.class).min();
        let members = copies.iter().filter(|copy| Some(copy.class) == counted).map(|copy| copy.member);
        let members = Members::of(members);
        Ok(rows(&subject.facts, (subject.object.arrival, members), subject.place(state), !copies.is_empty()))
    }

    /// Writes what an object's rows become.
    pub(crate) fn replace(&mut self, before: &Rows, after: Rows) {
        for key in before.keys().filter(|key| !after.contains_key(*key)) {
            self.steps.delete(Family::Index, key.clone());
        }
        for (key, value) in after {
            if before.get(&key) != Some(&value) {
                self.ledger.known.note(&key);
                self.steps.put(Family::Index, key, value);
            }
        }
    }

    /// Takes an object from its publishers' collections, before their copies change.
    pub(crate) fn unshelve(&mut self, subject: &Subject, state: &State) -> Result<Held, StoreError> {
        let mut held = Held::new();
        for copy in self.copies(subject, state)? {
            let [current, past] = shelves(subject, &copy);
            held.insert(copy.member, self.get(Family::Index, &current)?.is_some());
            self.steps.delete(Family::Index, current);
            self.steps.delete(Family::Index, past);
        }
        Ok(held)
    }

    /// Puts an object into its publishers' collections. A copy that was held, and becomes current, stands there anew.
    pub(crate) fn shelve(
        &mut self,
        subject: &Subject,
        state: &mut State,
        held: &Held,
    ) -> Result<(), StoreError> {
        let arrival = subject.object.arrival;
        for mut copy in self.copies(subject, state)? {
            let newest = state.newest_of(copy.class, copy.member);
            let is_newest = newest.is_some_and(|newest| newest.sha256 == copy.sha256);
            let is_current = is_newest && state.shown.contains(&arrival);
            if is_current && held.get(&copy.member) == Some(&false) {
                copy.stamp = self.new_stamp();
                self.add_version(&subject.id, state, copy.clone());
            }
            let [current, past] = shelves(subject, &copy);
            let elsewhere = Some(arrival).filter(|arrival| *arrival != copy.stamp);
            let row = Row { arrival: elsewhere, ..plain_row(&subject.facts) };
            self.steps.put(Family::Index, if is_current { current } else { past }, row.encode());
        }
        Ok(())
    }
}

impl Subject {
    fn place(&self, state: &State) -> Place {
        match state.shown.contains(&self.object.arrival) {
            true if self.facts.revoked => Place::Revoked,
            true => Place::Live,
            false => Place::Past,
        }
    }
}

/// Where a copy stands in its publisher's collection, if it is current and if it is past.
fn shelves(subject: &Subject, copy: &Version) -> [Vec<u8>; 2] {
    let shelf = Shelf::Member(copy.member);
    [Term::Collection(shelf.clone()), Term::PastCollection(shelf)]
        .map(|term| term.row(subject.facts.tlp, copy.stamp, &[]))
}

fn plain_row(facts: &Facts) -> Row {
    Row {
        valid_until_ms: facts.valid_until_ms,
        confidence: facts.confidence,
        revoked: facts.revoked,
        ..Row::default()
    }
}

/// The rows of an object that stands there.
fn rows(facts: &Facts, (arrival, members): (u64, Members), place: Place, has_copies: bool) -> Rows {
    let (mut rows, row) = (Rows::new(), plain_row(facts));
    let mut add = |term: Term, number: u64, end: &[u8], row: Row| {
        rows.insert(term.row(facts.tlp, number, end), row.encode());
    };
    for mention in &facts.mentions {
        let (key, end) = (mention.observable.key(), layout::observable_end(&mention.observable));
        let term = if place == Place::Live { Term::Observable(key) } else { Term::PastObservable(key) };
        add(term, arrival, end, Row { partial: mention.partial, bare: facts.bare, members, ..row });
    }
    if place == Place::Live {
        let kinds: BTreeSet<_> = facts.mentions.iter().map(|mention| &mention.observable.kind).collect();
        kinds.into_iter().for_each(|kind| add(Term::Kind(kind.to_string()), arrival, &[], row));
        facts.labels.iter().for_each(|label| add(Term::Label(label.clone()), arrival, &[], row));
        for technique in techniques(facts) {
            add(Term::Technique(technique.to_owned()), arrival, &[], row);
        }
        for (property, target) in &facts.references {
            let end = layout::reference_end(property, &facts.object_type);
            add(Term::Reference(target.clone()), arrival, &end, row);
        }
    }
    // Copies that nobody may make are in no collection.
    if !has_copies {
        return rows;
    }
    let shelve =
        |shelf| if place == Place::Past { Term::PastCollection(shelf) } else { Term::Collection(shelf) };
    let mut shelves = vec![Shelf::All, Shelf::Type(facts.object_type.clone())];
    shelves.extend(Some(ObjectFamily::of(&facts.object_type)).filter(|it| it.is_mixed()).map(Shelf::Family));
    shelves.extend((place == Place::Past).then(|| Shelf::Id(facts.id.clone())));
    for shelf in shelves {
        add(shelve(shelf), arrival, &[], row);
    }
    rows
}

/// The techniques, and those that they are sub-techniques of.
fn techniques(facts: &Facts) -> BTreeSet<&str> {
    let parents = facts.techniques.iter().filter_map(|it| it.split_once('.').map(|(parent, _)| parent));
    facts.techniques.iter().map(String::as_str).chain(parents).collect()
}
