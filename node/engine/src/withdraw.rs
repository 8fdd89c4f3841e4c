//! Withdrawing: objects whose records no longer count leave the views and every index. What another
//! record has published too stays, with that one as its provenance; and a version that the withdrawn
//! one had replaced is seen again, with an arrival of its own, so that no reader's cursor misses it.
//!
//! A log may lose a long tail at once. Which part of it is still to go is kept in the store, and
//! [`Engine::resume`] goes on with it, a portion a commit, also after a restart.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use certmesh_intel::{Object, observable};
use certmesh_wire::{Kind, LogId, MemberCode, Record, RecordId, missing_mark, sha256};

use crate::allowance;
use crate::commit::Steps;
use crate::engine::Engine;
use crate::layout::{self, Publisher, StoredObject};
use crate::limits::{WITHDRAW_BYTES, WITHDRAW_RECORDS};
use crate::store::{Family, Order, Store, StoreError};

/// A part of a log whose records no longer count, and have still to be withdrawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pending {
    /// The first place.
    pub(crate) from: u64,
    /// The place after the last one.
    pub(crate) to: u64,
}

impl Engine {
    /// Notes that a part of a log is to be withdrawn.
    pub(crate) fn note_pending(&mut self, log: LogId, part: Pending, steps: &mut Steps) {
        let whole = match self.pending.get(&log) {
            Some(known) => Pending { from: known.from.min(part.from), to: known.to.max(part.to) },
            None => part,
        };
        steps.put(Family::Control, layout::pending(&log), layout::encode_pending(&whole));
        self.pending.insert(log, whole);
    }

    /// Withdraws the next portion of what is pending; whether there was any.
    pub(crate) fn withdraw_portion(
        &mut self,
        store: &dyn Store,
        now_ms: u64,
        steps: &mut Steps,
    ) -> Result<bool, StoreError> {
        let Some((log, mut part)) = self.pending.iter().next().map(|(log, part)| (*log, *part)) else {
            return Ok(false);
        };
        let Some(mut state) = self.logs.get(&log).copied() else {
            self.pending.remove(&log);
            return Ok(true);
        };
        let number = state.number;
        let (mut withdrawal, mut bytes, mut records) = (Withdrawal::default(), 0, 0);
        // The newest first: what is pending stays one range, which ends ever lower.
        while part.from < part.to && records < WITHDRAW_RECORDS && bytes < WITHDRAW_BYTES {
            part.to -= 1;
            records += 1;
            let missing = layout::at(layout::missing_bodies(number), part.to);
            if store.get(Family::Control, &missing)?.is_some() {
                state.missing ^= missing_mark(part.to);
                steps.delete(Family::Control, missing);
            }
            if let Some(record) = layout::read_record(store, number, part.to)? {
                let body = store.get(Family::Body, &layout::place(number, part.to))?;
                bytes += record.header().body.map_or(0, |body| body.raw_len as usize);
                state.bytes = state.bytes.saturating_sub(allowance::bytes_of(&record));
                withdrawal.record(store, &record, body)?;
            }
        }
        let mut writing = Writing { store, engine: self, now_ms, steps };
        writing.write(withdrawal)?;
        self.put_log(log, state, steps);
        if part.from < part.to {
            steps.put(Family::Control, layout::pending(&log), layout::encode_pending(&part));
            self.pending.insert(log, part);
        } else {
            steps.delete(Family::Control, layout::pending(&log));
            self.pending.remove(&log);
        }
        self.put_counts(steps);
        Ok(true)
    }
}

/// Publications to be withdrawn with one commit.
#[derive(Debug, Default)]
struct Withdrawal {
    /// For each arrival, the records that no longer count and brought it.
    publications: BTreeMap<u64, BTreeSet<RecordId>>,
    /// How many of the records had a void body.
    void: u64,
}

