//! The index and the views as they are written: part of the one batch of whatever changes them.
//!
//! An object is a text, and whoever published the same bytes. It stands where its [`State`] puts it: *live*, shown to
//! readers and found by all that it says; *revoked*, shown to those who follow collections, so that they learn of it;
//! or *past*, found by what it mentions and in the history of collections. [`rows`] are what it has in the index
//! there. Publications come and go ([`publishing`], [`withdrawing`]); then each id that they touch is judged once
//! ([`judging`]), and whatever becomes visible arrives again.
//!
//! All reads see what this commit adds, so several versions of one id may come in one commit, and an object may
//! move twice.

mod facts;
mod judging;
pub(crate) mod owners;
mod publishing;
pub(crate) mod rebuild;
mod rows;
mod state;
pub(crate) mod withdrawing;

use std::ops::ControlFlow;
use std::sync::Arc;

use certmesh_intel::Tlp;
use certmesh_wire::MemberCode;

use crate::commit::Steps;
use crate::layout::{self, Class, Counts, Publisher, StoredObject, Version, damaged_index};
use crate::store::{Family, Order, Store, StoreError};
use crate::views::KnownValues;

pub(crate) use facts::{Facts, to_ms};
pub(crate) use owners::Owners;
pub(crate) use publishing::Carrier;
pub(crate) use state::State;

/// What the index keeps in memory.
#[derive(Debug, Clone)]
pub(crate) struct Ledger {
    pub(crate) counts: Counts,
    pub(crate) last_arrival: u64,
    /// Whose identities there are.
    pub(crate) owners: Owners,
    /// Whether ids wait to be judged again.
    pub(crate) has_unjudged: bool,
    pub(crate) known: Arc<KnownValues>,
}

impl Ledger {
    /// What the store says, and a filter that knows nothing yet.
    pub(crate) fn open(store: &dyn Store, owners: Owners) -> Result<Self, StoreError> {
        let mut ledger = Self {
            counts: crate::views::counts(store)?,
            last_arrival: crate::engine::last_arrival(store)?,
            owners,
            has_unjudged: false,
            known: Arc::default(),
        };
        let (from, to) = (layout::unjudged(&[]), layout::end_of(&layout::unjudged(&[])));
        let mut visit = |_: &[u8], _: &[u8]| {
            ledger.has_unjudged = true;
            ControlFlow::Break(())
        };
        store.scan(Family::Control, &from, &to, Order::Ascending, &mut visit)?;
        Ok(ledger)
    }

    /// An arrival that was never given before.
    pub(crate) fn next_arrival(&mut self, now_ms: u64) -> u64 {
        self.last_arrival = now_ms.max(self.last_arrival + 1);
        self.last_arrival
    }
}

/// The index as one commit changes it.
pub(crate) struct Writing<'a> {
    pub(crate) store: &'a dyn Store,
    pub(crate) ledger: &'a mut Ledger,
    pub(crate) now_ms: u64,
    pub(crate) steps: &'a mut Steps,
}

/// An object with all that its rows come from.
#[derive(Debug, Clone)]
pub(crate) struct Subject {
    pub(crate) object: StoredObject,
    pub(crate) facts: Facts,
    /// Its id as in keys.
    pub(crate) id: Vec<u8>,
    /// Everyone who published these bytes: the first, who stands with the object, and then the others.
    pub(crate) publishers: Vec<Publisher>,
}

impl Subject {
    fn members(&self) -> Vec<MemberCode> {
        let mut members: Vec<_> = self.publishers.iter().map(|publisher| publisher.member).collect();
        members.sort();
        members.dedup();
        members
    }
}

