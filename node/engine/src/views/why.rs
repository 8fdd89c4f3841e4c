//! Why a value is in the exports, or is not: what every object that mentions it comes to.

use certmesh_intel::{Object, Question};
use certmesh_wire::MemberCode;

use super::check::How;
use super::plain;
use super::reader::{Reader, Summary};
use crate::store::{Store, StoreError};

/// An object that mentions the value, and what it comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// What its observable is to the value.
    pub how: How,
    /// What its observable is, such as `ipv4-addr`.
    pub kind: String,
    /// Its observable, in normal form.
    pub value: String,
    /// Whether it is one condition among several: lists hold none of these, `check` does.
    pub partial: bool,
    /// The object.
    pub object: Summary,
    /// What it comes to.
    pub because: Because,
}

/// Why the reader gets an object, or does not. The first that holds, in this order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Because {
    /// It claims to be made by this member, and another published it.
    NotOwner {
        /// Whose identity it claims.
        owner: MemberCode,
    },
    /// Its publisher has taken it back, by this version of it.
    Revoked,
    /// Another version is shown in its place.
    Superseded {
        /// The arrival of that one; nothing, if it has been revoked since.
        by: Option<u64>,
    },
    /// It is marked above what the reader may see.
    AboveCeiling,
    /// It has ended.
    Expired {
        /// When, milliseconds since 1970 UTC.
        at_ms: u64,
    },
    /// These members say that it is a false positive, and that keeps it out of lists.
    FalsePositive {
        /// Who, sorted.
        members: Vec<MemberCode>,
    },
    /// Nothing keeps it out.
    Listed,
}

/// All reasons.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reasons {
    /// The latest arrival first; none, if the value is unknown.
    pub reasons: Vec<Reason>,
    /// Whether there are more.
    pub capped: bool,
}

/// For every object that mentions the value, why this reader's exports hold it or not. It tells of objects above
/// the reader's ceiling, so whoever asks has to be an operator.
pub fn why(store: &dyn Store, reader: &Reader, question: &Question) -> Result<Reasons, StoreError> {
    let mut reasons = Reasons::default();
    plain::each(store, 0, |stored| {
        let Ok(object) = Object::read(&stored.json) else { return Ok(true) };
        for (how, mention) in plain::met(question, &object) {
            let valid_until_ms = plain::valid_until_ms(&object);
            let because = match valid_until_ms {
                _ if !plain::is_newest(store, &stored)? => Because::Superseded { by: None },
                _ if stored.revoked => Because::Revoked,
                _ if stored.tlp > reader.ceiling => Because::AboveCeiling,
                Some(at_ms) if reader.has_expired(valid_until_ms) => Because::Expired { at_ms },
                _ => Because::Listed,
            };
            reasons.reasons.push(Reason {
                how,
                kind: mention.observable.kind.into_owned(),
                value: mention.observable.value,
                partial: mention.partial,
                object: Summary::of(store, &stored)?,
                because,
            });
        }
        Ok(true)
    })?;
    reasons.reasons.reverse();
    Ok(reasons)
}
