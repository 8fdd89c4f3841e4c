//! What the keys and values of the store mean. Numbers are big-endian, so that keys sort by them.
//!
//! | family | key | value |
//! | --- | --- | --- |
//! | log | log number u32, seq u64 | the record's signed bytes |
//! | body | log number u32, seq u64 | the body's bytes |
//! | object | arrival u64 | [`StoredObject`] |
//! | index | `v` key of an observable, arrival, kind of observable | |
//! | index | `i` STIX id, 0, member, modified, inverted SHA-256, arrival | |
//! | index | `t` STIX type, 0, arrival | |
//! | index | `m` member, arrival | |
//! | index | `p` arrival, record id | member, node: who published the same bytes |
//! | index | `d` SHA-256 of the JSON | arrival |
//! | control | `l` log id | [`LogState`] |
//! | control | `f` log id | [`Fork`]: the lowest, and its proof |
//! | control | `b` log number u32, seq u64 | : the body is missing |
//! | control | `w` log id | seq u64, seq u64: what its records from here to there have brought is to be withdrawn |
//! | control | `r` record id | log number u32, seq u64 |
//! | control | `d` document id | a roster or manifest, as in its file |
//! | control | `q` log number u32, node | (seq u64, ms u64)*: since when it holds all bodies below a place |
//! | control | `t` token id | [`Token`](crate::tokens::Token) |
//! | meta | `counts` | [`Counts`] |
//! | meta | `arrival` | the last one ever given |

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use certmesh_intel::{Observable, Tlp};
use certmesh_wire::{DocumentId, LogId, MemberCode, NodeId, Record, RecordId};

use crate::forks::Fork;
use crate::receipts::Milestones;
use crate::store::{Family, Order, Store, StoreError};
use crate::withdraw::Pending;

/// The head of a log and what it holds, as this node has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogState {
    /// Short name of the log in this store's keys.
    pub number: u32,
    /// The seq that comes next: how many records the log has.
    pub next: u64,
    /// The last record.
    pub head: RecordId,
    /// The roster version that the last record names.
    pub roster: u64,
    /// Signed bytes and bodies, compressed and not, of all its records.
    pub bytes: u64,
    /// Which bodies are missing, as [`certmesh_wire::FrontierEntry::missing`] has it.
    pub missing: u64,
}

impl LogState {
    pub(crate) fn encode(&self) -> Vec<u8> {
        [
            &self.number.to_be_bytes()[..],
            &self.next.to_be_bytes(),
            &self.head.0,
            &self.roster.to_be_bytes(),
            &self.bytes.to_be_bytes(),
            &self.missing.to_be_bytes(),
        ]
        .concat()
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, StoreError> {
        let mut fields = Fields { rest: bytes, family: Family::Control };
        Ok(Self {
            number: u32::from_be_bytes(fields.take()?),
            next: u64::from_be_bytes(fields.take()?),
            head: RecordId(fields.take()?),
            roster: u64::from_be_bytes(fields.take()?),
            bytes: u64::from_be_bytes(fields.take()?),
            missing: u64::from_be_bytes(fields.take()?),
        })
    }
}

/// How much the store holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Records of all logs.
    pub records: u64,
    /// Different objects.
    pub objects: u64,
    /// Those of type `indicator`.
    pub indicators: u64,
    /// Records whose body is void.
    pub void: u64,
}

impl Counts {
    pub(crate) fn encode(&self) -> Vec<u8> {
        [self.records, self.objects, self.indicators, self.void].map(u64::to_be_bytes).concat()
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, StoreError> {
        let mut fields = Fields { rest: bytes, family: Family::Meta };
        let mut next = || fields.take().map(u64::from_be_bytes);
        Ok(Self { records: next()?, objects: next()?, indicators: next()?, void: next()? })
    }
}

/// One object as readers get it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredObject {
    /// This node's strictly increasing stamp, milliseconds.
    pub arrival: u64,
    /// When it was received by this node's clock, milliseconds since 1970 UTC.
    pub received_ms: u64,
    /// Who published it first, as this node saw it.
    pub member: MemberCode,
    /// The node that signed it.
    pub node: NodeId,
    /// The record that carried it.
    pub record: RecordId,
    /// Its marking.
    pub tlp: Tlp,
    /// Whether this version revokes the object.
    pub revoked: bool,
    /// Its STIX id.
    pub id: String,
    /// The exact published text.
    pub json: String,
}

