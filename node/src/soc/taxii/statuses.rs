//! What became of publications: kept for a while, in memory, for whoever made them.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use certmesh_engine::tokens::TokenId;

use super::super::limits::{STATUS_BYTES, STATUSES};

/// The last ones, as they are sent.
#[derive(Default)]
pub(crate) struct Statuses(Mutex<VecDeque<Status>>);

struct Status {
    id: String,
    token: TokenId,
    body: Bytes,
}

impl Statuses {
    /// Keeps one; the oldest go.
    pub(super) fn keep(&self, id: String, token: TokenId, body: Bytes) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.push_back(Status { id, token, body });
        let mut bytes: usize = kept.iter().map(|status| status.body.len()).sum();
        while kept.len() > STATUSES || bytes > STATUS_BYTES && kept.len() > 1 {
            bytes -= kept.pop_front().map_or(0, |status| status.body.len());
        }
    }

    /// The one with this id, if this token made it.
    pub(super) fn find(&self, id: &str, token: TokenId) -> Option<Bytes> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = kept.iter().find(|status| status.id == id && status.token == token);
        found.map(|status| status.body.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_ones_are_kept_for_who_made_them() {
        let (one, other) = ("010101010101".parse().unwrap(), "020202020202".parse().unwrap());
        let statuses = Statuses::default();
        for number in 0..=STATUSES {
            statuses.keep(number.to_string(), one, Bytes::from_static(b"{}"));
        }
        assert!(statuses.find("0", one).is_none() && statuses.find("1", one).is_some());
        assert!(statuses.find("1", other).is_none());
        statuses.keep("large".into(), one, vec![0; STATUS_BYTES + 1].into());
        assert!(statuses.find("large", one).is_some() && statuses.find("9", one).is_none());
    }
}
