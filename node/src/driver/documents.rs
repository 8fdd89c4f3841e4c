//! Rosters and manifests that come while the node runs: from an operator, by gossip, by sync. Once they
//! are durable everyone works with the mesh as it then is, and the others get them.

use std::sync::Arc;
use std::time::Duration;

use certmesh_engine::store::StoreError;
use certmesh_engine::{Document, DocumentFault, Steps};
use certmesh_mesh::{Receipt, Verdict};
use certmesh_wire::limits::GOSSIP_PAYLOAD;
use certmesh_wire::{NodeId, SyncAnswer};

use super::{DocumentResults, News, Owed, Shell};

/// How long a node that no longer counts is still connected, so that the document which says so reaches it.
const LAST_WORDS: Duration = Duration::from_secs(1);

impl Shell {
    pub(super) fn enter_documents(
        &mut self,
        from: Option<NodeId>,
        documents: Vec<Document>,
        steps: &mut Steps,
        owed: &mut Owed,
    ) -> Result<DocumentResults, StoreError> {
        // What they change is worked out from the store: it has to hold all that came before.
        self.settle(std::mem::take(steps), std::mem::take(owed))?;
        let results = self.engine.enter_documents(&*self.store, documents.clone(), steps)?;
        self.show_signing();
        for (document, result) in documents.into_iter().zip(&results) {
            match result {
                Ok(true) => {
                    tracing::info!(id = %document.id(), "{} has come", document.words());
                    owed.news.push(document);
                }
                Ok(false) => {}
                Err(fault) => self.note_fault(from, fault),
            }
        }
        Ok(results)
    }

    fn note_fault(&self, from: Option<NodeId>, fault: &DocumentFault) {
        match from {
            Some(from) if fault.is_wrong() => self.peers.refuse(from, "document", fault),
            _ => tracing::debug!("a document: {fault}"),
        }
    }

    pub(super) fn gossiped_documents(
        &mut self,
        from: NodeId,
        documents: &[Vec<u8>],
        receipt: Receipt,
        steps: &mut Steps,
        owed: &mut Owed,
    ) -> Result<(), StoreError> {
        let decoded: Result<Vec<_>, _> =
            documents.iter().map(|bytes| Document::decode_later(bytes)).collect();
        let results = match decoded {
            Ok(documents) => self.enter_documents(Some(from), documents, steps, owed)?,
            Err(fault) => {
                self.peers.refuse(from, "document", &fault);
                vec![Err(fault)]
            }
        };
        // Beside what is new there may be what others would refuse: what is new goes on by itself.
        if results.contains(&Ok(true)) && results.iter().all(Result::is_ok) {
            owed.accepted.push(receipt);
            return Ok(());
        }
        let has = |what: fn(&DocumentFault) -> bool| results.iter().any(|one| one.as_ref().is_err_and(what));
        // What follows a document that is not here makes this node ask for that one.
        if has(DocumentFault::is_early) {
            owed.missing.push(from);
        }
        let wrong = has(DocumentFault::is_wrong);
        if has(|_| true) {
            self.blame(from, wrong);
        }
        self.judge(receipt, if wrong { Verdict::Reject } else { Verdict::Ignore });
        Ok(())
    }

    /// What has come is durable: everyone works with it from here on, and the others get it.
    pub(super) fn follow(&mut self, news: &[Document]) {
        let membership = Arc::clone(self.engine.membership());
        self.peers.follow(&membership, self.engine.node_id());
        self.standing.send_replace(membership);
        for document in news {
            let payload = SyncAnswer::Documents(vec![document.encode()]).encode();
            // A roster of hundreds of members is too long for gossip: sync brings it.
            if payload.len() <= GOSSIP_PAYLOAD {
                self.runtime.block_on(self.mesh.gossip(payload));
            }
        }
        // Who has to go hears first why: its connections end a moment later.
        let (mesh, peers) = (self.mesh.clone(), Arc::clone(&self.peers));
        self.runtime.spawn(async move {
            tokio::time::sleep(LAST_WORDS).await;
            mesh.set_peers(peers.addresses()).await;
        });
        let _ = self.tell.try_send(News::Changed);
    }
}