impl StoredObject {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let id_len = self.id.len() as u16;
        [
            &self.received_ms.to_be_bytes()[..],
            &self.member.bytes(),
            &self.node.0,
            &self.record.0,
            &[self.tlp as u8, u8::from(self.revoked)],
            &id_len.to_be_bytes(),
            self.id.as_bytes(),
            self.json.as_bytes(),
        ]
        .concat()
    }

    pub(crate) fn decode(key: &[u8], value: &[u8]) -> Result<Self, StoreError> {
        let arrival = arrival_of(key)?;
        let mut fields = Fields { rest: value, family: Family::Object };
        Ok(Self {
            arrival,
            received_ms: u64::from_be_bytes(fields.take()?),
            member: fields.member()?,
            node: NodeId(fields.take()?),
            record: RecordId(fields.take()?),
            tlp: fields.tlp()?,
            revoked: fields.take()? == [1],
            id: fields.sized_text()?,
            json: fields.text()?,
        })
    }
}

fn damaged(what: &str) -> StoreError {
    StoreError { doing: "reading", cause: what.into() }
}

struct Fields<'a> {
    rest: &'a [u8],
    family: Family,
}

impl Fields<'_> {
    fn damaged(&self) -> StoreError {
        damaged(&format!("a value of family `{}` does not have its shape", self.family.name()))
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N], StoreError> {
        let (field, rest) = self.rest.split_first_chunk().ok_or_else(|| self.damaged())?;
        self.rest = rest;
        Ok(*field)
    }

    fn member(&mut self) -> Result<MemberCode, StoreError> {
        let letters: [u8; 2] = self.take()?;
        let code = std::str::from_utf8(&letters).ok().and_then(|text| text.parse().ok());
        code.ok_or_else(|| self.damaged())
    }

    fn tlp(&mut self) -> Result<Tlp, StoreError> {
        let [tlp] = self.take()?;
        Tlp::try_from(tlp).map_err(|_| self.damaged())
    }

    fn sized_text(&mut self) -> Result<String, StoreError> {
        let len = usize::from(u16::from_be_bytes(self.take()?));
        let (text, rest) = self.rest.split_at_checked(len).ok_or_else(|| self.damaged())?;
        self.rest = rest;
        String::from_utf8(text.to_vec()).map_err(|_| self.damaged())
    }

    fn text(&mut self) -> Result<String, StoreError> {
        String::from_utf8(self.rest.to_vec()).map_err(|_| self.damaged())
    }
}

/// The arrival that a key, or a value, ends with.
pub(crate) fn arrival_of(key: &[u8]) -> Result<u64, StoreError> {
    let tail = key.last_chunk().ok_or_else(|| damaged("a key does not end with an arrival"))?;
    Ok(u64::from_be_bytes(*tail))
}

/// The arrival that stands in a key after a prefix of this length.
pub(crate) fn arrival_after(key: &[u8], prefix_len: usize) -> Result<u64, StoreError> {
    let arrival = key.get(prefix_len..).and_then(|rest| rest.first_chunk());
    arrival.map(|bytes| u64::from_be_bytes(*bytes)).ok_or_else(|| damaged("a key lacks its arrival"))
}

/// Of family `log` and `body`.
pub(crate) fn place(number: u32, seq: u64) -> Vec<u8> {
    [&number.to_be_bytes()[..], &seq.to_be_bytes()].concat()
}

pub(crate) fn decode_place(value: &[u8]) -> Result<(u32, u64), StoreError> {
    let mut fields = Fields { rest: value, family: Family::Control };
    Ok((u32::from_be_bytes(fields.take()?), u64::from_be_bytes(fields.take()?)))
}

