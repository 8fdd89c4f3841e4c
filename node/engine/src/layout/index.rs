//! Keys of family `index`, and what their values mean.
//!
//! A term stands in a key so that no key of one term begins like those of another: ids in a short form, texts with an
//! end.

use std::cmp::Reverse;
use std::net::{Ipv4Addr, Ipv6Addr};

use certmesh_intel::{Observable, Tlp};
use certmesh_wire::{MemberCode, NodeId, RecordId, sha256};

use super::{Fields, at, damaged_index};
use crate::store::{Family, StoreError};

/// The longest text that stands in a key as it is.
const TEXT_BYTES: usize = 256;
/// Begins a text that stands for its SHA-256.
const APART: u8 = 1;

/// A text in a key. One that is too long, or holds what ends it, is stood for by its SHA-256.
fn text(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    if bytes.len() > TEXT_BYTES || bytes.contains(&0) || bytes.first() == Some(&APART) {
        return [&[APART][..], &sha256(&[bytes])].concat();
    }
    [bytes, &[0]].concat()
}

/// A STIX id in a key: its type, 0, and the 16 bytes of its UUID; or 0 and the text, if its UUID is not in lower case.
pub(crate) fn id(id: &str) -> Vec<u8> {
    let canonical = id.len().checked_sub(36).and_then(|at| id.split_at_checked(at));
    let canonical = canonical.and_then(|(head, uuid)| Some((head.strip_suffix("--")?, uuid_bytes(uuid)?)));
    match canonical {
        Some((object_type, uuid)) => [object_type.as_bytes(), &[0], &uuid].concat(),
        // No type is empty, so no other key begins like this.
        None => [&[0][..], &text(id)].concat(),
    }
}

/// The bytes of a UUID, if it is in lower case and so comes back from them as it was.
fn uuid_bytes(uuid: &str) -> Option<[u8; 16]> {
    let (mut bytes, mut digits) = ([0; 16], 0);
    for (at, letter) in uuid.bytes().enumerate() {
        if matches!(at, 8 | 13 | 18 | 23) {
            if letter != b'-' {
                return None;
            }
            continue;
        }
        let digit = match letter {
            b'0'..=b'9' => letter - b'0',
            b'a'..=b'f' => letter - b'a' + 10,
            _ => return None,
        };
        *bytes.get_mut(digits / 2)? |= if digits % 2 == 0 { digit << 4 } else { digit };
        digits += 1;
    }
    (digits == 32).then_some(bytes)
}

/// What a member's copy of an object counts as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Class {
    /// Its publisher made it.
    Owned = 0,
    /// No member made it.
    Foreign = 1,
    /// It claims to be another member's: it is kept, and never shown.
    Impostor = 2,
}

impl Class {
    pub(crate) const ALL: [Self; 3] = [Self::Owned, Self::Foreign, Self::Impostor];

    fn decode(byte: u8) -> Result<Self, StoreError> {
        let known = Self::ALL.into_iter().find(|class| *class as u8 == byte);
        known.ok_or_else(|| damaged_index("a version of no class"))
    }
}

/// One member's copy of one text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Version {
    pub(crate) class: Class,
    pub(crate) member: MemberCode,
    /// Its marking.
    pub(crate) tlp: Tlp,
    /// Microseconds since 1970 UTC; what has none is older than what has one.
    pub(crate) modified: Option<i64>,
    pub(crate) sha256: [u8; 32],
    /// The arrival of the text.
    pub(crate) arrival: u64,
    /// Where it stands in the member's collection.
    pub(crate) stamp: u64,
    pub(crate) revoked: bool,
    /// Whether all of the member's records that carry it claim that it is newer than they can know.
    pub(crate) ahead: bool,
}

impl Version {
    /// What decides between versions, the same on every node: the time, then the lower hash.
    pub(crate) fn rank(&self) -> (Option<i64>, Reverse<[u8; 32]>) {
        (self.modified, Reverse(self.sha256))
    }

    /// Its key among the older versions.
    pub(crate) fn key(&self, id: &[u8]) -> Vec<u8> {
        version(id, (self.class, self.member, self.tlp), self.modified, &self.sha256)
    }

