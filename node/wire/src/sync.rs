//! What two nodes say to each other to end with the same records: one question, one answer.
//!
//! Each message is a CBOR array whose first element says what it is. Everything in it is bounded;
//! nothing in it is believed: records go through the door, and what a frontier claims is a claim.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use crate::codec::{self, CodecFault};
use crate::ids::{DocumentId, LogId, RecordId, sha256};
use crate::limits::{
    BODY_BYTES, MANIFEST_BYTES, SIGNED_BYTES, SYNC_ANSWER_BYTES, SYNC_DOCUMENTS, SYNC_FETCHED, SYNC_LOGS,
    SYNC_PLACES, SYNC_RECORDS, SYNC_REQUEST_BYTES,
};
use crate::roster::rises;

/// How far a node has come in one log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "FrontierFields", into = "FrontierFields")]
pub struct FrontierEntry {
    /// The log.
    pub log: LogId,
    /// The seq that comes after its last valid record; 0 only for a log whose opening is forked.
    pub next: u64,
    /// Its last valid record; all zeroes if there is none.
    pub head: RecordId,
    /// Its lowest missing body; `next` if none is missing.
    pub bodies: u64,
    /// Which bodies are missing: the [`missing_mark`]s of their places, XORed. Two nodes that lack different
    /// ones differ here; 0 if none is missing.
    pub missing: u64,
    /// The place of its lowest fork, if one is known.
    pub fork: Option<u64>,
}

type FrontierFields = (LogId, u64, RecordId, u64, u64, Option<u64>);

impl From<FrontierFields> for FrontierEntry {
    fn from((log, next, head, bodies, missing, fork): FrontierFields) -> Self {
        Self { log, next, head, bodies, missing, fork }
    }
}

impl From<FrontierEntry> for FrontierFields {
    fn from(entry: FrontierEntry) -> Self {
        (entry.log, entry.next, entry.head, entry.bodies, entry.missing, entry.fork)
    }
}

/// What a missing body in this place of a log adds to [`FrontierEntry::missing`].
pub fn missing_mark(seq: u64) -> u64 {
    let hash = sha256(&[b"certmesh/missing/1", &seq.to_be_bytes()]);
    u64::from_be_bytes([hash[0], hash[1], hash[2], hash[3], hash[4], hash[5], hash[6], hash[7]])
}

/// How far a node has come in every log that the other may hold: sorted by log, each once.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Frontier(Vec<FrontierEntry>);

impl Frontier {
    /// A frontier of these logs, in any order.
    pub fn new(entries: impl IntoIterator<Item = FrontierEntry>) -> Self {
        let mut entries: Vec<_> = entries.into_iter().collect();
        entries.sort_unstable_by_key(|entry| entry.log);
        entries.truncate(SYNC_LOGS);
        Self(entries)
    }

    /// The logs, sorted.
    pub fn entries(&self) -> &[FrontierEntry] {
        &self.0
    }

    /// What is said of one log.
    pub fn log(&self, log: LogId) -> Option<&FrontierEntry> {
        self.0.binary_search_by_key(&log, |entry| entry.log).ok().map(|at| &self.0[at])
    }

    /// Equal for equal frontiers only.
    pub fn digest(&self) -> [u8; 32] {
        sha256(&[b"certmesh/frontier/1", &codec::encode(self)])
    }
}

/// A place in a log.
pub type Place = (LogId, u64);

/// A question to another node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SyncRequest {
    /// "This is the digest of my frontier for you: what is yours for me?" `[0, bstr32]`
    Compare([u8; 32]),
    /// "Send me the records of these logs from these places on." `[1, [[log, seq], …]]`, sorted by log.
    Records(Vec<Place>),
    /// "Send me these bodies." `[2, [[log, seq], …]]`
    Bodies(Vec<Place>),
    /// "Which records do you have in these places?" `[3, [[log, seq], …]]`
    Ids(Vec<Place>),
    /// "Show me the lowest forks that you know of these logs." `[4, [log, …]]`
    Forks(Vec<LogId>),
    /// "This is the digest of my rosters and manifests: which have you?" `[5, bstr32]`
    Documents([u8; 32]),
    /// "Send me these documents." `[6, [bstr32, …]]`
    Fetch(Vec<DocumentId>),
}

/// The answer to a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SyncAnswer {
    /// "Mine is the same." `[0]`
    Same,
    /// "Mine is this." `[1, frontier]`
    Frontier(Frontier),
    /// Records, in order within each log; whether the budget ended them. `[2, [bstr, …], more]`
    Records(Vec<Vec<u8>>, bool),
    /// Bodies with their places, of those that were asked for and are here. `[3, [[log, seq, bstr], …]]`
    Bodies(Vec<(LogId, u64, Vec<u8>)>),
    /// The record in each place that was asked about, in that order. `[4, [bstr32 / null, …]]`
    Ids(Vec<Option<RecordId>>),
    /// Two records of one log with one seq each. `[5, [[bstr, bstr], …]]`
    Forks(Vec<[Vec<u8>; 2]>),
    /// The ids of all rosters and manifests here, sorted. `[6, [bstr32, …]]`
    DocumentIds(Vec<DocumentId>),
    /// Rosters and manifests, as in their files. `[7, [bstr, …]]`
    Documents(Vec<Vec<u8>>),
}

