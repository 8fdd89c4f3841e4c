//! The third step through the door: the place in the chain, and what is to be written.

use certmesh_intel::Tlp;
use certmesh_wire::{Audience, Header, LogId, Parcel, Record, RecordId, missing_mark};

use crate::allowance;
use crate::commit::{CommittedRecord, Steps};
use crate::engine::Engine;
use crate::index::Carrier;
use crate::layout::{self, LogState};
use crate::refusal::Refusal;
use crate::store::{Family, Store, StoreError};
use crate::verify::{Content, PrecheckedBody, ReadObject, Verified, VerifiedBody, read_content};

impl Engine {
    /// Takes a verified record into its log. It counts once `steps` are committed, not before.
    ///
    /// `now_ms` is this node's clock, milliseconds since 1970 UTC; it stamps arrivals and decides nothing.
    pub fn admit(
        &mut self,
        store: &dyn Store,
        verified: Verified,
        now_ms: u64,
        steps: &mut Steps,
    ) -> Result<(), Refusal> {
        let state = match self.check_place(store, &verified, steps) {
            Err(refusal @ Refusal::Fork { .. }) => {
                self.suspect_place(store, &verified.record, steps)?;
                return Err(refusal);
            }
            place => place?,
        };
        let Verified { record, author, body, content } = verified;
        let header = record.header();
        let place = layout::place(state.number, header.seq);
        // The door's first step saw to it that the log is known.
        let opening = self.membership.log(header.log).ok_or(Refusal::UnknownLog(header.log))?;
        let member = opening.member;
        let for_all = opening.audience == Audience::All;

        steps.put(Family::Log, place.clone(), record.signed().to_vec());
        match (&body, &content) {
            (Some(body), _) => steps.put(Family::Body, place.clone(), body.clone()),
            (None, Content::Missing) => {
                let missing = layout::at(layout::missing_bodies(state.number), header.seq);
                steps.put(Family::Control, missing, Vec::new());
                // Another branch may have left its body there.
                steps.delete(Family::Body, place.clone());
            }
            (None, _) => {}
        }
        steps.put(Family::Control, layout::record(&record.id()), place);
        steps.put(Family::Control, layout::log(&header.log), state.encode());

        let carrier = Carrier::new(record.id(), header, author, member);
        let object_count = match &content {
            Content::Objects(objects) => objects.len(),
            _ => 0,
        };
        self.ledger.counts.records += 1;
        self.logs.insert(header.log, state);
        let place = (state.number, header.seq);
        self.admit_content(store, place, &carrier, content, now_ms, steps)?;
        self.put_counts(steps);
        steps.add_record(CommittedRecord {
            id: record.id(),
            log: header.log,
            seq: header.seq,
            author,
            for_all,
            parcel: Parcel::new(record.signed().to_vec(), body),
            object_count,
        });
        Ok(())
    }

    /// The first step for a body that comes by itself: whether a header here waits for it.
    pub fn precheck_body(
        &self,
        store: &dyn Store,
        log: LogId,
        seq: u64,
        body: Vec<u8>,
    ) -> Result<PrecheckedBody, Refusal> {
        let unwanted = Refusal::BodyUnwanted { log, seq };
        let (Some(state), Some(opening)) = (self.logs.get(&log), self.membership.log(log)) else {
            return Err(unwanted);
        };
        let missing = layout::at(layout::missing_bodies(state.number), seq);
        if store.get(Family::Control, &missing)?.is_none() {
            return Err(unwanted);
        }
        let signed = store.get(Family::Log, &layout::place(state.number, seq))?.ok_or(unwanted)?;
        Ok(PrecheckedBody { record: Record::decode(&signed)?, author: opening.node, body })
    }

    /// Takes a body that a header here waits for. It counts once `steps` are committed.
    pub fn admit_body(
        &mut self,
        store: &dyn Store,
        verified: VerifiedBody,
        now_ms: u64,
        steps: &mut Steps,
    ) -> Result<(), Refusal> {
        let VerifiedBody { record, author, body, content } = verified;
        let (log, seq) = (record.header().log, record.header().seq);
        let unwanted = || Refusal::BodyUnwanted { log, seq };
        let mut state = *self.logs.get(&log).ok_or_else(unwanted)?;
        let number = state.number;
        let missing = layout::at(layout::missing_bodies(number), seq);
        if self.is_disputed(log, seq)
            || steps.has_body(&record.id())
            || store.get(Family::Control, &missing)?.is_none()
        {
            return Err(unwanted());
        }
        let member = self.membership.log(log).ok_or_else(unwanted)?.member;
        steps.delete(Family::Control, missing);
        state.missing ^= missing_mark(seq);
        self.put_log(log, state, steps);
        steps.put(Family::Body, layout::place(number, seq), body);
        let carrier = Carrier::new(record.id(), record.header(), author, member);
        self.admit_content(store, (number, seq), &carrier, content, now_ms, steps)?;
        self.put_counts(steps);
        steps.add_body(record.id());
        Ok(())
    }

