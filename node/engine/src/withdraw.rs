//! Withdrawing: objects whose records no longer count leave the views and every index. What another
//! record has published too stays, with that one as its provenance.

use std::collections::{BTreeMap, BTreeSet};

use certmesh_intel::{Object, observable};
use certmesh_wire::{MemberCode, Record, RecordId, sha256};

use crate::commit::Steps;
use crate::layout::{self, Counts, StoredObject};
use crate::store::{Family, Store, StoreError};

/// Publications to be withdrawn with one commit.
#[derive(Debug, Default)]
pub(crate) struct Withdrawal {
    /// For each arrival, the records that no longer count and brought it.
    publications: BTreeMap<u64, BTreeSet<RecordId>>,
}

impl Withdrawal {
    /// Notes what a record has brought.
    pub(crate) fn record(
        &mut self,
        store: &dyn Store,
        record: &Record,
        body: Option<Vec<u8>>,
    ) -> Result<(), StoreError> {
        let (Some(reference), Some(body)) = (record.header().body, body) else { return Ok(()) };
        // What is void, or means nothing here, has brought nothing: its texts are not in the index.
        for text in reference.unpack(&body).unwrap_or_default() {
            let digest = layout::digest(&sha256(&[text.as_bytes()]));
            if let Some(arrival) = store.get(Family::Index, &digest)? {
                let arrival = layout::arrival_of(&arrival)?;
                self.publications.entry(arrival).or_default().insert(record.id());
            }
        }
        Ok(())
    }

    /// Writes the withdrawal.
    pub(crate) fn write(
        self,
        store: &dyn Store,
        counts: &mut Counts,
        steps: &mut Steps,
    ) -> Result<(), StoreError> {
        for (arrival, records) in self.publications {
            let key = layout::object(arrival);
            let Some(value) = store.get(Family::Object, &key)? else { continue };
            let object = StoredObject::decode(&key, &value)?;
            let before = layout::publishers(store, arrival)?;
            let left: Vec<_> =
                before.iter().filter(|publisher| !records.contains(&publisher.record)).collect();
            for publisher in before.iter().filter(|publisher| records.contains(&publisher.record)) {
                let key = [&layout::publisher(arrival)[..], &publisher.record.0].concat();
                steps.delete(Family::Index, key);
                if !left.iter().any(|other| other.member == publisher.member) {
                    delete_publication(&object, publisher.member, steps);
                }
            }
            match left.first() {
                None => delete_object(&object, counts, steps),
                Some(other) if records.contains(&object.record) => {
                    let (member, node, record) = (other.member, other.node, other.record);
                    let moved = StoredObject { member, node, record, ..object };
                    steps.put(Family::Object, key, moved.encode());
                }
                Some(_) => {}
            }
        }
        Ok(())
    }
}

fn delete_publication(object: &StoredObject, member: MemberCode, steps: &mut Steps) {
    let modified = Object::read(&object.json).ok().and_then(|read| read.modified());
    steps.delete(Family::Index, layout::at(layout::member(member), object.arrival));
    steps.delete(Family::Index, layout::version(&object.id, member, modified, object.arrival));
}

fn delete_object(object: &StoredObject, counts: &mut Counts, steps: &mut Steps) {
    let arrival = object.arrival;
    if let Ok(read) = Object::read(&object.json) {
        for observable in observable::of(&read) {
            steps.delete(Family::Index, layout::observable(&observable, arrival));
        }
        steps.delete(Family::Index, layout::at(layout::object_type(read.object_type()), arrival));
        counts.indicators -= u64::from(read.object_type() == "indicator" && counts.indicators > 0);
    }
    steps.delete(Family::Index, layout::digest(&sha256(&[object.json.as_bytes()])));
    steps.delete(Family::Object, layout::object(arrival));
    counts.objects = counts.objects.saturating_sub(1);
}