impl Withdrawal {
    /// Notes what a record has brought.
    fn record(
        &mut self,
        store: &dyn Store,
        record: &Record,
        body: Option<Vec<u8>>,
    ) -> Result<(), StoreError> {
        let header = record.header();
        let Some(reference) = header.body.filter(|_| header.kind == Kind::OBJECTS) else { return Ok(()) };
        let Some(body) = body else { return Ok(()) };
        let (texts, mut brought) = (reference.unpack(&body).unwrap_or_default(), false);
        for text in texts {
            let digest = layout::digest(&sha256(&[text.as_bytes()]));
            if let Some(arrival) = store.get(Family::Index, &digest)? {
                let arrival = layout::arrival_of(&arrival)?;
                // The texts of a void body may stand in the index by another record's doing.
                let key = layout::publication(arrival, &record.id());
                if store.get(Family::Index, &key)?.is_some() {
                    self.publications.entry(arrival).or_default().insert(record.id());
                    brought = true;
                }
            }
        }
        self.void += u64::from(!brought);
        Ok(())
    }
}

/// A withdrawal as it is written.
struct Writing<'a> {
    store: &'a dyn Store,
    engine: &'a mut Engine,
    now_ms: u64,
    steps: &'a mut Steps,
}

impl Writing<'_> {
    fn write(&mut self, withdrawal: Withdrawal) -> Result<(), StoreError> {
        let mut gone: BTreeMap<(String, MemberCode), BTreeSet<u64>> = BTreeMap::new();
        for (arrival, records) in &withdrawal.publications {
            let key = layout::object(*arrival);
            let Some(value) = self.store.get(Family::Object, &key)? else { continue };
            let object = StoredObject::decode(&key, &value)?;
            for member in self.withdraw(&object, records)? {
                gone.entry((object.id.clone(), member)).or_default().insert(*arrival);
            }
        }
        let counts = &mut self.engine.counts;
        counts.void = counts.void.saturating_sub(withdrawal.void);
        let mut revived = BTreeSet::new();
        for ((id, member), arrivals) in &gone {
            revived.extend(self.next_newest(id, *member, arrivals)?);
        }
        for arrival in revived.into_iter().filter(|arrival| !withdrawal.publications.contains_key(arrival)) {
            self.arrive_again(arrival)?;
        }
        Ok(())
    }

    /// Takes these records' publications from an object; gives the members that no longer publish it.
    fn withdraw(
        &mut self,
        object: &StoredObject,
        records: &BTreeSet<RecordId>,
    ) -> Result<BTreeSet<MemberCode>, StoreError> {
        let publishers = layout::publishers(self.store, object.arrival)?;
        let (lost, left): (Vec<_>, Vec<_>) =
            publishers.into_iter().partition(|publisher| records.contains(&publisher.record));
        let mut members = BTreeSet::new();
        for publisher in lost {
            self.steps.delete(Family::Index, layout::publication(object.arrival, &publisher.record));
            if !left.iter().any(|other| other.member == publisher.member) {
                delete_publication(object, publisher.member, self.steps);
                members.insert(publisher.member);
            }
        }
        match left.first() {
            None => delete_object(object, self.engine, self.steps),
            Some(other) if records.contains(&object.record) => {
                let (member, node, record) = (other.member, other.node, other.record);
                let moved = StoredObject { member, node, record, ..object.clone() };
                self.steps.put(Family::Object, layout::object(object.arrival), moved.encode());
            }
            Some(_) => {}
        }
        Ok(members)
    }

    /// The newest version that a member still publishes, if a newer one of it is gone.
    fn next_newest(
        &self,
        id: &str,
        member: MemberCode,
        gone: &BTreeSet<u64>,
    ) -> Result<Option<u64>, StoreError> {
        let prefix = layout::versions_of(id, member);
        let (mut newest, mut skipped) = (Ok(None), false);
        let mut visit = |key: &[u8], _: &[u8]| match layout::arrival_of(key) {
            Ok(arrival) if gone.contains(&arrival) => {
                skipped = true;
                ControlFlow::Continue(())
            }
            arrival => {
                newest = arrival.map(|arrival| Some(arrival).filter(|_| skipped));
                ControlFlow::Break(())
            }
        };
        let end = layout::end_of(&prefix);
        self.store.scan(Family::Index, &prefix, &end, Order::Descending, &mut visit)?;
        newest
    }

    /// Gives an object another arrival, the latest.
    fn arrive_again(&mut self, arrival: u64) -> Result<(), StoreError> {
        let key = layout::object(arrival);
        let Some(value) = self.store.get(Family::Object, &key)? else { return Ok(()) };
        let object = StoredObject::decode(&key, &value)?;
        let publishers = layout::publishers(self.store, arrival)?;
        let moved = StoredObject { arrival: self.engine.next_arrival(self.now_ms), ..object.clone() };
        for (object, write) in [(&object, false), (&moved, true)] {
            for key in index_keys(object, &publishers) {
                if write {
                    self.steps.put(Family::Index, key.0, key.1);
                } else {
                    self.steps.delete(Family::Index, key.0);
                }
            }
        }
        self.steps.delete(Family::Object, key);
        self.steps.put(Family::Object, layout::object(moved.arrival), moved.encode());
        self.steps.add_object(sha256(&[moved.json.as_bytes()]), moved.arrival);
        self.steps.put(Family::Meta, layout::LAST_ARRIVAL.to_vec(), moved.arrival.to_be_bytes().to_vec());
        Ok(())
    }
}

