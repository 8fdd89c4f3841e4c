//! The answering side of pulls: every stream is picked up at once, few are worked on at a time.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use certmesh_wire::NodeId;
use certmesh_wire::limits::{SYNC_ANSWER_BYTES, SYNC_REQUEST_BYTES};
use futures::StreamExt;
use futures::io::AsyncWriteExt;
use libp2p::{PeerId, Stream};
use libp2p_stream::IncomingStreams;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::Status;
use super::frame::{self, FrameFault};
use crate::{AnswerFault, Source, identity, limits};

/// Answers pulls until the node stops; then every answer under way is dropped.
pub(crate) async fn serve(mut incoming: IncomingStreams, source: Arc<dyn Source>) {
    let places = Places::default();
    let declines = Arc::new(Semaphore::new(limits::BUSY_ANSWERS));
    let mut answers = JoinSet::new();
    loop {
        // libp2p-stream drops what arrives while one stream waits here: nothing in this loop may block.
        tokio::select! {
            stream = incoming.next() => match stream {
                Some((peer, stream)) => take_up(&mut answers, &places, &declines, &source, peer, stream),
                None => return,
            },
            Some(_) = answers.join_next() => {}
        }
    }
}

fn take_up(
    answers: &mut JoinSet<()>,
    places: &Places,
    declines: &Arc<Semaphore>,
    source: &Arc<dyn Source>,
    peer: PeerId,
    stream: Stream,
) {
    let Some(node) = identity::node_id(&peer) else { return };
    if let Some(place) = places.take(node) {
        answers.spawn(answer(place, Arc::clone(source), node, stream));
    } else if let Ok(permit) = Arc::clone(declines).try_acquire_owned() {
        answers.spawn(decline(permit, stream));
    }
}

async fn answer(place: Place, source: Arc<dyn Source>, node: NodeId, mut stream: Stream) {
    if let Err(fault) = exchange(&mut stream, source, node).await {
        tracing::debug!(%node, %fault, "a pull could not be answered");
    }
    drop(place);
}

async fn exchange(stream: &mut Stream, source: Arc<dyn Source>, node: NodeId) -> Result<(), FrameFault> {
    let request = match frame::read(stream, SYNC_REQUEST_BYTES).await {
        Err(fault @ FrameFault::TooLarge { .. }) => {
            finish(stream, Status::Refused).await?;
            return Err(fault);
        }
        read => read?,
    };
    match answer_of(source, node, request).await {
        Ok(answer) if answer.len() <= SYNC_ANSWER_BYTES => send(stream, &answer).await,
        Ok(answer) => {
            tracing::error!(%node, len = answer.len(), "an answer to a pull is longer than the wire allows");
            finish(stream, Status::Busy).await
        }
        Err(AnswerFault::Malformed(reason)) => {
            tracing::debug!(%node, reason, "refused a malformed pull");
            finish(stream, Status::Refused).await
        }
        Err(AnswerFault::Unavailable(reason)) => {
            tracing::warn!(%node, reason, "a pull could not be answered from the store");
            finish(stream, Status::Busy).await
        }
    }
}

async fn answer_of(source: Arc<dyn Source>, node: NodeId, request: Vec<u8>) -> Result<Vec<u8>, AnswerFault> {
    let answering = tokio::task::spawn_blocking(move || source.answer(node, &request));
    answering.await.unwrap_or_else(|error| Err(AnswerFault::Unavailable(error.to_string())))
}

async fn send(stream: &mut Stream, answer: &[u8]) -> Result<(), FrameFault> {
    write_status(stream, Status::Ok).await?;
    frame::write(stream, answer, SYNC_ANSWER_BYTES).await?;
    close(stream).await
}

async fn finish(stream: &mut Stream, status: Status) -> Result<(), FrameFault> {
    write_status(stream, status).await?;
    close(stream).await
}

async fn write_status(stream: &mut Stream, status: Status) -> Result<(), FrameFault> {
    let byte = [status as u8];
    Ok(timeout(limits::PULL_STEP, stream.write_all(&byte)).await.map_err(|_| FrameFault::TimedOut)??)
}

async fn close(stream: &mut Stream) -> Result<(), FrameFault> {
    Ok(timeout(limits::PULL_STEP, stream.close()).await.map_err(|_| FrameFault::TimedOut)??)
}

async fn decline(permit: OwnedSemaphorePermit, mut stream: Stream) {
    // Whether the peer hears it is its own affair: it asks again either way.
    let _ = finish(&mut stream, Status::Busy).await;
    drop(permit);
}

/// The places at which pulls are worked on: a few for all, fewer for each.
#[derive(Debug, Default, Clone)]
struct Places(Arc<Mutex<BTreeMap<NodeId, usize>>>);

impl Places {
    fn take(&self, node: NodeId) -> Option<Place> {
        let mut taken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let all: usize = taken.values().sum();
        let own = taken.get(&node).copied().unwrap_or(0);
        if all >= limits::PULLS_ANSWERED || own >= limits::PULLS_PER_PEER {
            return None;
        }
        taken.insert(node, own + 1);
        Some(Place { places: self.clone(), node })
    }
}

/// A place, given back when dropped.
#[derive(Debug)]
struct Place {
    places: Places,
    node: NodeId,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = taken.get_mut(&self.node) {
            *own -= 1;
            if *own == 0 {
                taken.remove(&self.node);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_bounded_and_come_back() {
        let places = Places::default();
        let own: Vec<_> = (0..10).map_while(|_| places.take(NodeId([0; 32]))).collect();
        assert_eq!(own.len(), limits::PULLS_PER_PEER);
        let others: Vec<_> = (1..=255).filter_map(|n| places.take(NodeId([n; 32]))).collect();
        assert_eq!(own.len() + others.len(), limits::PULLS_ANSWERED);
        drop((own, others));
        assert!(places.take(NodeId([0; 32])).is_some());
        assert!(places.0.lock().unwrap().is_empty(), "nothing is kept of peers that left");
    }
}
