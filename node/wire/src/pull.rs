//! Catch-up between two nodes: one asks with what it has, the other answers with what comes next.

use serde::{Deserialize, Serialize};

use crate::codec::{self, CodecFault};
use crate::ids::LogId;
use crate::limits::{PULL_ANSWER_BYTES, PULL_LOGS, PULL_PARCELS, PULL_REQUEST_BYTES};
use crate::parcel::Parcel;

/// "Send me what follows": for every log that the asker knows of, the seq it needs next.
///
/// In CBOR: `[ [bstr log, u64 next seq], … ]`, sorted by log id, each log once.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PullRequest(Vec<(LogId, u64)>);

impl PullRequest {
    /// A request for these logs, each from this seq on. At most [`PULL_LOGS`] are asked about at once.
    pub fn new(wants: impl IntoIterator<Item = (LogId, u64)>) -> Self {
        let mut wants: Vec<_> = wants.into_iter().take(PULL_LOGS).collect();
        wants.sort_unstable();
        wants.dedup_by_key(|(log, _)| *log);
        Self(wants)
    }

    /// The logs and the seq that is needed next of each.
    pub fn wants(&self) -> &[(LogId, u64)] {
        &self.0
    }

    /// The bytes to send.
    pub fn encode(&self) -> Vec<u8> {
        codec::encode(self)
    }

    /// Decodes a request of at most [`PULL_REQUEST_BYTES`].
    pub fn decode(bytes: &[u8]) -> Result<Self, CodecFault> {
        let request: Self = codec::decode(bytes, PULL_REQUEST_BYTES)?;
        if request.0.len() > PULL_LOGS {
            return Err(CodecFault::Shape(format!("more than {PULL_LOGS} logs")));
        }
        if request.0.windows(2).any(|pair| pair[0].0 >= pair[1].0) {
            return Err(CodecFault::Shape("logs out of order".into()));
        }
        Ok(request)
    }
}

/// Parcels that follow what was asked for, in order within each log.
///
/// In CBOR: `[ [parcel, …], bool more ]`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PullAnswer {
    parcels: Vec<Parcel>,
    more: bool,
}

impl PullAnswer {
    /// An answer; `more` when the budget ended it.
    pub fn new(parcels: Vec<Parcel>, more: bool) -> Self {
        Self { parcels, more }
    }

    /// The parcels.
    pub fn into_parcels(self) -> Vec<Parcel> {
        self.parcels
    }

    /// Whether the answer stopped at its budget, so that it is worth asking again.
    pub fn more(&self) -> bool {
        self.more
    }

    /// The bytes to send.
    pub fn encode(&self) -> Vec<u8> {
        codec::encode(&(&self.parcels, self.more))
    }

    /// Decodes an answer of at most [`PULL_ANSWER_BYTES`].
    pub fn decode(bytes: &[u8]) -> Result<Self, CodecFault> {
        let (parcels, more): (Vec<Parcel>, bool) = codec::decode(bytes, PULL_ANSWER_BYTES)?;
        if parcels.len() > PULL_PARCELS {
            return Err(CodecFault::Shape(format!("more than {PULL_PARCELS} parcels")));
        }
        let parcels = parcels.into_iter().map(Parcel::checked).collect::<Result<_, _>>()?;
        Ok(Self { parcels, more })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trips() {
        let request = PullRequest::new([(LogId([2; 32]), 7), (LogId([1; 32]), 0)]);
        assert_eq!(PullRequest::decode(&request.encode()), Ok(request));
        let answer = PullAnswer::new(vec![Parcel::new(vec![1], None)], true);
        assert_eq!(PullAnswer::decode(&answer.encode()), Ok(answer));
    }

    #[test]
    fn a_log_is_asked_about_once() {
        let twice = codec::encode(&[(LogId([1; 32]), 7_u64), (LogId([1; 32]), 8)]);
        assert!(PullRequest::decode(&twice).is_err());
    }
}
