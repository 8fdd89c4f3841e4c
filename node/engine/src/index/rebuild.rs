//! Rebuilding the index from the logs and the stored objects, when it is of another layout, or when its operator asks.
//!
//! It is done before a node starts, in portions that each fit one small commit, behind a mark in the store: what is cut
//! short goes on with the next start. Objects keep their arrivals, so that no reader's cursor misses or repeats one.
//!
//! 1. *Clearing*: the old index goes, whatever it means.
//! 2. *Objects*: each stored text is noted by its hash.
//! 3. *Records*: all valid records are read, and each publication finds its text, or makes the object anew.
//! 4. *Rows*: each object gets its rows, where its id's versions put it. One that no record publishes goes.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use certmesh_wire::{LogId, MemberCode, NodeId, Record};

use super::rows::{Held, Rows};
use super::{Carrier, Facts, Ledger, Owners, Writing};
use crate::commit::{Steps, commit};
use crate::layout::{self, Fields, LogState, StoredObject, damaged};
use crate::limits::{REBUILD_BYTES, REBUILD_KEYS};
use crate::membership::Membership;
use crate::store::{Family, Order, Store, StoreError};
use crate::verify::{Content, ReadObject, read_content};

/// How far a rebuild has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rebuilt {
    /// What it is at, of four.
    pub phase: u8,
    /// That in words.
    pub words: &'static str,
    /// Keys, objects or records that this run has been through in this phase.
    pub done: u64,
}

/// Which index a store says that it has.
pub(crate) fn read_index(store: &dyn Store) -> Result<Option<u32>, StoreError> {
    let Some(value) = store.get(Family::Meta, layout::INDEX_OF)? else { return Ok(None) };
    Fields { rest: &value, family: Family::Meta }.take().map(|bytes| Some(u32::from_be_bytes(bytes)))
}

/// Whether the index of a store has to be rebuilt before an engine can be opened on it.
pub fn is_due(store: &dyn Store) -> Result<bool, StoreError> {
    Ok(store.get(Family::Meta, layout::REBUILD)?.is_some() || !is_whole(store)?)
}

/// Notes that the index is to be rebuilt with the next start; until then it is as good as it was.
pub fn order_rebuild(steps: &mut Steps) {
    steps.put(Family::Meta, layout::REBUILD.to_vec(), At::Ordered.encode());
}

/// Notes that the index is broken, and is to be rebuilt from the beginning.
pub fn rebuild_anew(steps: &mut Steps) {
    steps.put(Family::Meta, layout::REBUILD.to_vec(), At::Clearing.encode());
}

/// Whether the index can be read: a rebuild that is merely ordered has changed nothing.
pub(crate) fn is_whole(store: &dyn Store) -> Result<bool, StoreError> {
    let is_touched = match store.get(Family::Meta, layout::REBUILD)? {
        Some(mark) => At::decode(&mark)? != At::Ordered,
        None => false,
    };
    let is_used = store.get(Family::Meta, layout::COUNTS)?.is_some();
    Ok(!is_touched && (!is_used || read_index(store)? == Some(layout::INDEX)))
}

/// Rebuilds the index, from where the last run ended. `tell` is called after each portion.
///
/// `now_ms` is this node's clock, for what arrives again.
pub fn rebuild(
    store: &dyn Store,
    membership: &Membership,
    now_ms: u64,
    tell: &mut dyn FnMut(Rebuilt),
) -> Result<(), StoreError> {
    let mark = store.get(Family::Meta, layout::REBUILD)?;
    let mut at = mark.map_or(Ok(At::Ordered), |mark| At::decode(&mark))?;
    let ledger = Ledger::open(store, Owners::of(membership.roster()))?;
    let mut rebuild = Rebuild { store, membership, ledger, now_ms, logs: layout::read_logs(store)?, done: 0 };
    while at != At::End {
        let mut steps = Steps::default();
        let (phase, words) = at.phase();
        let next = rebuild.portion(at, &mut steps)?;
        rebuild.mark(&next, &mut steps);
        commit(store, steps)?;
        tell(Rebuilt { phase, words, done: rebuild.done });
        if next.phase() != (phase, words) {
            rebuild.done = 0;
        }
        at = next;
    }
    Ok(())
}

/// Where a rebuild is.
#[derive(Debug, Clone, PartialEq, Eq)]
enum At {
    /// At nothing yet.
    Ordered,
    Clearing,
    /// From this arrival on.
    Objects(u64),
    /// From this place of this log on.
    Records(LogId, u64),
    /// From this arrival on.
    Rows(u64),
    End,
}