/// Of family `object`.
pub(crate) fn object(arrival: u64) -> Vec<u8> {
    arrival.to_be_bytes().to_vec()
}

/// Of family `control`.
pub(crate) fn log(log: &LogId) -> Vec<u8> {
    [b"l", &log.0[..]].concat()
}

/// The log that a key of family `control` names.
fn log_of(key: &[u8]) -> Option<LogId> {
    key.strip_prefix(b"l").and_then(|id| id.try_into().ok()).map(LogId)
}

/// Every log here and its state, from family `control`.
pub(crate) fn read_logs(store: &dyn Store) -> Result<BTreeMap<LogId, LogState>, StoreError> {
    collect(store, b"l", |key, value| {
        let log = log_of(key).ok_or_else(|| damaged("a key of family `control` does not name a log"))?;
        Ok((log, LogState::decode(value)?))
    })
}

/// Of family `control`.
pub(crate) fn record(id: &RecordId) -> Vec<u8> {
    [b"r", &id.0[..]].concat()
}

/// Of family `control`.
pub(crate) fn fork(log: &LogId) -> Vec<u8> {
    [b"f", &log.0[..]].concat()
}

/// Seq, length of the first record, the first record, the second.
pub(crate) fn encode_fork(fork: &Fork) -> Vec<u8> {
    let [one, other] = &fork.records;
    [&fork.seq.to_be_bytes()[..], &(one.len() as u16).to_be_bytes(), one, other].concat()
}

pub(crate) fn decode_fork(key: &[u8], value: &[u8]) -> Result<Fork, StoreError> {
    let mut fields = Fields { rest: value, family: Family::Control };
    let log = key.strip_prefix(b"f").and_then(|id| id.try_into().ok()).map(LogId);
    let log = log.ok_or_else(|| damaged("a key of family `control` does not name a log"))?;
    let seq = u64::from_be_bytes(fields.take()?);
    let len = usize::from(u16::from_be_bytes(fields.take()?));
    let (one, other) = fields.rest.split_at_checked(len).ok_or_else(|| fields.damaged())?;
    Ok(Fork { log, seq, records: [one.to_vec(), other.to_vec()] })
}

/// Of family `control`: a range of a log that is to be withdrawn.
pub(crate) fn pending(log: &LogId) -> Vec<u8> {
    [b"w", &log.0[..]].concat()
}

pub(crate) fn encode_pending(pending: &Pending) -> Vec<u8> {
    [pending.from.to_be_bytes(), pending.to.to_be_bytes()].concat()
}

/// Of family `control`: the prefix of all documents.
pub(crate) const DOCUMENTS: &[u8] = b"d";

/// Of family `control`.
pub(crate) fn document(id: &DocumentId) -> Vec<u8> {
    [DOCUMENTS, &id.0[..]].concat()
}

/// Of family `control`: the prefix of all receipts for a log.
pub(crate) fn receipts(number: u32) -> Vec<u8> {
    [&b"q"[..], &number.to_be_bytes()].concat()
}

/// Of family `control`.
pub(crate) fn receipt(number: u32, node: &NodeId) -> Vec<u8> {
    [&receipts(number)[..], &node.0].concat()
}

pub(crate) fn encode_milestones(milestones: &Milestones) -> Vec<u8> {
    milestones.0.iter().flat_map(|(seq, ms)| [seq.to_be_bytes(), ms.to_be_bytes()]).flatten().collect()
}

pub(crate) fn decode_milestones(value: &[u8]) -> Result<Milestones, StoreError> {
    let mut fields = Fields { rest: value, family: Family::Control };
    let mut milestones = Milestones::default();
    while !fields.rest.is_empty() {
        milestones.0.push((u64::from_be_bytes(fields.take()?), u64::from_be_bytes(fields.take()?)));
    }
    Ok(milestones)
}

