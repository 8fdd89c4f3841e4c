//! Rosters and manifests that come while a node runs: once they are durable the node works with the mesh as
//! it then is, and the others get them (`node/src/driver/documents.rs`).

use certmesh_engine::{Document, DocumentFault, Steps, Verdict};
use certmesh_wire::SyncAnswer;
use certmesh_wire::limits::GOSSIP_PAYLOAD;

use crate::life::effects::Effect;
use crate::life::settling::Owed;
use crate::life::taking::Replies;
use crate::life::{Around, Life, Receipt, as_store};
use crate::violation::End;

/// Whether each document was new.
type Results = Vec<Result<bool, DocumentFault>>;

impl Life {
    pub(super) fn enter_documents(
        &mut self,
        documents: Vec<Document>,
        steps: &mut Steps,
        owed: &mut Owed,
        around: &mut Around<'_>,
        replies: &mut Replies,
    ) -> Result<Results, End> {
        // What they change is worked out from the store: it has to hold all that came before.
        self.settle(std::mem::take(steps), std::mem::take(owed), around, replies)?;
        let results = self.engine.enter_documents(as_store(around.store), documents.clone(), steps)?;
        let fresh = documents.into_iter().zip(&results).filter(|(_, result)| **result == Ok(true));
        owed.news.extend(fresh.map(|(document, _)| document));
        Ok(results)
    }

    pub(super) fn gossiped_documents(
        &mut self,
        documents: &[Vec<u8>],
        receipt: Receipt,
        steps: &mut Steps,
        owed: &mut Owed,
        around: &mut Around<'_>,
        replies: &mut Replies,
    ) -> Result<(), End> {
        let decoded: Result<Vec<_>, _> =
            documents.iter().map(|bytes| Document::decode_later(bytes)).collect();
        let results = match decoded {
            Ok(documents) => self.enter_documents(documents, steps, owed, around, replies)?,
            Err(fault) => vec![Err(fault)],
        };
        // Beside what is new there may be what others would refuse: what is new goes on by itself.
        if results.contains(&Ok(true)) && results.iter().all(Result::is_ok) {
            owed.accepted.push(receipt);
            return Ok(());
        }
        let has = |what: fn(&DocumentFault) -> bool| results.iter().any(|one| one.as_ref().is_err_and(what));
        if has(DocumentFault::is_early) {
            owed.missing.push(receipt.from);
        }
        let wrong = has(DocumentFault::is_wrong);
        if has(|_| true) {
            self.blame(receipt.from, wrong, around)?;
        }
        Ok(around.judge(receipt, if wrong { Verdict::Reject } else { Verdict::Ignore })?)
    }

    /// What has come is durable: the others get it.
    pub(super) fn follow(&mut self, news: &[Document], around: &mut Around<'_>) -> Result<(), End> {
        for document in news {
            around.watch.tally.add("documents that came live");
            let payload = SyncAnswer::Documents(vec![document.encode()]).encode();
            if payload.len() <= GOSSIP_PAYLOAD {
                around.gossip(payload)?;
            }
        }
        if !news.is_empty() {
            around.effects.push(Effect::Follow);
        }
        // Whoever knows of more is asked at once.
        let peers: Vec<_> = self.peers.numbers().filter(|_| !news.is_empty()).collect();
        peers.into_iter().for_each(|peer| self.nudge(peer, around));
        Ok(())
    }
}
