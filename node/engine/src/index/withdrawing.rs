//! Publications that go: those of records that no longer count. What another record has published too stays, with that
//! one as its provenance.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use certmesh_wire::RecordId;

use super::rows::Rows;
use super::{Subject, Writing};
use crate::layout::{self, Class, Publisher};
use crate::store::{Family, StoreError};
use crate::verify::ReadObject;

/// Ids, as in keys, that are to be judged again.
pub(crate) type Touched = BTreeSet<Vec<u8>>;

impl Writing<'_> {
    /// Withdraws what a record has published.
    pub(crate) fn withdraw(
        &mut self,
        record: &RecordId,
        objects: &[ReadObject],
        touched: &mut Touched,
    ) -> Result<(), StoreError> {
        for ReadObject { facts, .. } in objects {
            let id = layout::id(&facts.id);
            let state = self.state(&id)?;
            let Some(arrival) = self.find(&id, &state, facts)? else { continue };
            if self.withdraw_one_of_many(record, arrival)? {
                continue;
            }
            let subject = self.subject(arrival)?;
            if subject.publishers.iter().any(|publisher| publisher.record == *record) {
                self.withdraw_from(record, subject)?;
                touched.insert(id);
            }
        }
        Ok(())
    }

    /// Withdraws a later publication of an object whose member has published it in another record too, so that all else
    /// stays as it is: without a look at everybody who did. Whether it was one.
    fn withdraw_one_of_many(&mut self, record: &RecordId, arrival: u64) -> Result<bool, StoreError> {
        let key = layout::publisher(arrival, record);
        let Some(value) = self.get(Family::Index, &key)? else { return Ok(false) };
        let gone = Publisher::decode(&key, &value)?;
        // A copy is ahead if all of its member's publications are.
        let stays = |one: &Publisher| {
            one.member == gone.member && one.record != gone.record && (gone.ahead || !one.ahead)
        };
        let is_one_of_many = stays(&self.object(arrival)?.publisher()) || {
            let mut found = false;
            self.each_later_publisher(arrival, |one| {
                found = stays(&one);
                if found { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            })?;
            found
        };
        if is_one_of_many {
            self.steps.delete(Family::Index, key);
        }
        Ok(is_one_of_many)
    }

    /// Applies what the ids come to.
    pub(crate) fn judge_all(&mut self, touched: Touched) -> Result<(), StoreError> {
        touched.into_iter().try_for_each(|id| self.judge(&id, Vec::new()))
    }

    fn withdraw_from(&mut self, record: &RecordId, mut subject: Subject) -> Result<(), StoreError> {
        let id = subject.id.clone();
        let mut state = self.state(&id)?;
        let (before, held) = (self.rows(&subject, &state)?, self.unshelve(&subject, &state)?);
        let Some(at) = subject.publishers.iter().position(|it| it.record == *record) else { return Ok(()) };
        let gone = subject.publishers.remove(at);
        let left: Vec<_> = subject.publishers.iter().filter(|it| it.member == gone.member).collect();
        let is_ahead = left.iter().all(|publisher| publisher.ahead);
        let is_left = !left.is_empty();
        for class in Class::ALL {
            let version = self.version(&id, &state, class, gone.member, &subject.facts)?;
            match version {
                Some(mut version) if is_left => {
                    version.ahead = is_ahead;
                    self.add_version(&id, &mut state, version);
                }
                Some(_) => self.remove_version(&id, &mut state, (class, gone.member), &subject.facts)?,
                None => {}
            }
        }
        let arrival = subject.object.arrival;
        if at > 0 {
            self.steps.delete(Family::Index, layout::publisher(arrival, record));
        } else if let Some(first) = subject.publishers.first() {
            // The next one takes its place beside the object.
            self.steps.delete(Family::Index, layout::publisher(arrival, &first.record));
            subject.object.set_publisher(first);
            self.put_object(&subject);
        }
        let after = if subject.publishers.is_empty() {
            self.forget(&subject);
            state.shown.remove(&arrival);
            Rows::new()
        } else {
            self.shelve(&subject, &mut state, &held)?;
            self.rows(&subject, &state)?
        };
        self.replace(&before, after);
        self.put_state(&id, &state);
        Ok(())
    }

    /// Takes away an object that nobody publishes any more.
    pub(crate) fn forget(&mut self, subject: &Subject) {
        self.delete_object(subject);
        let counts = &mut self.ledger.counts;
        counts.objects = counts.objects.saturating_sub(1);
        counts.indicators =
            counts.indicators.saturating_sub(u64::from(subject.facts.object_type == "indicator"));
    }
}
