//! What the keys and values of the store mean. Numbers are big-endian, so that keys sort by them.
//!
//! | family | key | value |
//! | --- | --- | --- |
//! | log | log number u32, seq u64 | the record's signed bytes |
//! | body | log number u32, seq u64 | the body's bytes |
//! | object | arrival u64 | [`StoredObject`] |
//! | index | `s` STIX id | [`State`]: the newest version of each publisher, and what is shown |
//! | index | `i` STIX id, class, member, TLP, modified, inverted SHA-256 | [`Version`]: an older one |
//! | index | `p` arrival, record id | [`Publisher`]: who published the same bytes after the first |
//! | index | `b` STIX id of the author, arrival | |
//! | index | `o` TLP, key of an observable, arrival, kind | [`Row`] |
//! | index | `k` TLP, kind of observable, arrival | [`Row`] |
//! | index | `l` TLP, label, arrival | [`Row`] |
//! | index | `t` TLP, ATT&CK technique, arrival | [`Row`] |
//! | index | `r` TLP, STIX id, arrival, property, 0, type of what refers to it | [`Row`] |
//! | index | `c` TLP, collection, stamp | [`Row`] |
//! | index | `O` TLP, key of an observable, arrival, kind | [`Row`] |
//! | index | `C` TLP, collection, stamp | [`Row`] |
//! | index | `d` SHA-256 of the JSON | arrival; only while the index is rebuilt |
//! | control | `l` log id | [`LogState`] |
//! | control | `f` log id | [`Fork`](crate::Fork): the lowest, and its proof |
//! | control | `b` log number u32, seq u64 | : the body is missing |
//! | control | `w` log id | seq u64, seq u64: what its records from here to there have brought is to be withdrawn |
//! | control | `u` log number u32, seq u64 | u32: its objects from this one on are still to be indexed |
//! | control | `j` STIX id | : its versions are to be judged again |
//! | control | `n` STIX id of an identity | arrival: what it made from here on is to be judged again |
//! | control | `r` record id | log number u32, seq u64 |
//! | control | `d` document id | a roster or manifest, as in its file |
//! | control | `q` log number u32, node | (seq u64, ms u64)*: since when it holds all bodies below a place |
//! | control | `t` token id | [`Token`](crate::tokens::Token) |
//! | meta | `counts` | [`Counts`] |
//! | meta | `arrival` | the last one ever given |
//! | meta | `index` | [`INDEX`]: which of these tables the index is of |
//! | meta | `owners` | whose identities the index knows |
//! | meta | `rebuild` | how far the index is rebuilt |
//!
//! Live objects stand under small letters, past ones (superseded, revoked, nobody's to publish) under
//! capitals, where they can be found by what they mention and in collections. A reader's TLP bounds the keys that
//! they read, and expiry stands in the value: nobody walks over what they may not see.

mod control;
mod index;
mod values;

use certmesh_intel::Tlp;
use certmesh_wire::MemberCode;

pub(crate) use control::*;
pub use index::shown_at;
pub(crate) use index::*;
pub use values::{Counts, LogState, StoredObject};

use crate::store::{Family, READING_INDEX, StoreError};

/// The number of the table above, as far as the index goes, and of what [`crate::index::Facts`] takes from an object. An index
/// of another one is rebuilt.
pub(crate) const INDEX: u32 = 4;

/// Of family `meta`.
pub(crate) const COUNTS: &[u8] = b"counts";
/// Of family `meta`: the last arrival that was ever given, as its object may have been withdrawn.
pub(crate) const LAST_ARRIVAL: &[u8] = b"arrival";
/// Of family `meta`.
pub(crate) const INDEX_OF: &[u8] = b"index";
/// Of family `meta`.
pub(crate) const OWNERS: &[u8] = b"owners";
/// Of family `meta`.
pub(crate) const REBUILD: &[u8] = b"rebuild";

pub(crate) fn damaged(what: &str) -> StoreError {
    StoreError { doing: "reading", cause: what.into() }
}

/// Damage that a rebuild of the index mends.
pub(crate) fn damaged_index(what: &str) -> StoreError {
    StoreError { doing: READING_INDEX, cause: what.into() }
}

pub(crate) struct Fields<'a> {
    pub(crate) rest: &'a [u8],
    pub(crate) family: Family,
}

impl<'a> Fields<'a> {
    pub(crate) fn damaged(&self) -> StoreError {
        let what = format!("a value of family `{}` does not have its shape", self.family.name());
        match self.family {
            Family::Index | Family::Object => damaged_index(&what),
            _ => damaged(&what),
        }
    }

    pub(crate) fn take<const N: usize>(&mut self) -> Result<[u8; N], StoreError> {
        let (field, rest) = self.rest.split_first_chunk().ok_or_else(|| self.damaged())?;
        self.rest = rest;
        Ok(*field)
    }

    pub(crate) fn member(&mut self) -> Result<MemberCode, StoreError> {
        let letters: [u8; 2] = self.take()?;
        let code = std::str::from_utf8(&letters).ok().and_then(|text| text.parse().ok());
        code.ok_or_else(|| self.damaged())
    }

    /// All that follow, at least one.
    pub(crate) fn members(&mut self) -> Result<Members, StoreError> {
        let mut members = vec![self.member()?];
        while !self.rest.is_empty() {
            members.push(self.member()?);
        }
        Ok(Members::of(members))
    }

    pub(crate) fn tlp(&mut self) -> Result<Tlp, StoreError> {
        let [tlp] = self.take()?;
        Tlp::try_from(tlp).map_err(|_| self.damaged())
    }

    pub(crate) fn sized_text(&mut self) -> Result<&'a str, StoreError> {
        let len = usize::from(u16::from_be_bytes(self.take()?));
        let (text, rest) = self.rest.split_at_checked(len).ok_or_else(|| self.damaged())?;
        self.rest = rest;
        std::str::from_utf8(text).map_err(|_| self.damaged())
    }

    pub(crate) fn text(&self) -> Result<&'a str, StoreError> {
        std::str::from_utf8(self.rest).map_err(|_| self.damaged())
    }
}

/// The arrival that a key, or a value, ends with.
pub(crate) fn arrival_of(key: &[u8]) -> Result<u64, StoreError> {
    let tail = key.last_chunk().ok_or_else(|| damaged("a key does not end with an arrival"))?;
    Ok(u64::from_be_bytes(*tail))
}

/// Of family `object`.
pub(crate) fn object(arrival: u64) -> Vec<u8> {
    arrival.to_be_bytes().to_vec()
}

/// A key with the number that it ends with.
pub(crate) fn at(mut prefix: Vec<u8>, number: u64) -> Vec<u8> {
    prefix.extend_from_slice(&number.to_be_bytes());
    prefix
}

/// The first key after all those that begin with `prefix`.
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
#[allow(clippy::unwrap_used, reason = "a test's own inputs")]
mod tests;
