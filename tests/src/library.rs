//! What an endpoint that is no node answers when it is asked: the records that it was given, and no
//! more, as an honest node would.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use certmesh_mesh::{AnswerFault, Source};
use certmesh_wire::limits::{SYNC_ANSWER_BUDGET, SYNC_RECORDS};
use certmesh_wire::{Frontier, FrontierEntry, LogId, MemberCode, NodeId, SyncAnswer, SyncRequest};

use crate::pen::Written;

/// Records by log and seq. Its copies share them.
#[derive(Clone, Default)]
pub struct Library(Arc<RwLock<BTreeMap<(LogId, u64), Written>>>);

impl Library {
    /// Adds records. A log of which it has no beginning is told from what it has.
    pub fn add(&self, written: impl IntoIterator<Item = Written>) {
        let mut shelf = self.0.write().unwrap_or_else(PoisonError::into_inner);
        for one in written {
            let header = one.record.header();
            shelf.insert((header.log, header.seq), one);
        }
    }

    /// How far its logs go.
    fn frontier(&self) -> Frontier {
        let mut heads = BTreeMap::new();
        for (place, written) in self.0.read().unwrap_or_else(PoisonError::into_inner).iter() {
            heads.insert(place.0, (place.1 + 1, written.record.id()));
        }
        let entry =
            |(log, (next, head))| FrontierEntry { log, next, head, bodies: next, missing: 0, fork: None };
        Frontier::new(heads.into_iter().map(entry))
    }

    fn records(&self, places: &[(LogId, u64)]) -> SyncAnswer {
        let shelf = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let of_log = |(log, from): &(LogId, u64)| shelf.range((*log, *from)..=(*log, u64::MAX));
        let (mut records, mut bytes) = (Vec::new(), 0);
        for (_, written) in places.iter().flat_map(of_log) {
            if records.len() == SYNC_RECORDS || bytes > SYNC_ANSWER_BUDGET {
                return SyncAnswer::Records(records, true);
            }
            bytes += written.record.signed().len();
            records.push(written.record.signed().to_vec());
        }
        SyncAnswer::Records(records, false)
    }

    fn bodies(&self, places: &[(LogId, u64)]) -> SyncAnswer {
        let shelf = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let body = |place: &(LogId, u64)| Some((place.0, place.1, shelf.get(place)?.body.clone()?));
        let mut bytes = 0;
        let fits = |(_, _, body): &(LogId, u64, Vec<u8>)| {
            bytes += body.len();
            bytes <= SYNC_ANSWER_BUDGET
        };
        SyncAnswer::Bodies(places.iter().filter_map(body).take_while(fits).collect())
    }

    fn ids(&self, places: &[(LogId, u64)]) -> SyncAnswer {
        let shelf = self.0.read().unwrap_or_else(PoisonError::into_inner);
        SyncAnswer::Ids(places.iter().map(|place| shelf.get(place).map(|it| it.record.id())).collect())
    }
}

impl Source for Library {
    /// It shares with nobody, and so needs not tell them apart.
    fn member(&self, _: NodeId) -> Option<MemberCode> {
        None
    }

    fn answer(&self, _: NodeId, request: &[u8]) -> Result<Vec<u8>, AnswerFault> {
        let request = SyncRequest::decode(request).map_err(|e| AnswerFault::Malformed(e.to_string()))?;
        let answer = match request {
            SyncRequest::Compare(_) => SyncAnswer::Frontier(self.frontier()),
            SyncRequest::Records(places) => self.records(&places),
            SyncRequest::Bodies(places) => self.bodies(&places),
            SyncRequest::Ids(places) => self.ids(&places),
            SyncRequest::Forks(_) => SyncAnswer::Forks(Vec::new()),
            SyncRequest::Documents(_) => SyncAnswer::Same,
            SyncRequest::Fetch(_) => SyncAnswer::Documents(Vec::new()),
        };
        Ok(answer.encode())
    }
}