/// Every range that is to be withdrawn.
pub(crate) fn read_pending(store: &dyn Store) -> Result<BTreeMap<LogId, Pending>, StoreError> {
    let decode = |key: &[u8], value: &[u8]| {
        let mut fields = Fields { rest: value, family: Family::Control };
        let log = key.strip_prefix(b"w").and_then(|id| id.try_into().ok()).map(LogId);
        let log = log.ok_or_else(|| damaged("a key of family `control` does not name a log"))?;
        let (from, to) = (u64::from_be_bytes(fields.take()?), u64::from_be_bytes(fields.take()?));
        Ok((log, Pending { from, to }))
    };
    collect(store, b"w", decode)
}

/// The record in a place of the log with this number.
pub(crate) fn read_record(store: &dyn Store, number: u32, seq: u64) -> Result<Option<Record>, StoreError> {
    let signed = store.get(Family::Log, &place(number, seq))?;
    let damaged = |e| damaged(&format!("a record of the log family: {e}"));
    signed.map(|signed| Record::decode(&signed).map_err(damaged)).transpose()
}

/// What the keys of family `control` that begin with `prefix` mean.
pub(crate) fn collect<K: Ord, V>(
    store: &dyn Store,
    prefix: &[u8],
    decode: impl Fn(&[u8], &[u8]) -> Result<(K, V), StoreError>,
) -> Result<BTreeMap<K, V>, StoreError> {
    let (mut found, mut fault) = (BTreeMap::new(), None);
    let mut visit = |key: &[u8], value: &[u8]| match decode(key, value) {
        Ok((key, value)) => {
            found.insert(key, value);
            ControlFlow::Continue(())
        }
        Err(e) => {
            fault = Some(e);
            ControlFlow::Break(())
        }
    };
    store.scan(Family::Control, prefix, &end_of(prefix), Order::Ascending, &mut visit)?;
    fault.map_or(Ok(found), Err)
}

/// Of family `control`: bodies that are missing; without its seq, the prefix of a log's.
pub(crate) fn missing_bodies(number: u32) -> Vec<u8> {
    [&b"b"[..], &number.to_be_bytes()].concat()
}

/// Of family `meta`.
pub(crate) const COUNTS: &[u8] = b"counts";
/// Of family `meta`: the last arrival that was ever given, as its object may have been withdrawn.
pub(crate) const LAST_ARRIVAL: &[u8] = b"arrival";

/// Of family `index`: the prefix of all arrivals of what has this key, whatever its kind.
pub(crate) fn value(key: &[u8]) -> Vec<u8> {
    [b"v", key].concat()
}

/// Of family `index`.
pub(crate) fn observable(observable: &Observable, arrival: u64) -> Vec<u8> {
    let mut key = at(value(&observable.key()), arrival);
    key.extend_from_slice(observable.kind.as_bytes());
    key
}

/// Of family `index`; without its arrival, the prefix of all of them.
pub(crate) fn object_type(name: &str) -> Vec<u8> {
    [b"t", name.as_bytes(), &[0]].concat()
}

/// Of family `index`; without its arrival, the prefix of all of them.
pub(crate) fn member(code: MemberCode) -> Vec<u8> {
    [&b"m"[..], &code.bytes()].concat()
}

/// Of family `index`: the prefix of all versions of an id.
pub(crate) fn versions(id: &str) -> Vec<u8> {
    [b"i", id.as_bytes(), &[0]].concat()
}

/// Of family `index`: the prefix of one publisher's versions of an id, in order of `modified`.
pub(crate) fn versions_of(id: &str, code: MemberCode) -> Vec<u8> {
    [&versions(id)[..], &code.bytes()].concat()
}

/// Of family `index`. `modified` in microseconds since 1970 UTC; objects without one sort first. Of two
/// texts with one `modified` the one with the lower SHA-256 sorts last, on every node alike.
pub(crate) fn version(
    id: &str,
    code: MemberCode,
    modified: Option<i64>,
    sha256: &[u8; 32],
    arrival: u64,
) -> Vec<u8> {
    // Flipping the sign bit makes negative numbers sort before positive ones.
    let modified = modified.unwrap_or(i64::MIN) as u64 ^ (1 << 63);
    let inverted = sha256.map(|byte| !byte);
    [&versions_of(id, code)[..], &modified.to_be_bytes(), &inverted[..TIE_BYTES], &arrival.to_be_bytes()]
        .concat()
}