    /// Flags, arrival, and the stamp if it is another.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let apart = self.stamp != self.arrival;
        let flags = u8::from(self.revoked) | u8::from(self.ahead) << 1 | u8::from(apart) << 2;
        let stamp = self.stamp.to_be_bytes();
        [&[flags][..], &self.arrival.to_be_bytes(), if apart { &stamp } else { &[] }].concat()
    }

    /// The version with this key, after the prefix of its id.
    pub(crate) fn decode(key: &[u8], value: &[u8]) -> Result<Self, StoreError> {
        let mut key = Fields { rest: key, family: Family::Index };
        let [class] = key.take()?;
        let (member, tlp) = (key.member()?, key.tlp()?);
        let modified = u64::from_be_bytes(key.take()?) ^ (1 << 63);
        let sha256: [u8; 32] = key.take()?;
        let mut value = Fields { rest: value, family: Family::Index };
        let mut version = Self {
            class: Class::decode(class)?,
            member,
            tlp,
            modified: Some(modified as i64).filter(|modified| *modified != i64::MIN),
            sha256: sha256.map(|byte| !byte),
            arrival: 0,
            stamp: 0,
            revoked: false,
            ahead: false,
        };
        version.take(&mut value)?;
        Ok(version)
    }

    fn take(&mut self, value: &mut Fields<'_>) -> Result<(), StoreError> {
        let [flags] = value.take()?;
        self.arrival = u64::from_be_bytes(value.take()?);
        self.stamp = if flags & 4 == 0 { self.arrival } else { u64::from_be_bytes(value.take()?) };
        (self.revoked, self.ahead) = (flags & 1 != 0, flags & 2 != 0);
        Ok(())
    }
}

/// Of family `index`: the state of an id, given as in a key.
pub(crate) fn state(id: &[u8]) -> Vec<u8> {
    [b"s", id].concat()
}

/// Of family `index`: the prefix of the older versions of an id.
pub(crate) fn versions(id: &[u8]) -> Vec<u8> {
    [b"i", id].concat()
}

/// Of family `index`: the prefix of one member's older versions of an id that count as `class` and have this marking, in
/// order of their ranks.
pub(crate) fn versions_of(id: &[u8], class: Class, member: MemberCode, tlp: Tlp) -> Vec<u8> {
    [&versions(id)[..], &[class as u8], &member.bytes(), &[tlp as u8]].concat()
}

/// Of family `index`.
pub(crate) fn version(
    id: &[u8],
    (class, member, tlp): (Class, MemberCode, Tlp),
    modified: Option<i64>,
    sha256: &[u8; 32],
) -> Vec<u8> {
    let prefix = versions_of(id, class, member, tlp);
    [&prefix[..], &sortable(modified), &sha256.map(|byte| !byte)].concat()
}

/// Flipping the sign bit makes negative numbers sort before positive ones.
fn sortable(modified: Option<i64>) -> [u8; 8] {
    (modified.unwrap_or(i64::MIN) as u64 ^ (1 << 63)).to_be_bytes()
}

/// A version that stands in the state of its id: what its key has elsewhere, then its value.
pub(crate) fn encode_newest(version: &Version) -> Vec<u8> {
    let (class, inverted) = (version.class as u8, version.sha256.map(|byte| !byte));
    let member = version.member.bytes();
    [&[class][..], &member, &[version.tlp as u8], &sortable(version.modified), &inverted, &version.encode()]
        .concat()
}

/// The next of the versions that stand in the state of their id.
pub(crate) fn decode_newest(fields: &mut Fields<'_>) -> Result<Version, StoreError> {
    let key: [u8; 44] = fields.take()?;
    let mut version = Version::decode(&key, &[0; 9])?;
    version.take(fields)?;
    Ok(version)
}

/// Of family `index`: the prefix of all who published the same bytes after the first.
pub(crate) fn publishers(arrival: u64) -> Vec<u8> {
    at(b"p".to_vec(), arrival)
}

/// Of family `index`.
pub(crate) fn publisher(arrival: u64, record: &RecordId) -> Vec<u8> {
    [&publishers(arrival)[..], &record.0].concat()
}

/// Who published an object, and in which record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Publisher {
    pub(crate) record: RecordId,
    pub(crate) member: MemberCode,
    pub(crate) node: NodeId,
    /// Whether the object claims to be newer than this record can know.
    pub(crate) ahead: bool,
}

impl Publisher {
    pub(crate) fn encode(&self) -> Vec<u8> {
        [&self.member.bytes()[..], &self.node.0, &[u8::from(self.ahead)]].concat()
    }

    pub(crate) fn decode(key: &[u8], value: &[u8]) -> Result<Self, StoreError> {
        let record = key.last_chunk().copied().map(RecordId);
        let record = record.ok_or_else(|| damaged_index("a key of family `index` does not name a record"))?;
        let mut fields = Fields { rest: value, family: Family::Index };
        let (member, node) = (fields.member()?, NodeId(fields.take()?));
        Ok(Self { record, member, node, ahead: fields.take()? != [0] })
    }
}

/// Of family `index`: the prefix of all that an identity made, whatever the case of its UUID.
pub(crate) fn made_by(identity: &str) -> Vec<u8> {
    [&b"b"[..], &id(&identity.to_ascii_lowercase())].concat()
}