impl SyncRequest {
    /// The bytes to send.
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::Compare(digest) => codec::encode(&(0_u8, ByteBuf::from(*digest))),
            Self::Records(places) => codec::encode(&(1_u8, places)),
            Self::Bodies(places) => codec::encode(&(2_u8, places)),
            Self::Ids(places) => codec::encode(&(3_u8, places)),
            Self::Forks(logs) => codec::encode(&(4_u8, logs)),
            Self::Documents(digest) => codec::encode(&(5_u8, ByteBuf::from(*digest))),
            Self::Fetch(ids) => codec::encode(&(6_u8, ids)),
        }
    }

    /// Decodes a question of at most [`SYNC_REQUEST_BYTES`].
    pub fn decode(bytes: &[u8]) -> Result<Self, CodecFault> {
        let limit = SYNC_REQUEST_BYTES;
        match tag(bytes, limit)? {
            0 => digest(bytes, limit).map(Self::Compare),
            1 => {
                let places = list::<Place>(bytes, limit, SYNC_LOGS)?;
                let in_order = rises(places.iter().map(|(log, _)| *log));
                if in_order { Ok(Self::Records(places)) } else { Err(shape("logs out of order")) }
            }
            2 => list(bytes, limit, SYNC_PLACES).map(Self::Bodies),
            3 => list(bytes, limit, SYNC_PLACES).map(Self::Ids),
            4 => list(bytes, limit, SYNC_LOGS).map(Self::Forks),
            5 => digest(bytes, limit).map(Self::Documents),
            6 => list(bytes, limit, SYNC_FETCHED).map(Self::Fetch),
            _ => Err(shape("a question of no known kind")),
        }
    }
}

impl SyncAnswer {
    /// The bytes to send.
    pub fn encode(&self) -> Vec<u8> {
        let bytes = |bytes: &Vec<u8>| ByteBuf::from(bytes.clone());
        match self {
            Self::Same => codec::encode(&(0_u8,)),
            Self::Frontier(frontier) => codec::encode(&(1_u8, frontier)),
            Self::Records(records, more) => {
                codec::encode(&(2_u8, records.iter().map(bytes).collect::<Vec<_>>(), more))
            }
            Self::Bodies(bodies) => {
                let bodies = bodies.iter().map(|(log, seq, body)| (log, seq, bytes(body)));
                codec::encode(&(3_u8, bodies.collect::<Vec<_>>()))
            }
            Self::Ids(ids) => codec::encode(&(4_u8, ids)),
            Self::Forks(forks) => {
                let forks = forks.iter().map(|[one, other]| (bytes(one), bytes(other)));
                codec::encode(&(5_u8, forks.collect::<Vec<_>>()))
            }
            Self::DocumentIds(ids) => codec::encode(&(6_u8, ids)),
            Self::Documents(documents) => {
                codec::encode(&(7_u8, documents.iter().map(bytes).collect::<Vec<_>>()))
            }
        }
    }

    /// Decodes an answer of at most [`SYNC_ANSWER_BYTES`].
    pub fn decode(bytes: &[u8]) -> Result<Self, CodecFault> {
        let limit = SYNC_ANSWER_BYTES;
        match tag(bytes, limit)? {
            0 => codec::decode::<(u8,)>(bytes, limit).map(|_| Self::Same),
            1 => {
                let (_, frontier): (u8, Frontier) = codec::decode(bytes, limit)?;
                let fits = frontier.0.len() <= SYNC_LOGS && rises(frontier.0.iter().map(|entry| entry.log));
                let sane = frontier
                    .0
                    .iter()
                    .all(|entry| (entry.next > 0 || entry.fork == Some(0)) && entry.bodies <= entry.next);
                if fits && sane { Ok(Self::Frontier(frontier)) } else { Err(shape("not a frontier")) }
            }
            2 => {
                let (_, records, more): (u8, Vec<ByteBuf>, bool) = codec::decode(bytes, limit)?;
                count(records.len(), SYNC_RECORDS)?;
                let records = records.into_iter().map(|record| sized(record, SIGNED_BYTES));
                Ok(Self::Records(records.collect::<Result<_, _>>()?, more))
            }
            3 => {
                let bodies = list::<(LogId, u64, ByteBuf)>(bytes, limit, SYNC_PLACES)?;
                let sized = |(log, seq, body)| Ok((log, seq, sized(body, BODY_BYTES)?));
                bodies.into_iter().map(sized).collect::<Result<_, _>>().map(Self::Bodies)
            }
            4 => list(bytes, IDS_BYTES, SYNC_PLACES).map(Self::Ids),
            5 => {
                let forks = list::<(ByteBuf, ByteBuf)>(bytes, limit, SYNC_LOGS)?;
                let sized = |(one, other)| Ok([sized(one, SIGNED_BYTES)?, sized(other, SIGNED_BYTES)?]);
                forks.into_iter().map(sized).collect::<Result<_, _>>().map(Self::Forks)
            }
            6 => {
                let ids = list::<DocumentId>(bytes, limit, SYNC_DOCUMENTS)?;
                if rises(&ids) { Ok(Self::DocumentIds(ids)) } else { Err(shape("documents out of order")) }
            }
            7 => {
                let documents = list::<ByteBuf>(bytes, limit, SYNC_FETCHED)?;
                let sized = documents.into_iter().map(|document| sized(document, MANIFEST_BYTES));
                sized.collect::<Result<_, _>>().map(Self::Documents)
            }
            _ => Err(shape("an answer of no known kind")),
        }
    }
}