/// Bytes of a SHA-256 that break a tie: nobody finds two texts that share them.
const TIE_BYTES: usize = 16;

/// Of family `index`.
pub(crate) fn digest(sha256: &[u8; 32]) -> Vec<u8> {
    [b"d", &sha256[..]].concat()
}

/// Of family `index`; without its record, the prefix of all of them.
pub(crate) fn publisher(arrival: u64) -> Vec<u8> {
    [&b"p"[..], &arrival.to_be_bytes()].concat()
}

/// Of family `index`.
pub(crate) fn publication(arrival: u64, record: &RecordId) -> Vec<u8> {
    [&publisher(arrival)[..], &record.0].concat()
}

/// Who published an object, and in which record.
pub(crate) struct Publisher {
    pub(crate) record: RecordId,
    pub(crate) member: MemberCode,
    pub(crate) node: NodeId,
}

impl Publisher {
    pub(crate) fn encode(&self) -> Vec<u8> {
        [&self.member.bytes()[..], &self.node.0].concat()
    }

    fn decode(key: &[u8], value: &[u8]) -> Result<Self, StoreError> {
        let record = key.last_chunk().copied().map(RecordId);
        let record = record.ok_or_else(|| damaged("a key of family `index` does not name a record"))?;
        let mut fields = Fields { rest: value, family: Family::Index };
        Ok(Self { record, member: fields.member()?, node: NodeId(fields.take()?) })
    }
}

/// Everyone who published the object that arrived then.
pub(crate) fn publishers(store: &dyn Store, arrival: u64) -> Result<Vec<Publisher>, StoreError> {
    let prefix = publisher(arrival);
    let (mut found, mut fault) = (Vec::new(), None);
    let mut visit = |key: &[u8], value: &[u8]| match Publisher::decode(key, value) {
        Ok(publisher) => {
            found.push(publisher);
            ControlFlow::Continue(())
        }
        Err(e) => {
            fault = Some(e);
            ControlFlow::Break(())
        }
    };
    store.scan(Family::Index, &prefix, &end_of(&prefix), Order::Ascending, &mut visit)?;
    fault.map_or(Ok(found), Err)
}

/// A key of family `index` with the arrival that it points to.
pub(crate) fn at(mut prefix: Vec<u8>, arrival: u64) -> Vec<u8> {
    prefix.extend_from_slice(&arrival.to_be_bytes());
    prefix
}

/// The first key after all those that begin with `prefix`, which never ends with 0xff here.
pub(crate) fn end_of(prefix: &[u8]) -> Vec<u8> {
    let mut end = prefix.to_vec();
    while let Some(last) = end.pop() {
        if last < u8::MAX {
            end.push(last + 1);
            return end;
        }
    }
    vec![u8::MAX; prefix.len() + 1]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_round_trip_and_damage_is_named() {
        let state =
            LogState { number: 7, next: 9, head: RecordId([3; 32]), roster: 1, bytes: 1 << 40, missing: 5 };
        assert_eq!(LogState::decode(&state.encode()), Ok(state));
        assert!(LogState::decode(&state.encode()[1..]).is_err());
        let object = StoredObject {
            arrival: 5,
            received_ms: 6,
            member: "SG".parse().unwrap(),
            node: NodeId([1; 32]),
            record: RecordId([2; 32]),
            tlp: Tlp::Green,
            revoked: true,
            id: "indicator--x".into(),
            json: "{\"é\": 1}".into(),
        };
        assert_eq!(StoredObject::decode(&super::object(5), &object.encode()), Ok(object));
        assert!(StoredObject::decode(&super::object(5), &[0; 50]).is_err());
    }

    #[test]
    fn versions_sort_by_modified() {
        let code = "SG".parse().unwrap();
        let keys =
            [None, Some(-5), Some(0), Some(7)].map(|modified| version("a", code, modified, &[9; 32], 1));
        assert!(keys.is_sorted());
        assert!(keys[3] < end_of(&versions("a")) && keys[0] > versions("a"));
    }
}