impl At {
    fn phase(&self) -> (u8, &'static str) {
        match self {
            Self::Ordered | Self::Clearing => (1, "clearing the old index"),
            Self::Objects(_) => (2, "reading objects"),
            Self::Records(..) => (3, "reading records"),
            Self::Rows(_) | Self::End => (4, "writing the index"),
        }
    }

    /// The number of the table that is being made, and the place.
    fn encode(&self) -> Vec<u8> {
        let place = match self {
            Self::Ordered => vec![0],
            Self::Clearing | Self::End => vec![1],
            Self::Objects(arrival) => layout::at(vec![2], *arrival),
            Self::Records(log, seq) => layout::at([&[3][..], &log.0].concat(), *seq),
            Self::Rows(arrival) => layout::at(vec![4], *arrival),
        };
        [&layout::INDEX.to_be_bytes()[..], &place].concat()
    }

    /// What was being made of another table is begun anew, from what there is of it.
    fn decode(value: &[u8]) -> Result<Self, StoreError> {
        let Some(place) = value.strip_prefix(&layout::INDEX.to_be_bytes()) else { return Ok(Self::Clearing) };
        let mut fields = Fields { rest: place, family: Family::Meta };
        Ok(match fields.take()? {
            [0] => Self::Ordered,
            [1] => Self::Clearing,
            [2] => Self::Objects(u64::from_be_bytes(fields.take()?)),
            [3] => Self::Records(LogId(fields.take()?), u64::from_be_bytes(fields.take()?)),
            [4] => Self::Rows(u64::from_be_bytes(fields.take()?)),
            _ => return Err(damaged("a rebuild of the index that is at no place")),
        })
    }
}

struct Rebuild<'a> {
    store: &'a dyn Store,
    membership: &'a Membership,
    ledger: Ledger,
    now_ms: u64,
    logs: BTreeMap<LogId, LogState>,
    done: u64,
}

/// Keys, with what they mean.
type Pairs = Vec<(Vec<u8>, Vec<u8>)>;