/// The second element of a message, a digest.
fn digest(bytes: &[u8], limit: usize) -> Result<[u8; 32], CodecFault> {
    let (_, digest): (u8, ByteBuf) = codec::decode(bytes, limit)?;
    digest[..].try_into().map_err(|_| shape("a digest that does not have 32 bytes"))
}

/// An answer about ids: 34 bytes each at most, and a few around them.
const IDS_BYTES: usize = SYNC_PLACES * 34 + 16;

fn shape(what: &str) -> CodecFault {
    CodecFault::Shape(what.into())
}

/// What kind of message this is: the first element of its array.
fn tag(bytes: &[u8], limit: usize) -> Result<u8, CodecFault> {
    if bytes.len() > limit {
        return Err(CodecFault::TooLong { len: bytes.len(), limit });
    }
    match bytes {
        [array, tag @ 0..24, ..] if array >> 5 == 4 => Ok(*tag),
        _ => Err(shape("neither a question nor an answer")),
    }
}

/// The second element of a message, a list of at most `most` items.
fn list<T: Serialize + DeserializeOwned>(
    bytes: &[u8],
    limit: usize,
    most: usize,
) -> Result<Vec<T>, CodecFault> {
    let (_, items): (u8, Vec<T>) = codec::decode(bytes, limit)?;
    count(items.len(), most)?;
    Ok(items)
}

fn count(found: usize, most: usize) -> Result<(), CodecFault> {
    if found > most { Err(shape("a list that is too long")) } else { Ok(()) }
}

fn sized(bytes: ByteBuf, limit: usize) -> Result<Vec<u8>, CodecFault> {
    if bytes.len() > limit {
        return Err(CodecFault::TooLong { len: bytes.len(), limit });
    }
    Ok(bytes.into_vec())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn entry(log: u8, next: u64) -> FrontierEntry {
        FrontierEntry {
            log: LogId([log; 32]),
            next,
            head: RecordId([9; 32]),
            bodies: next,
            missing: 0,
            fork: None,
        }
    }

    #[test]
    fn questions_and_answers_come_back() {
        let places = vec![(LogId([1; 32]), 0), (LogId([2; 32]), 700)];
        for request in [
            SyncRequest::Compare([7; 32]),
            SyncRequest::Records(places.clone()),
            SyncRequest::Bodies(places.clone()),
            SyncRequest::Ids(places),
            SyncRequest::Forks(vec![LogId([1; 32])]),
            SyncRequest::Documents([8; 32]),
            SyncRequest::Fetch(vec![DocumentId([3; 32])]),
        ] {
            assert_eq!(SyncRequest::decode(&request.encode()), Ok(request));
        }
        for answer in [
            SyncAnswer::Same,
            SyncAnswer::Frontier(Frontier::new([entry(2, 7), entry(1, 1)])),
            SyncAnswer::Records(vec![vec![1], vec![2, 3]], true),
            SyncAnswer::Bodies(vec![(LogId([1; 32]), 4, vec![5])]),
            SyncAnswer::Ids(vec![None, Some(RecordId([6; 32]))]),
            SyncAnswer::Forks(vec![[vec![1], vec![2]]]),
            SyncAnswer::DocumentIds(vec![DocumentId([3; 32]), DocumentId([4; 32])]),
            SyncAnswer::Documents(vec![vec![1], Vec::new()]),
        ] {
            assert_eq!(SyncAnswer::decode(&answer.encode()), Ok(answer));
        }
    }

    #[test]
    fn frontiers_that_can_not_be_are_refused() {
        for bad in [
            vec![entry(1, 0)],
            vec![entry(2, 1), entry(1, 1)],
            vec![entry(1, 1), entry(1, 2)],
            vec![FrontierEntry { bodies: 3, ..entry(1, 2) }],
        ] {
            assert!(SyncAnswer::decode(&codec::encode(&(1_u8, bad))).is_err());
        }
        let unsorted = codec::encode(&(1_u8, [(LogId([2; 32]), 0_u64), (LogId([1; 32]), 0)]));
        assert!(SyncRequest::decode(&unsorted).is_err());
    }

    #[test]
    fn digests_tell_frontiers_apart() {
        let one = Frontier::new([entry(1, 1)]);
        assert_eq!(one.digest(), one.clone().digest());
        assert_ne!(one.digest(), Frontier::new([entry(1, 2)]).digest());
    }

    proptest! {
        #[test]
        fn decoding_never_panics(bytes: Vec<u8>) {
            let _ = SyncRequest::decode(&bytes);
            let _ = SyncAnswer::decode(&bytes);
        }
    }
}
