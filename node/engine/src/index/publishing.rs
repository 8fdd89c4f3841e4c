//! Publications that come: the first one of a text makes the object, later ones add to its provenance.

use std::collections::BTreeMap;

use certmesh_wire::{Header, MemberCode, NodeId, RecordId};

use super::{Facts, State, Subject, Writing};
use crate::layout::{self, Class, Publisher, StoredObject, Version};
use crate::limits::{AHEAD_MS, RECORD_TERMS};
use crate::store::{Family, StoreError};
use crate::verify::ReadObject;

/// What an object has from the record that carries it.
#[derive(Debug, Clone)]
pub(crate) struct Carrier {
    pub(crate) record: RecordId,
    pub(crate) author: NodeId,
    pub(crate) member: MemberCode,
    /// The record's own time, milliseconds since 1970 UTC.
    created_ms: u64,
}

impl Carrier {
    pub(crate) fn new(record: RecordId, header: &Header, author: NodeId, member: MemberCode) -> Self {
        Self { record, author, member, created_ms: header.created_ms }
    }

    pub(crate) fn publisher(&self, facts: &Facts) -> Publisher {
        let newest = i128::from(self.created_ms) + i128::from(AHEAD_MS);
        Publisher {
            record: self.record,
            member: self.member,
            node: self.author,
            ahead: facts.modified.is_some_and(|modified| i128::from(modified) > newest * 1_000),
        }
    }
}

/// Objects of one record that nobody had published before, by their ids as in keys: they have no rows yet.
pub(crate) type Fresh = BTreeMap<Vec<u8>, Vec<Subject>>;