impl Rebuild<'_> {
    fn portion(&mut self, at: At, steps: &mut Steps) -> Result<At, StoreError> {
        match at {
            At::Ordered | At::Clearing => self.clear(steps),
            At::Objects(from) => self.note_objects(from, steps),
            At::Records(log, seq) => self.read_records(log, seq, steps),
            At::Rows(from) => self.write_rows(from, steps),
            At::End => Ok(At::End),
        }
    }

    fn mark(&mut self, next: &At, steps: &mut Steps) {
        if *next == At::End {
            steps.delete(Family::Meta, layout::REBUILD.to_vec());
            steps.put(Family::Meta, layout::INDEX_OF.to_vec(), layout::INDEX.to_be_bytes().to_vec());
            steps.put(Family::Meta, layout::OWNERS.to_vec(), self.ledger.owners.encode());
        } else {
            steps.put(Family::Meta, layout::REBUILD.to_vec(), next.encode());
        }
        steps.put(Family::Meta, layout::COUNTS.to_vec(), self.ledger.counts.encode());
    }

    fn writing<'a>(&'a mut self, steps: &'a mut Steps) -> Writing<'a> {
        Writing { store: self.store, ledger: &mut self.ledger, now_ms: self.now_ms, steps }
    }

    /// The first keys of a range, at most so many and so much.
    fn pairs(&self, family: Family, from: &[u8], to: &[u8], most: usize) -> Result<Pairs, StoreError> {
        let (mut pairs, mut bytes) = (Pairs::new(), 0);
        let mut visit = |key: &[u8], value: &[u8]| {
            pairs.push((key.to_vec(), value.to_vec()));
            bytes += value.len();
            if pairs.len() < most && bytes < REBUILD_BYTES {
                ControlFlow::Continue(())
            } else {
                ControlFlow::Break(())
            }
        };
        self.store.scan(family, from, to, Order::Ascending, &mut visit)?;
        Ok(pairs)
    }

    fn clear(&mut self, steps: &mut Steps) -> Result<At, StoreError> {
        let mut left = REBUILD_KEYS;
        let marks = [layout::unjudged(&[]), layout::UNINDEXED.to_vec(), layout::REJUDGED.to_vec()];
        let of_control = marks.into_iter().map(|mark| (Family::Control, layout::end_of(&mark), mark));
        for (family, to, from) in of_control.chain([(Family::Index, vec![u8::MAX], Vec::new())]) {
            let keys = if left > 0 { self.pairs(family, &from, &to, left)? } else { Pairs::new() };
            left -= keys.len();
            keys.into_iter().for_each(|(key, _)| steps.delete(family, key));
        }
        self.done += (REBUILD_KEYS - left) as u64;
        if left < REBUILD_KEYS {
            return Ok(At::Clearing);
        }
        let counts = &mut self.ledger.counts;
        (counts.objects, counts.indicators, counts.void) = (0, 0, 0);
        Ok(At::Objects(0))
    }

    /// The objects from an arrival on that fit a portion, and the arrival after the last of them.
    fn objects(
        &mut self,
        from: u64,
        steps: &mut Steps,
    ) -> Result<(Vec<StoredObject>, Option<u64>), StoreError> {
        let pairs = self.pairs(Family::Object, &layout::object(from), &[u8::MAX; 9], REBUILD_KEYS / 16)?;
        let mut objects = Vec::new();
        for (key, value) in &pairs {
            match StoredObject::decode(key, value) {
                Ok(object) => objects.push(object),
                // Its record has it.
                Err(_) => steps.delete(Family::Object, key.clone()),
            }
        }
        self.done += pairs.len() as u64;
        let last = pairs.last().map(|(key, _)| layout::arrival_of(key)).transpose()?;
        Ok((objects, last.map(|arrival| arrival + 1)))
    }

    fn note_objects(&mut self, from: u64, steps: &mut Steps) -> Result<At, StoreError> {
        let (objects, next) = self.objects(from, steps)?;
        for object in objects {
            let sha256 = certmesh_wire::sha256(&[object.json.as_bytes()]);
            Noted { arrival: object.arrival, by: By::Nobody }.put(&sha256, steps);
        }
        let first = self.logs.keys().next().copied();
        let records = first.map_or(At::Rows(0), |log| At::Records(log, 0));
        Ok(next.map_or(records, At::Objects))
    }

    fn read_records(&mut self, log: LogId, from: u64, steps: &mut Steps) -> Result<At, StoreError> {
        if let (Some(state), Some((author, member))) = (self.logs.get(&log).copied(), self.author(log)?) {
            let (start, end) = (layout::place(state.number, from), layout::place(state.number, state.next));
            let (mut next, mut bytes) = (from, 0);
            for (place, signed) in self.pairs(Family::Log, &start, &end, REBUILD_KEYS / 16)? {
                let record = Record::decode(&signed).map_err(|e| damaged(&e.to_string()))?;
                next = record.header().seq + 1;
                self.done += 1;
                if let Some(body) = self.store.get(Family::Body, &place)? {
                    bytes += record.header().body.map_or(0, |body| body.raw_len as usize);
                    let carrier = Carrier::new(record.id(), record.header(), author, member);
                    self.read_body(&carrier, read_content(&record, &body), steps)?;
                }
                if bytes >= REBUILD_BYTES || steps.is_full() {
                    break;
                }
            }
            if from < next && next < state.next {
                return Ok(At::Records(log, next));
            }
        }
        let after = (std::ops::Bound::Excluded(log), std::ops::Bound::Unbounded);
        let next = self.logs.range(after).next();
        Ok(next.map_or(At::Rows(0), |(log, _)| At::Records(*log, 0)))
    }

    /// Whose log this is: as the membership says, or else its own opening.
    fn author(&self, log: LogId) -> Result<Option<(NodeId, MemberCode)>, StoreError> {
        if let Some(opening) = self.membership.log(log) {
            return Ok(Some((opening.node, opening.member)));
        }
        let Some(state) = self.logs.get(&log).filter(|state| state.next > 0) else { return Ok(None) };
        let first = layout::read_record(self.store, state.number, 0)?;
        let opening = first.and_then(|record| record.header().opening.clone());
        Ok(opening.map(|opening| (opening.node, opening.member)))
    }

    fn read_body(
        &mut self,
        carrier: &Carrier,
        content: Content,
        steps: &mut Steps,
    ) -> Result<(), StoreError> {
        match content {
            Content::Nothing | Content::Missing => {}
            Content::Void => self.ledger.counts.void += 1,
            Content::Objects(objects) => {
                let mut writing = self.writing(steps);
                for object in objects {
                    writing.restore(carrier, object)?;
                }
            }
        }
        Ok(())
    }

    fn write_rows(&mut self, from: u64, steps: &mut Steps) -> Result<At, StoreError> {
        let (objects, _) = self.objects(from, steps)?;
        let mut next = At::End;
        for object in objects {
            next = At::Rows(object.arrival + 1);
            self.writing(steps).place(object)?;
            if steps.is_full() {
                break;
            }
        }
        Ok(next)
    }
}

/// Who publishes a text that was stored before the rebuild, as far as records are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum By {
    Nobody = 0,
    /// Others than the one who stands with the object.
    Others = 1,
    /// The one who stands with the object, among others.
    First = 2,
}