/// What a row of family `index` tells a reader without a look at the object.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Row {
    /// Milliseconds since 1970 UTC.
    pub(crate) valid_until_ms: Option<u64>,
    pub(crate) confidence: Option<u8>,
    /// Whether the object mentions the term as one condition among several.
    pub(crate) partial: bool,
    pub(crate) revoked: bool,
    /// Whether the object says of an observable that it exists, and no more.
    pub(crate) bare: bool,
    /// The arrival of the object, where the key holds another stamp.
    pub(crate) arrival: Option<u64>,
    /// Whose word it is, where the key is an observable's, or some of them if there are many: nobody's reports are to hide those of
    /// others.
    pub(crate) members: Members,
}

/// A few members.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Members([Option<MemberCode>; 4]);

impl Members {
    /// The first few of these.
    pub(crate) fn of(members: impl IntoIterator<Item = MemberCode>) -> Self {
        let mut few = Self::default();
        few.0.iter_mut().zip(members).for_each(|(place, member)| *place = Some(member));
        few
    }

    pub(crate) fn iter(self) -> impl Iterator<Item = MemberCode> {
        self.0.into_iter().flatten()
    }
}

impl Row {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let flags = [
            self.valid_until_ms.is_some(),
            self.confidence.is_some(),
            self.partial,
            self.revoked,
            self.arrival.is_some(),
            self.bare,
            self.members != Members::default(),
        ];
        let flags = flags.into_iter().enumerate().map(|(at, flag)| u8::from(flag) << at).sum();
        let mut value = vec![flags];
        value.extend(self.valid_until_ms.map(u64::to_be_bytes).into_iter().flatten());
        value.extend(self.confidence);
        value.extend(self.arrival.map(u64::to_be_bytes).into_iter().flatten());
        // They come last, so that they need no number.
        value.extend(self.members.iter().flat_map(|member| member.bytes()));
        value
    }

    pub(crate) fn decode(value: &[u8]) -> Result<Self, StoreError> {
        let mut fields = Fields { rest: value, family: Family::Index };
        let [flags] = fields.take()?;
        let has = |at: u8| flags & (1 << at) != 0;
        Ok(Self {
            valid_until_ms: if has(0) { Some(u64::from_be_bytes(fields.take()?)) } else { None },
            confidence: if has(1) { Some(u8::from_be_bytes(fields.take()?)) } else { None },
            partial: has(2),
            revoked: has(3),
            bare: has(5),
            arrival: if has(4) { Some(u64::from_be_bytes(fields.take()?)) } else { None },
            members: if has(6) { fields.members()? } else { Members::default() },
        })
    }
}

/// Begins the rows of live objects by observable, which are the ones that a filter in memory knows.
pub(crate) const LIVE_OBSERVABLES: u8 = b'o';
const REFERENCES: u8 = b'r';
/// Begins the rows of past objects by observable.
pub(crate) const PAST_OBSERVABLES: u8 = b'O';

/// What the rows of a live object are found by; each stands below a TLP.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Term {
    /// The key of an observable that it mentions.
    Observable(Vec<u8>),
    /// A kind of observables that it mentions.
    Kind(String),
    Label(String),
    /// An ATT&CK technique, or one that it is a sub-technique of.
    Technique(String),
    /// A STIX id that it refers to.
    Reference(String),
    Collection(Shelf),
    /// The key of an observable that a past object mentions.
    PastObservable(Vec<u8>),
    /// A collection of past objects.
    PastCollection(Shelf),
}

impl Term {
    /// Of family `index`: the prefix of all rows of this term and TLP.
    pub(crate) fn prefix(&self, tlp: Tlp) -> Vec<u8> {
        let (class, term) = match self {
            Self::Observable(key) => (LIVE_OBSERVABLES, key.clone()),
            Self::PastObservable(key) => (PAST_OBSERVABLES, key.clone()),
            Self::Kind(kind) => (b'k', text(kind)),
            Self::Label(label) => (b'l', text(label)),
            Self::Technique(technique) => (b't', text(technique)),
            Self::Reference(target) => (REFERENCES, id(target)),
            Self::Collection(shelf) => (b'c', shelf.key()),
            Self::PastCollection(shelf) => (b'C', shelf.key()),
        };
        [&[class, tlp as u8][..], &term].concat()
    }

    /// Of family `index`: the row of the object with this arrival or stamp.
    pub(crate) fn row(&self, tlp: Tlp, number: u64, rest: &[u8]) -> Vec<u8> {
        let mut key = at(self.prefix(tlp), number);
        key.extend_from_slice(rest);
        key
    }
}

/// A collection of objects in the order of their stamps.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Shelf {
    /// All of them.
    All,
    /// Those of a STIX type.
    Type(String),
    /// Those of a family that is no single type.
    Family(crate::ObjectFamily),
    /// Those that a member publishes.
    Member(MemberCode),
    /// The versions of one object; past ones only, since its state names the others.
    Id(String),
}

