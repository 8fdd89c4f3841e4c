//! What peers gossip: through the engine's door, and a verdict for each message.

use std::time::Instant;

use certmesh_engine::store::StoreError;
use certmesh_engine::{Candidate, Origin, Refusal, Steps, Verified};
use certmesh_mesh::{Receipt, Verdict};
use certmesh_wire::limits::GOSSIP_PAYLOAD;
use certmesh_wire::{NodeId, Parcel, SyncAnswer};

use super::{Owed, Shell};
use crate::clock::now_ms;

impl Shell {
    /// A message of a peer: a record, with or without its body, or documents.
    pub(super) fn gossip(
        &mut self,
        from: NodeId,
        payload: &[u8],
        receipt: Receipt,
        steps: &mut Steps,
        owed: &mut Owed,
    ) -> Result<(), StoreError> {
        let parcel = match (Parcel::decode(payload), SyncAnswer::decode(payload)) {
            (Ok(parcel), _) => parcel,
            (Err(_), Ok(SyncAnswer::Documents(documents))) => {
                return self.gossiped_documents(from, &documents, receipt, steps, owed);
            }
            (Err(fault), _) => {
                self.peers.refuse(from, "malformed", &format!("gossip that is no parcel: {fault}"));
                self.blame(from, true);
                self.judge(receipt, Verdict::Reject);
                return Ok(());
            }
        };
        // Only logs for all are gossiped, whoever tries.
        if !self.engine.is_for_all(parcel.record()) {
            self.judge(receipt, Verdict::Ignore);
            return Ok(());
        }
        let bare = parcel.body().is_none();
        let results =
            self.engine.enter(&*self.store, Origin::Gossip(from), vec![parcel], now_ms(), steps, verify_here);
        self.count(from, &results);
        match results.into_iter().next() {
            Some(Ok(_)) => {
                owed.accepted.push(receipt);
                if bare {
                    owed.missing.push(from);
                }
            }
            Some(Err(refusal)) => {
                let kept = match refusal.parked() {
                    Some(id) => self.waiting.add(id, receipt, Instant::now()),
                    None => Some(receipt),
                };
                if let Some(receipt) = kept {
                    self.judge(receipt, verdict(&refusal));
                }
                match refusal {
                    Refusal::Gap { .. } => owed.missing.push(from),
                    Refusal::OverRate { .. } => self.blame(from, false),
                    Refusal::UnknownLog(_) | Refusal::RosterAhead { .. } => owed.missing.push(from),
                    _ if refusal.verdict() == certmesh_engine::Verdict::Reject => self.blame(from, true),
                    _ => {}
                }
            }
            None => self.judge(receipt, Verdict::Ignore),
        }
        Ok(())
    }

    /// Hangs up on a peer that goes on sending, unasked, what can't be taken.
    pub(super) fn blame(&mut self, from: NodeId, is_wrong: bool) {
        if self.engine.blame(from, is_wrong, now_ms()) {
            self.peers.note_hang_up(from, now_ms());
            self.runtime.block_on(self.mesh.hang_up(from));
        }
    }
}

/// The whole parcel if it fits a gossip message; else the record alone, whose body is then pulled.
pub(super) fn gossip_payload(parcel: &Parcel) -> Vec<u8> {
    let whole = parcel.encode();
    if whole.len() <= GOSSIP_PAYLOAD { whole } else { Parcel::new(parcel.record().to_vec(), None).encode() }
}

fn verdict(refusal: &Refusal) -> Verdict {
    match refusal.verdict() {
        certmesh_engine::Verdict::Accept => Verdict::Accept,
        certmesh_engine::Verdict::Ignore => Verdict::Ignore,
        certmesh_engine::Verdict::Reject => Verdict::Reject,
    }
}

/// On this thread: one message waits for nobody's turn.
fn verify_here(candidates: Vec<Candidate>) -> Vec<Result<Verified, Refusal>> {
    candidates.into_iter().map(|(prechecked, body)| prechecked.verify(body)).collect()
}