/// A text that was stored before the rebuild.
struct Noted {
    arrival: u64,
    by: By,
}

impl Noted {
    fn put(&self, sha256: &[u8; 32], steps: &mut Steps) {
        let value = [&self.arrival.to_be_bytes()[..], &[self.by as u8]].concat();
        steps.put(Family::Index, layout::digest(sha256), value);
    }

    fn decode(value: &[u8]) -> Result<Self, StoreError> {
        let mut fields = Fields { rest: value, family: Family::Index };
        let arrival = u64::from_be_bytes(fields.take()?);
        let by = match fields.take()? {
            [0] => By::Nobody,
            [1] => By::Others,
            _ => By::First,
        };
        Ok(Self { arrival, by })
    }
}

impl Writing<'_> {
    fn noted(&self, facts: &Facts) -> Result<Option<Noted>, StoreError> {
        let value = self.get(Family::Index, &layout::digest(&facts.sha256))?;
        value.map(|value| Noted::decode(&value)).transpose()
    }

    fn stored(&self, arrival: u64) -> Result<StoredObject, StoreError> {
        let key = layout::object(arrival);
        let value = self.get(Family::Object, &key)?;
        StoredObject::decode(&key, &value.ok_or_else(|| damaged("a noted object is gone"))?)
    }

    /// Takes a publication in again.
    fn restore(&mut self, carrier: &Carrier, object: ReadObject) -> Result<(), StoreError> {
        let ReadObject { json, facts } = object;
        let (publisher, id) = (carrier.publisher(&facts), layout::id(&facts.id));
        let (mut subject, mut noted) = match self.noted(&facts)? {
            Some(noted) => {
                let object = self.stored(noted.arrival)?;
                (super::Subject { id: id.clone(), object, facts, publishers: Vec::new() }, noted)
            }
            None => {
                let subject = self.keep(carrier, json, facts, publisher.clone());
                self.ledger.counts.objects -= 1;
                self.ledger.counts.indicators -= u64::from(subject.facts.object_type == "indicator");
                let noted = Noted { arrival: subject.object.arrival, by: By::Nobody };
                (subject, noted)
            }
        };
        if noted.by == By::Nobody {
            self.ledger.counts.objects += 1;
            self.ledger.counts.indicators += u64::from(subject.facts.object_type == "indicator");
        }
        let is_first = subject.object.record == publisher.record;
        if is_first {
            if std::mem::replace(&mut subject.object.ahead, publisher.ahead) != publisher.ahead {
                self.put_object(&subject);
            }
            noted.by = By::First;
        } else {
            let key = layout::publisher(noted.arrival, &publisher.record);
            self.steps.put(Family::Index, key, publisher.encode());
            noted.by = noted.by.max(By::Others);
        }
        noted.put(&subject.facts.sha256, self.steps);
        let mut state = self.state(&id)?;
        let mut version = self.version_by(&subject, &publisher);
        match self.version(&id, &state, version.class, version.member, &subject.facts)? {
            Some(known) => version = super::Version { ahead: known.ahead && version.ahead, ..known },
            // Where it stood among its member's is forgotten: it may be new to whoever follows them.
            None if subject.object.member != publisher.member => version.stamp = self.new_stamp(),
            None => {}
        }
        self.add_version(&id, &mut state, version);
        self.put_state(&id, &state);
        Ok(())
    }

    /// Gives an object its rows, where its id's versions put it.
    fn place(&mut self, object: StoredObject) -> Result<(), StoreError> {
        let arrival = object.arrival;
        let facts = Facts::read(&object.json).ok_or_else(|| damaged("a stored object is none"))?;
        let by =
            self.noted(&facts)?.filter(|noted| noted.arrival == arrival).map_or(By::Nobody, |noted| noted.by);
        if by == By::Nobody {
            self.steps.delete(Family::Object, layout::object(arrival));
            return Ok(());
        }
        self.steps.delete(Family::Index, layout::digest(&facts.sha256));
        let mut subject = self.subject(arrival)?;
        if by == By::Others {
            subject.publishers.remove(0);
            if let Some(first) = subject.publishers.first() {
                self.steps.delete(Family::Index, layout::publisher(arrival, &first.record));
                subject.object.set_publisher(first);
                self.put_object(&subject);
            }
        }
        self.put_author(&subject);
        let mut state = self.state(&subject.id)?;
        if state.outcome().contains(&arrival) {
            state.shown.insert(arrival);
        }
        self.shelve(&subject, &mut state, &Held::new())?;
        self.put_state(&subject.id, &state);
        let rows = self.rows(&subject, &state)?;
        self.replace(&Rows::new(), rows);
        Ok(())
    }
}