impl Shelf {
    fn key(&self) -> Vec<u8> {
        match self {
            Self::All => b"a".to_vec(),
            Self::Type(name) => [b"t", &text(name)[..]].concat(),
            Self::Family(family) => vec![b'f', *family as u8],
            Self::Member(code) => [&b"m"[..], &code.bytes()].concat(),
            Self::Id(object) => [b"i", &id(object)[..]].concat(),
        }
    }
}

/// The ends of a row of an observable or a reference after its stamp.
pub(crate) fn reference_end(property: &str, object_type: &str) -> Vec<u8> {
    [property.as_bytes(), &[0], object_type.as_bytes()].concat()
}

/// The marking up to which readers notice that this key of family `index` is written: what they are told of an object comes
/// from rows that stand below its marking, and whatever becomes of the object moves one of them.
pub fn shown_at(key: &[u8]) -> Option<Tlp> {
    match key {
        [b's' | b'i' | b'p' | b'b' | b'd', ..] => None,
        [_, tlp, ..] => Tlp::try_from(*tlp).ok(),
        _ => None,
    }
}

/// How the references of those end that say something of an object: live sightings of it, and opinions about it.
pub(crate) fn word_ends() -> [Vec<u8>; 2] {
    [reference_end("sighting_of_ref", "sighting"), reference_end("object_refs", "opinion")]
}

/// The prefix of all rows of live observables of one marking, whatever they are.
pub(crate) fn live_observables(tlp: Tlp) -> Vec<u8> {
    vec![LIVE_OBSERVABLES, tlp as u8]
}

/// The marking, and the key of the observable whose row this is the key of, if it is one of a live object.
pub(crate) fn live_observable(key: &[u8]) -> Option<(u8, &[u8])> {
    let [LIVE_OBSERVABLES, tlp, rest @ ..] = key else { return None };
    split_observable(rest).map(|(observable, _)| (*tlp, observable))
}

/// The prefix of all rows of references of one marking, whatever they refer to.
pub(crate) fn references(tlp: Tlp) -> Vec<u8> {
    vec![REFERENCES, tlp as u8]
}

/// The id, as in keys, of the object of which a sighting or an opinion speaks whose reference has this key.
pub(crate) fn spoken_of(key: &[u8]) -> Option<&[u8]> {
    let [REFERENCES, _, rest @ ..] = key else { return None };
    let target = word_ends().iter().find_map(|end| rest.strip_suffix(&end[..]))?;
    target.split_last_chunk::<8>().map(|(target, _)| target)
}

/// Cuts the key of an observable from what comes after it in the key of a row.
pub(crate) fn split_observable(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = match bytes.first()? {
        b'4' => 1 + 4 + 1,
        b'6' => 1 + 16 + 1,
        b'd' => 2 + bytes.windows(2).position(|pair| pair == [0, 1])?,
        _ => 1 + bytes.iter().position(|byte| *byte == 0)?,
    };
    bytes.split_at_checked(end)
}

/// The normal form of the observable with this key; nothing, if its hash stands for it.
pub(crate) fn observable_text(key: &[u8]) -> Option<String> {
    let text = |bytes: &[u8]| std::str::from_utf8(bytes).ok().map(str::to_owned);
    match key {
        [b'4', a, b, c, d, length] => Some(network(Ipv4Addr::new(*a, *b, *c, *d), *length, 32)),
        [b'6', address @ .., length] => {
            let address: [u8; 16] = address.try_into().ok()?;
            Some(network(Ipv6Addr::from(address), *length, 128))
        }
        [b'd', labels @ .., 0, 1] => {
            let mut labels: Vec<_> = labels.split(|byte| *byte == 0).map(text).collect::<Option<_>>()?;
            labels.reverse();
            Some(labels.join("."))
        }
        [b'v', value @ .., 0] if value.first() != Some(&APART) => text(value),
        _ => None,
    }
}

fn network(address: impl std::fmt::Display, length: u8, whole: u8) -> String {
    if length == whole { address.to_string() } else { format!("{address}/{length}") }
}

/// A number, and what follows it.
pub(crate) fn split_number(bytes: &[u8]) -> Result<(u64, &[u8]), StoreError> {
    let (number, rest) =
        bytes.split_first_chunk().ok_or_else(|| damaged_index("a row without its number"))?;
    Ok((u64::from_be_bytes(*number), rest))
}

/// The kind of an observable, which ends its rows.
pub(crate) fn observable_end(observable: &Observable) -> &[u8] {
    observable.kind.as_bytes()
}

/// Of family `index`, while it is rebuilt.
pub(crate) fn digest(sha256: &[u8; 32]) -> Vec<u8> {
    [b"d", &sha256[..]].concat()
}