    /// The log's state after this record, if the record is the next one of its log.
    fn check_place(
        &self,
        store: &dyn Store,
        verified: &Verified,
        steps: &Steps,
    ) -> Result<LogState, Refusal> {
        let (record, header) = (&verified.record, verified.record.header());
        let id = record.id();
        let state = self.logs.get(&header.log).copied();
        let next = state.map_or(0, |state| state.next);
        if self.is_disputed(header.log, header.seq) {
            return Err(Refusal::Disputed { id, seq: header.seq });
        }
        if header.seq > next {
            return Err(Refusal::Gap { id, seq: header.seq, next, parked: false });
        }
        if header.seq < next {
            let here = steps.has_record(&id) || self.is_in_place(store, record)?;
            return Err(if here { Refusal::Duplicate(id) } else { Refusal::Fork { id, seq: header.seq } });
        }
        if header.prev != state.filter(|state| state.next > 0).map(|state| state.head) {
            return Err(Refusal::Fork { id, seq: header.seq });
        }
        let vouched = self.membership.checkpoint(header.log).filter(|at| at.seq == header.seq);
        if vouched.is_some_and(|at| at.record != id) {
            return Err(Refusal::Cut { id });
        }
        self.check_rules(id, header, state.map_or(0, |state| state.roster))?;
        let number = self.logs.len() as u32;
        let before = state.unwrap_or(LogState { number, next: 0, head: id, roster: 0, bytes: 0, missing: 0 });
        let after = LogState {
            number: before.number,
            next: header.seq + 1,
            head: id,
            roster: header.roster,
            bytes: before.bytes + allowance::bytes_of(record),
            missing: match verified.content {
                Content::Missing => before.missing ^ missing_mark(header.seq),
                _ => before.missing,
            },
        };
        self.check_allowance(id, &after)?;
        Ok(after)
    }

    /// What holds for a record by its header, its log and the membership.
    fn check_rules(&self, id: RecordId, header: &Header, head_roster: u64) -> Result<(), Refusal> {
        let known = self.membership.known_version();
        if header.roster < head_roster {
            return Err(Refusal::RosterDecreases { id, found: header.roster, head: head_roster });
        }
        if header.roster > known {
            return Err(Refusal::RosterAhead { id, found: header.roster, known });
        }
        let opening = self.membership.log(header.log).ok_or(Refusal::UnknownLog(header.log))?;
        if opening.audience == Audience::All && header.tlp > Tlp::Amber as u8 {
            return Err(Refusal::Tlp { id });
        }
        match self.membership.writer(header.log) {
            Some(node) if node.cuts_off(header.log, header.seq, id) => Err(Refusal::Cut { id }),
            _ => Ok(()),
        }
    }

    fn check_allowance(&self, id: RecordId, after: &LogState) -> Result<(), Refusal> {
        let allowed = allowance::allows(self.membership.roster().limits, after);
        allowed.then_some(()).ok_or(Refusal::Allowance { id })
    }

    /// Takes what a body holds. A store that can't be read in the middle of it fails the commit.
    fn admit_content(
        &mut self,
        store: &dyn Store,
        place: (u32, u64),
        carrier: &Carrier,
        content: Content,
        now_ms: u64,
        steps: &mut Steps,
    ) -> Result<(), StoreError> {
        match content {
            Content::Nothing | Content::Missing => Ok(()),
            Content::Void => {
                self.ledger.counts.void += 1;
                Ok(())
            }
            Content::Objects(objects) => {
                self.index_objects(store, (place, 0), carrier, objects, now_ms, steps)
            }
        }
    }

    /// Indexes the objects of a record, the first of which is its `from`th. What one commit can't hold goes on
    /// behind a mark.
    fn index_objects(
        &mut self,
        store: &dyn Store,
        ((number, seq), from): ((u32, u64), usize),
        carrier: &Carrier,
        objects: Vec<ReadObject>,
        now_ms: u64,
        steps: &mut Steps,
    ) -> Result<(), StoreError> {
        let (count, key) = (objects.len(), layout::unindexed(number, seq));
        let published = self.writing(store, now_ms, steps).publish(carrier, objects);
        let taken = published.inspect_err(|fault| steps.fail(fault.clone()))?;
        if taken < count {
            let next = (from + taken) as u32;
            steps.put(Family::Control, key, next.to_be_bytes().to_vec());
            self.unindexed.insert((number, seq), next);
        } else if from > 0 {
            steps.delete(Family::Control, key);
            self.unindexed.remove(&(number, seq));
        }
        Ok(())
    }

    /// Indexes the next portion of a record that one commit could not hold; whether there was any.
    pub(crate) fn index_portion(
        &mut self,
        store: &dyn Store,
        now_ms: u64,
        steps: &mut Steps,
    ) -> Result<bool, StoreError> {
        let Some((place, from)) = self.unindexed.iter().next().map(|(place, from)| (*place, *from)) else {
            return Ok(false);
        };
        let (number, seq) = place;
        let record = layout::read_record(store, number, seq)?;
        let body = store.get(Family::Body, &layout::place(number, seq))?;
        if let (Some(record), Some(body)) = (record, body)
            && let Some(opening) = self.membership.log(record.header().log)
            && let Content::Objects(mut objects) = read_content(&record, &body)
        {
            let (author, member) = (opening.node, opening.member);
            let carrier = Carrier::new(record.id(), record.header(), author, member);
            let rest = objects.split_off(objects.len().min(from as usize));
            self.index_objects(store, (place, from as usize), &carrier, rest, now_ms, steps)?;
        } else {
            self.forget_unindexed(place, steps);
        }
        self.put_counts(steps);
        Ok(true)
    }

    /// Nothing of this record is to be indexed any more.
    pub(crate) fn forget_unindexed(&mut self, place: (u32, u64), steps: &mut Steps) {
        if self.unindexed.remove(&place).is_some() {
            steps.delete(Family::Control, layout::unindexed(place.0, place.1));
        }
    }
}
