//! The second step through the door, for many nodes. Up to a hundred nodes each verifies by itself;
//! beyond, what one node has verified is known to all: it is a pure function of the bytes.

use std::collections::BTreeMap;

use certmesh_engine::{Candidate, PrecheckedBody, Refusal, Verified, VerifiedBody};
use certmesh_wire::{Parcel, sha256};

/// Nodes of a mesh in which each of them really verifies everything.
pub(crate) const REAL_NODES: usize = 100;

/// The bytes of a record and those of its body.
type Bytes = [u8; 32];

/// Verifies records and bodies, or remembers what came of it.
#[derive(Debug)]
pub(crate) enum Verifier {
    /// Every time anew.
    Real,
    /// Once for all nodes.
    Shared {
        /// By the bytes of the record and the body.
        records: BTreeMap<Bytes, Result<Verified, Refusal>>,
        /// By the same.
        bodies: BTreeMap<Bytes, Result<VerifiedBody, Refusal>>,
    },
}

/// The name of these bytes among what is remembered.
fn name(record: &[u8], body: Option<&[u8]>) -> Bytes {
    sha256(&[&sha256(&[record]), &body.map_or([0; 32], |body| sha256(&[body]))])
}

impl Verifier {
    pub(crate) fn new(nodes: usize) -> Self {
        if nodes <= REAL_NODES {
            Self::Real
        } else {
            Self::Shared { records: BTreeMap::new(), bodies: BTreeMap::new() }
        }
    }

    /// Names for the parcels of one call, to be given to [`verify`](Self::verify).
    pub(crate) fn names(&self, parcels: &[Parcel]) -> Vec<Bytes> {
        match self {
            Self::Real => Vec::new(),
            Self::Shared { .. } => {
                parcels.iter().map(|parcel| name(parcel.record(), parcel.body())).collect()
            }
        }
    }

    /// Verifies candidates. The names are those of the parcels that they come from; if some of these
    /// were refused before, it is not known which is which, and all are verified.
    pub(crate) fn verify(
        &mut self,
        candidates: Vec<Candidate>,
        names: &[Bytes],
    ) -> Vec<Result<Verified, Refusal>> {
        match self {
            Self::Shared { records, .. } if candidates.len() == names.len() => {
                let known = |(candidate, name): (Candidate, &Bytes)| {
                    records.entry(*name).or_insert_with(|| candidate.0.verify(candidate.1)).clone()
                };
                candidates.into_iter().zip(names).map(known).collect()
            }
            _ => candidates.into_iter().map(|(prechecked, body)| prechecked.verify(body)).collect(),
        }
    }

    /// Whether one node's work is shared with all.
    pub(crate) fn is_shared(&self) -> bool {
        matches!(self, Self::Shared { .. })
    }

    /// Verifies a body that came by itself, for this record.
    pub(crate) fn verify_body(
        &mut self,
        record: &[u8],
        body: &[u8],
        prechecked: PrecheckedBody,
    ) -> Result<VerifiedBody, Refusal> {
        match self {
            Self::Real => prechecked.verify(),
            Self::Shared { bodies, .. } => {
                bodies.entry(name(record, Some(body))).or_insert_with(|| prechecked.verify()).clone()
            }
        }
    }
}