/// Every key of the index that speaks of an object, with its value.
fn index_keys(object: &StoredObject, publishers: &[Publisher]) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut keys = content_keys(object);
    let (modified, sha256) = (modified_of(object), sha256(&[object.json.as_bytes()]));
    for publisher in publishers {
        let member = publisher.member;
        keys.push((layout::at(layout::member(member), object.arrival), Vec::new()));
        keys.push((layout::version(&object.id, member, modified, &sha256, object.arrival), Vec::new()));
        keys.push((layout::publication(object.arrival, &publisher.record), publisher.encode()));
    }
    keys
}

/// The keys that an object has whoever published it.
fn content_keys(object: &StoredObject) -> Vec<(Vec<u8>, Vec<u8>)> {
    let arrival = object.arrival;
    let digest = layout::digest(&sha256(&[object.json.as_bytes()]));
    let mut keys = vec![(digest, arrival.to_be_bytes().to_vec())];
    if let Ok(read) = Object::read(&object.json) {
        keys.push((layout::at(layout::object_type(read.object_type()), arrival), Vec::new()));
        let mentions = observable::of(&read);
        let keyed = mentions.iter().map(|mention| layout::observable(&mention.observable, arrival));
        keys.extend(keyed.map(|key| (key, Vec::new())));
    }
    keys
}

fn delete_publication(object: &StoredObject, member: MemberCode, steps: &mut Steps) {
    let (modified, sha256) = (modified_of(object), sha256(&[object.json.as_bytes()]));
    steps.delete(Family::Index, layout::at(layout::member(member), object.arrival));
    steps.delete(Family::Index, layout::version(&object.id, member, modified, &sha256, object.arrival));
}

fn modified_of(object: &StoredObject) -> Option<i64> {
    Object::read(&object.json).ok().and_then(|read| read.modified())
}

fn delete_object(object: &StoredObject, engine: &mut Engine, steps: &mut Steps) {
    for (key, _) in content_keys(object) {
        steps.delete(Family::Index, key);
    }
    steps.delete(Family::Object, layout::object(object.arrival));
    let counts = &mut engine.counts;
    counts.objects = counts.objects.saturating_sub(1);
    counts.indicators = counts.indicators.saturating_sub(u64::from(object.id.starts_with("indicator--")));
}
