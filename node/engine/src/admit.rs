//! The third step through the door: the place in the chain, and what is to be written.

use certmesh_intel::Tlp;
use certmesh_wire::{Audience, Header, LogId, MemberCode, Parcel, Record, RecordId, missing_mark};

use crate::allowance;
use crate::commit::{CommittedRecord, Steps};
use crate::engine::Engine;
use crate::layout::{self, LogState, Publisher, StoredObject};
use crate::refusal::Refusal;
use crate::store::{Family, Store, StoreError};
use crate::verify::{Content, PrecheckedBody, ReadObject, Verified, VerifiedBody};

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
        // All reads come before the first write and change of state: a read that fails must leave none.
        let known = known_arrivals(store, steps, &verified.content)?;
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

        let carrier = Carrier { record: record.id(), author, member, now_ms };
        let object_count = match &content {
            Content::Objects(objects) => objects.len(),
            _ => 0,
        };
        self.admit_content(&carrier, content, known, steps);
        self.counts.records += 1;
        self.put_counts(steps);
        self.logs.insert(header.log, state);
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
        let known = known_arrivals(store, steps, &content)?;
        steps.delete(Family::Control, missing);
        state.missing ^= missing_mark(seq);
        self.put_log(log, state, steps);
        steps.put(Family::Body, layout::place(number, seq), body);
        let carrier = Carrier { record: record.id(), author, member, now_ms };
        self.admit_content(&carrier, content, known, steps);
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

    fn admit_content(
        &mut self,
        carrier: &Carrier,
        content: Content,
        known: Vec<Option<u64>>,
        steps: &mut Steps,
    ) {
        match content {
            Content::Nothing | Content::Missing => {}
            Content::Void => self.counts.void += 1,
            Content::Objects(objects) => {
                for (object, known) in objects.into_iter().zip(known) {
                    // The same text may stand twice in one commit, or in one body.
                    match known.or_else(|| steps.object(&object.sha256)) {
                        Some(arrival) => index_publication(steps, carrier, &object, arrival),
                        None => self.admit_object(carrier, object, steps),
                    }
                }
            }
        }
    }

    /// An arrival that was never given before.
    pub(crate) fn next_arrival(&mut self, now_ms: u64) -> u64 {
        self.last_arrival = now_ms.max(self.last_arrival + 1);
        self.last_arrival
    }

    fn admit_object(&mut self, carrier: &Carrier, object: ReadObject, steps: &mut Steps) {
        let arrival = self.next_arrival(carrier.now_ms);
        self.counts.objects += 1;
        self.counts.indicators += u64::from(object.object_type == "indicator");
        steps.add_object(object.sha256, arrival);
        steps.put(Family::Index, layout::digest(&object.sha256), arrival.to_be_bytes().to_vec());
        let by_type = layout::at(layout::object_type(&object.object_type), arrival);
        steps.put(Family::Index, by_type, Vec::new());
        for mention in &object.observables {
            steps.put(Family::Index, layout::observable(&mention.observable, arrival), Vec::new());
        }
        index_publication(steps, carrier, &object, arrival);
        let stored = StoredObject {
            arrival,
            received_ms: carrier.now_ms,
            member: carrier.member,
            node: carrier.author,
            record: carrier.record,
            tlp: object.tlp,
            revoked: object.revoked,
            id: object.id,
            json: object.json,
        };
        steps.put(Family::Object, layout::object(arrival), stored.encode());
        steps.put(Family::Meta, layout::LAST_ARRIVAL.to_vec(), arrival.to_be_bytes().to_vec());
    }
}

/// What an object has from the record that carries it.
struct Carrier {
    record: RecordId,
    author: certmesh_wire::NodeId,
    member: MemberCode,
    now_ms: u64,
}

/// For each object, where the same bytes stand in the store already.
fn known_arrivals(
    store: &dyn Store,
    steps: &Steps,
    content: &Content,
) -> Result<Vec<Option<u64>>, StoreError> {
    let Content::Objects(objects) = content else { return Ok(Vec::new()) };
    let known = |object: &ReadObject| match steps.object(&object.sha256) {
        Some(arrival) => Ok(Some(arrival)),
        None => {
            let value = store.get(Family::Index, &layout::digest(&object.sha256))?;
            value.map(|value| layout::arrival_of(&value)).transpose()
        }
    };
    objects.iter().map(known).collect()
}

/// Who published these bytes: the first time makes the object, later ones add to its provenance.
fn index_publication(steps: &mut Steps, carrier: &Carrier, object: &ReadObject, arrival: u64) {
    let by_member = layout::at(layout::member(carrier.member), arrival);
    steps.put(Family::Index, by_member, Vec::new());
    let version = layout::version(&object.id, carrier.member, object.modified, &object.sha256, arrival);
    steps.put(Family::Index, version, Vec::new());
    let publisher = Publisher { record: carrier.record, member: carrier.member, node: carrier.author };
    steps.put(Family::Index, layout::publication(arrival, &carrier.record), publisher.encode());
}