impl Writing<'_> {
    fn get(&self, family: Family, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.steps.get(self.store, family, key)
    }

    /// The state of an id, given as in keys.
    pub(crate) fn state(&self, id: &[u8]) -> Result<State, StoreError> {
        let value = self.get(Family::Index, &layout::state(id))?;
        value.map_or(Ok(State::default()), |value| State::decode(&value))
    }

    pub(crate) fn put_state(&mut self, id: &[u8], state: &State) {
        let key = layout::state(id);
        if state.is_empty() {
            self.steps.delete(Family::Index, key);
        } else {
            self.steps.put(Family::Index, key, state.encode());
        }
    }

    /// A member's copy of a text.
    fn version(
        &self,
        id: &[u8],
        state: &State,
        class: Class,
        member: MemberCode,
        facts: &Facts,
    ) -> Result<Option<Version>, StoreError> {
        let Some(newest) = state.newest_of(class, member) else { return Ok(None) };
        if newest.sha256 == facts.sha256 {
            return Ok(Some(newest.clone()));
        }
        let key = layout::version(id, (class, member, facts.tlp), facts.modified, &facts.sha256);
        let value = self.get(Family::Index, &key)?;
        let decode = |value: Vec<u8>| Version::decode(&key[layout::versions(id).len()..], &value);
        value.map(decode).transpose()
    }

    /// Where the same bytes stand already.
    fn find(&self, id: &[u8], state: &State, facts: &Facts) -> Result<Option<u64>, StoreError> {
        for newest in state.newest() {
            if let Some(version) = self.version(id, state, newest.class, newest.member, facts)? {
                return Ok(Some(version.arrival));
            }
        }
        Ok(None)
    }

    /// The object that arrived then, with all that its rows come from.
    pub(crate) fn subject(&self, arrival: u64) -> Result<Subject, StoreError> {
        let object = self.object(arrival)?;
        let facts = Facts::read(&object.json).ok_or_else(|| damaged_index("a stored object is none"))?;
        let mut publishers = vec![object.publisher()];
        self.each_later_publisher(arrival, |publisher| {
            publishers.push(publisher);
            ControlFlow::Continue(())
        })?;
        Ok(Subject { id: layout::id(&facts.id), object, facts, publishers })
    }

    /// The object that arrived then.
    fn object(&self, arrival: u64) -> Result<StoredObject, StoreError> {
        let key = layout::object(arrival);
        let value = self.get(Family::Object, &key)?;
        StoredObject::decode(
            &key,
            &value.ok_or_else(|| damaged_index("the index names an object that is not there"))?,
        )
    }

    /// Everyone who published the object that arrived then, after the first who did.
    fn each_later_publisher(
        &self,
        arrival: u64,
        mut each: impl FnMut(Publisher) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        let (prefix, mut fault) = (layout::publishers(arrival), None);
        let mut visit = |key: &[u8], value: &[u8]| match Publisher::decode(key, value) {
            Ok(publisher) => each(publisher),
            Err(e) => {
                fault = Some(e);
                ControlFlow::Break(())
            }
        };
        let end = layout::end_of(&prefix);
        self.steps.scan(self.store, Family::Index, &prefix, &end, Order::Ascending, &mut visit)?;
        fault.map_or(Ok(()), Err)
    }

    /// Puts a member's copy among the versions of its id.
    fn add_version(&mut self, id: &[u8], state: &mut State, version: Version) {
        let newest = state.newest_of(version.class, version.member);
        let is_newest =
            newest.is_none_or(|newest| newest.sha256 == version.sha256 || newest.rank() < version.rank());
        let older = if is_newest { state.set(version.clone()) } else { Some(version.clone()) };
        if let Some(older) = older.filter(|older| !is_newest || older.sha256 != version.sha256) {
            self.steps.put(Family::Index, older.key(id), older.encode());
        }
    }

    /// Takes a member's copy from the versions of its id.
    fn remove_version(
        &mut self,
        id: &[u8],
        state: &mut State,
        (class, member): (Class, MemberCode),
        facts: &Facts,
    ) -> Result<(), StoreError> {
        if state.newest_of(class, member).is_some_and(|newest| newest.sha256 == facts.sha256) {
            match self.newest_older(id, class, member)? {
                Some(older) => {
                    self.steps.delete(Family::Index, older.key(id));
                    state.set(older);
                }
                None => state.remove(class, member),
            }
        } else {
            let key = layout::version(id, (class, member, facts.tlp), facts.modified, &facts.sha256);
            self.steps.delete(Family::Index, key);
        }
        Ok(())
    }

    fn newest_older(
        &self,
        id: &[u8],
        class: Class,
        member: MemberCode,
    ) -> Result<Option<Version>, StoreError> {
        let (mut newest, skip) = (None::<Version>, layout::versions(id).len());
        for tlp in Tlp::ALL {
            let prefix = layout::versions_of(id, class, member, tlp);
            let mut last = Ok(None);
            let mut visit = |key: &[u8], value: &[u8]| {
                last = Version::decode(&key[skip..], value).map(Some);
                ControlFlow::Break(())
            };
            let end = layout::end_of(&prefix);
            self.steps.scan(self.store, Family::Index, &prefix, &end, Order::Descending, &mut visit)?;
            newest = newest.into_iter().chain(last?).max_by_key(Version::rank);
        }
        Ok(newest)
    }
}