impl Writing<'_> {
    /// Takes what a record publishes. Gives how many objects it has taken: not all of them, if they have more
    /// terms than one commit writes.
    pub(crate) fn publish(
        &mut self,
        carrier: &Carrier,
        objects: Vec<ReadObject>,
    ) -> Result<usize, StoreError> {
        let (mut fresh, mut taken, mut terms) = (Fresh::new(), 0, 0);
        for object in objects {
            terms += object.facts.terms();
            if terms > RECORD_TERMS && taken > 0 {
                break;
            }
            taken += 1;
            self.publish_object(carrier, object, &mut fresh)?;
        }
        self.steps.count_terms(terms);
        for (id, subjects) in fresh {
            self.judge(&id, subjects)?;
        }
        Ok(taken)
    }

    fn publish_object(
        &mut self,
        carrier: &Carrier,
        object: ReadObject,
        fresh: &mut Fresh,
    ) -> Result<(), StoreError> {
        let ReadObject { json, facts } = object;
        let (publisher, id) = (carrier.publisher(&facts), layout::id(&facts.id));
        let mut state = self.state(&id)?;
        let known = self.find(&id, &state, &facts)?;
        // An id that is known is judged again, too: whoever publishes the same bytes may own them.
        let touched = fresh.entry(id.clone()).or_default();
        if let Some(arrival) = known {
            let is_fresh = touched.iter().any(|subject| subject.object.arrival == arrival);
            if is_fresh {
                return Ok(());
            }
            self.steps.note_known();
            return self.publish_again(arrival, publisher, &state, &facts);
        }
        let new = self.keep(carrier, json, facts, publisher);
        let version = self.version_by(&new, &new.publishers[0]);
        self.add_version(&id, &mut state, version);
        self.put_state(&id, &state);
        touched.push(new);
        Ok(())
    }

    /// An object that nobody had published before.
    pub(crate) fn keep(
        &mut self,
        carrier: &Carrier,
        json: String,
        facts: Facts,
        publisher: Publisher,
    ) -> Subject {
        let arrival = self.ledger.next_arrival(self.now_ms);
        let object = StoredObject {
            arrival,
            received_ms: self.now_ms,
            member: carrier.member,
            node: carrier.author,
            record: carrier.record,
            tlp: facts.tlp,
            revoked: facts.revoked,
            ahead: publisher.ahead,
            id: facts.id.clone(),
            json,
        };
        let counts = &mut self.ledger.counts;
        counts.objects += 1;
        counts.indicators += u64::from(facts.object_type == "indicator");
        let subject = Subject { id: layout::id(&facts.id), object, facts, publishers: vec![publisher] };
        self.put_object(&subject);
        self.note_arrival(arrival);
        subject
    }

    /// Writes the object itself, and that its author made it.
    pub(crate) fn put_object(&mut self, subject: &Subject) {
        let object = &subject.object;
        self.steps.put(Family::Object, layout::object(object.arrival), object.encode());
        self.put_author(subject);
    }

    pub(crate) fn put_author(&mut self, subject: &Subject) {
        if let Some(identity) = &subject.facts.created_by {
            let key = layout::at(layout::made_by(identity), subject.object.arrival);
            self.steps.put(Family::Index, key, Vec::new());
        }
    }

    /// An arrival for what stands anew in a member's collection alone.
    pub(crate) fn new_stamp(&mut self) -> u64 {
        let stamp = self.ledger.next_arrival(self.now_ms);
        self.note_arrival(stamp);
        stamp
    }

    /// The arrival is given: nobody gets it again.
    pub(crate) fn note_arrival(&mut self, arrival: u64) {
        self.steps.note_arrival(arrival);
        self.steps.put(Family::Meta, layout::LAST_ARRIVAL.to_vec(), arrival.to_be_bytes().to_vec());
    }

    /// A publisher's copy of an object that stands where it arrived.
    pub(crate) fn version_by(&self, subject: &Subject, publisher: &Publisher) -> Version {
        let facts = &subject.facts;
        Version {
            class: self.ledger.owners.class(facts.created_by.as_deref(), publisher.member),
            member: publisher.member,
            tlp: facts.tlp,
            modified: facts.modified,
            sha256: facts.sha256,
            arrival: subject.object.arrival,
            stamp: subject.object.arrival,
            revoked: facts.revoked,
            ahead: publisher.ahead,
        }
    }

    /// The same bytes again add to their provenance. In the collection of a member that had not published them, they
    /// are new.
    fn publish_again(
        &mut self,
        arrival: u64,
        publisher: Publisher,
        state: &State,
        facts: &Facts,
    ) -> Result<(), StoreError> {
        // Asked first, and for this record alone: a record may hold one text thousands of times, and a text may
        // have come in thousands of records.
        let key = layout::publisher(arrival, &publisher.record);
        if self.get(Family::Index, &key)?.is_some() || self.object(arrival)?.record == publisher.record {
            return Ok(());
        }
        let class = self.ledger.owners.class(facts.created_by.as_deref(), publisher.member);
        let known = self.version(&layout::id(&facts.id), state, class, publisher.member, facts)?;
        if known.is_some_and(|known| known.ahead <= publisher.ahead) {
            // Its member's copy stays what it is, whoever else has published the text.
            self.steps.put(Family::Index, key, publisher.encode());
            return Ok(());
        }
        let mut subject = self.subject(arrival)?;
        let id = subject.id.clone();
        let mut state = self.state(&id)?;
        let (before, held) = (self.rows(&subject, &state)?, self.unshelve(&subject, &state)?);
        self.steps.put(Family::Index, key, publisher.encode());
        let mut version = self.version_by(&subject, &publisher);
        match self.version(&id, &state, version.class, version.member, &subject.facts)? {
            Some(known) => version = Version { ahead: known.ahead && version.ahead, ..known },
            None if version.class == Class::Impostor => {}
            None => version.stamp = self.new_stamp(),
        }
        subject.publishers.push(publisher);
        self.add_version(&id, &mut state, version);
        self.rewrite(subject, &mut state, &before, &held)?;
        self.put_state(&id, &state);
        Ok(())
    }
}
