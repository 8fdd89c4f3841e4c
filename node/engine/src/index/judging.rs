//! What an id comes to, applied: objects that are shown no more move to the past, and those that are shown from here on
//! arrive again, after everything that readers have seen.
//!
//! Moving an object rewrites all its rows. What is too much for one commit is put off behind a mark in the store.

use std::ops::ControlFlow;

use super::rows::{Held, Rows};
use super::{Subject, Writing};
use crate::index::State;
use crate::layout::{self, Class};
use crate::limits::{JUDGED_IDS, REJUDGED_OBJECTS};
use crate::store::{Family, Order, StoreError};

impl Writing<'_> {
    /// Applies what an id, given as in keys, comes to. `fresh` are its objects that have no rows yet.
    pub(crate) fn judge(&mut self, id: &[u8], fresh: Vec<Subject>) -> Result<(), StoreError> {
        let mut state = self.state(id)?;
        let wanted = state.outcome();
        let mut done = true;
        for arrival in state.shown.difference(&wanted).copied().collect::<Vec<_>>() {
            let subject = self.subject(arrival)?;
            if !self.take_room(&subject) {
                done = false;
                continue;
            }
            let (before, held) = (self.rows(&subject, &state)?, self.unshelve(&subject, &state)?);
            state.shown.remove(&arrival);
            self.shelve(&subject, &mut state, &held)?;
            let after = self.rows(&subject, &state)?;
            self.replace(&before, after);
        }
        for arrival in state.shown.intersection(&wanted).copied().collect::<Vec<_>>() {
            // Others may have newer copies of their own by now, or none any more.
            let subject = self.subject(arrival)?;
            if subject.publishers.len() > 1 {
                let held = self.unshelve(&subject, &state)?;
                self.shelve(&subject, &mut state, &held)?;
            }
        }
        for arrival in wanted.difference(&state.shown).copied().collect::<Vec<_>>() {
            if fresh.iter().any(|subject| subject.object.arrival == arrival) {
                state.shown.insert(arrival);
                continue;
            }
            let subject = self.subject(arrival)?;
            if self.take_room(&subject) {
                self.arrive_again(subject, &mut state, true)?;
            } else {
                done = false;
            }
        }
        for subject in fresh {
            self.shelve(&subject, &mut state, &Held::new())?;
            let rows = self.rows(&subject, &state)?;
            self.replace(&Rows::new(), rows);
        }
        self.put_state(id, &state);
        if !done {
            self.put_off(id);
        }
        Ok(())
    }

    fn take_room(&mut self, subject: &Subject) -> bool {
        self.steps.take_terms(2 * subject.facts.terms())
    }

    /// The id is to be judged again.
    fn put_off(&mut self, id: &[u8]) {
        self.steps.put(Family::Control, layout::unjudged(id), Vec::new());
        self.ledger.has_unjudged = true;
    }

    /// Gives an object that is not shown another arrival, the latest; and shows it there, or not.
    pub(crate) fn arrive_again(
        &mut self,
        mut subject: Subject,
        state: &mut State,
        is_shown: bool,
    ) -> Result<(), StoreError> {
        let before = self.rows(&subject, state)?;
        self.unshelve(&subject, state)?;
        let (old, new) = (subject.object.arrival, self.ledger.next_arrival(self.now_ms));
        for member in subject.members() {
            for class in Class::ALL {
                let version = self.version(&subject.id, state, class, member, &subject.facts)?;
                if let Some(mut version) = version {
                    (version.arrival, version.stamp) = (new, new);
                    self.add_version(&subject.id, state, version);
                }
            }
        }
        for publisher in &subject.publishers[1..] {
            self.steps.delete(Family::Index, layout::publisher(old, &publisher.record));
            self.steps.put(Family::Index, layout::publisher(new, &publisher.record), publisher.encode());
        }
        self.delete_object(&subject);
        subject.object.arrival = new;
        self.put_object(&subject);
        self.note_arrival(new);
        if is_shown {
            state.shown.insert(new);
        }
        self.shelve(&subject, state, &Held::new())?;
        let after = self.rows(&subject, state)?;
        self.replace(&before, after);
        Ok(())
    }

    /// Takes away the object itself, and that its author made it.
    pub(crate) fn delete_object(&mut self, subject: &Subject) {
        let arrival = subject.object.arrival;
        self.steps.delete(Family::Object, layout::object(arrival));
        if let Some(identity) = &subject.facts.created_by {
            self.steps.delete(Family::Index, layout::at(layout::made_by(identity), arrival));
        }
    }

    /// Judges some of the ids that were put off; whether there were any.
    pub(crate) fn judge_portion(&mut self) -> Result<bool, StoreError> {
        let ids = self.unjudged(JUDGED_IDS)?;
        self.ledger.has_unjudged = ids.len() == JUDGED_IDS;
        for id in &ids {
            self.steps.delete(Family::Control, layout::unjudged(id));
            self.judge(id, Vec::new())?;
        }
        Ok(!ids.is_empty())
    }

    fn unjudged(&self, most: usize) -> Result<Vec<Vec<u8>>, StoreError> {
        let mut ids = Vec::new();
        let mut visit = |key: &[u8], _: &[u8]| {
            ids.push(key[1..].to_vec());
            if ids.len() < most { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        };
        let (from, to) = (layout::unjudged(&[]), layout::end_of(&layout::unjudged(&[])));
        self.steps.scan(self.store, Family::Control, &from, &to, Order::Ascending, &mut visit)?;
        Ok(ids)
    }

    /// Judges again what an identity made, from an arrival on, as its owners are others now. Gives the arrival to go on
    /// with, if there may be more.
    pub(crate) fn rejudge_portion(&mut self, identity: &str, from: u64) -> Result<Option<u64>, StoreError> {
        let arrivals = self.made_by(identity, from, REJUDGED_OBJECTS)?;
        let mut touched = Vec::new();
        for arrival in &arrivals {
            touched.push(self.reclassify(*arrival)?);
        }
        touched.sort();
        touched.dedup();
        for id in touched {
            self.judge(&id, Vec::new())?;
        }
        let is_end = arrivals.len() < REJUDGED_OBJECTS;
        Ok(arrivals.last().filter(|_| !is_end).map(|arrival| arrival + 1))
    }

    fn made_by(&self, identity: &str, from: u64, most: usize) -> Result<Vec<u64>, StoreError> {
        let prefix = layout::made_by(identity);
        let (mut arrivals, mut fault) = (Vec::new(), None);
        let mut visit = |key: &[u8], _: &[u8]| {
            match layout::arrival_of(key) {
                Ok(arrival) => arrivals.push(arrival),
                Err(e) => fault = Some(e),
            }
            let goes_on = arrivals.len() < most && fault.is_none();
            if goes_on { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        };
        let (from, to) = (layout::at(prefix.clone(), from), layout::end_of(&prefix));
        self.steps.scan(self.store, Family::Index, &from, &to, Order::Ascending, &mut visit)?;
        fault.map_or(Ok(arrivals), Err)
    }

    /// Counts each member's copy of an object as what it is under the owners that there are now; gives its id as in keys.
    fn reclassify(&mut self, arrival: u64) -> Result<Vec<u8>, StoreError> {
        let subject = self.subject(arrival)?;
        let mut state = self.state(&subject.id)?;
        let (before, held) = (self.rows(&subject, &state)?, self.unshelve(&subject, &state)?);
        self.steps.take_terms(subject.facts.terms());
        for member in subject.members() {
            let right = self.ledger.owners.class(subject.facts.created_by.as_deref(), member);
            for class in Class::ALL.into_iter().filter(|class| *class != right) {
                let version = self.version(&subject.id, &state, class, member, &subject.facts)?;
                if let Some(mut version) = version {
                    self.remove_version(&subject.id, &mut state, (class, member), &subject.facts)?;
                    version.class = right;
                    if class == Class::Impostor {
                        version.stamp = self.new_stamp();
                    }
                    self.add_version(&subject.id, &mut state, version);
                }
            }
        }
        let id = subject.id.clone();
        self.rewrite(subject, &mut state, &before, &held)?;
        self.put_state(&id, &state);
        Ok(id)
    }

    /// Writes what an object's rows become, once its copies have changed. One that was in no collection, as
    /// nobody might have published it, arrives again.
    pub(crate) fn rewrite(
        &mut self,
        subject: Subject,
        state: &mut State,
        before: &Rows,
        held: &Held,
    ) -> Result<(), StoreError> {
        self.shelve(&subject, state, held)?;
        let after = self.rows(&subject, state)?;
        self.replace(before, after);
        if held.is_empty() && !self.copies(&subject, state)?.is_empty() {
            self.arrive_again(subject, state, false)?;
        }
        Ok(())
    }
}
