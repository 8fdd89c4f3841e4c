//! The answering side of pulls: every stream is picked up at once, few are worked on at a time.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, Hasher};
use std::sync::{Arc, Mutex, PoisonError};

use certmesh_wire::limits::{SYNC_ANSWER_BYTES, SYNC_REQUEST_BYTES};
use certmesh_wire::{MemberCode, NodeId};
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
    if let Some(place) = places.take(node, source.member(node)) {
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
            say_busy(stream).await
        }
        Err(AnswerFault::Malformed(reason)) => {
            tracing::debug!(%node, reason, "refused a malformed pull");
            finish(stream, Status::Refused).await
        }
        Err(AnswerFault::Unavailable(reason)) => {
            tracing::warn!(%node, reason, "a pull could not be answered from the store");
            say_busy(stream).await
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

async fn say_busy(stream: &mut Stream) -> Result<(), FrameFault> {
    write_status(stream, Status::Busy).await?;
    // Spread, so that those who were declined together do not come back together.
    let wait = limits::RETRY_AFTER.mul_f64(0.5 + rand_share());
    let wait = u16::try_from(wait.as_millis()).unwrap_or(u16::MAX);
    write(stream, &wait.to_be_bytes()).await?;
    close(stream).await
}

/// From 0 to 1.
fn rand_share() -> f64 {
    let random = std::hash::RandomState::new().build_hasher().finish();
    (random % 1_000) as f64 / 1_000.0
}

async fn write_status(stream: &mut Stream, status: Status) -> Result<(), FrameFault> {
    write(stream, &[status as u8]).await
}

async fn write(stream: &mut Stream, bytes: &[u8]) -> Result<(), FrameFault> {
    Ok(timeout(limits::PULL_STEP, stream.write_all(bytes)).await.map_err(|_| FrameFault::TimedOut)??)
}

async fn close(stream: &mut Stream) -> Result<(), FrameFault> {
    Ok(timeout(limits::PULL_STEP, stream.close()).await.map_err(|_| FrameFault::TimedOut)??)
}

async fn decline(permit: OwnedSemaphorePermit, mut stream: Stream) {
    // Whether the peer hears it is its own affair: it asks again either way.
    let _ = say_busy(&mut stream).await;
    drop(permit);
}

type Holder = (Option<MemberCode>, NodeId);

/// The places at which pulls are worked on: a few for all, fewer for each member and each node of it.
#[derive(Debug, Default, Clone)]
struct Places(Arc<Mutex<BTreeMap<Holder, usize>>>);

impl Places {
    fn take(&self, node: NodeId, member: Option<MemberCode>) -> Option<Place> {
        let mut taken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let all: usize = taken.values().sum();
        let of_member: usize = taken.iter().filter(|(holder, _)| holder.0 == member).map(|(_, n)| n).sum();
        let own = taken.get(&(member, node)).copied().unwrap_or(0);
        let full = all >= limits::PULLS_ANSWERED
            || of_member >= limits::PULLS_PER_MEMBER
            || own >= limits::PULLS_PER_PEER;
        if full {
            return None;
        }
        taken.insert((member, node), own + 1);
        Some(Place { places: self.clone(), holder: (member, node) })
    }
}

/// A place, given back when dropped.
#[derive(Debug)]
struct Place {
    places: Places,
    holder: Holder,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = taken.get_mut(&self.holder) {
            *own -= 1;
            if *own == 0 {
                taken.remove(&self.holder);
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
        let member = |n: u8| Some(format!("A{}", char::from(b'A' + n % 26)).parse().unwrap());
        let own: Vec<_> = (0..10).map_while(|_| places.take(NodeId([0; 32]), member(0))).collect();
        assert_eq!(own.len(), limits::PULLS_PER_PEER);
        let siblings: Vec<_> = (1..=16).filter_map(|n| places.take(NodeId([n; 32]), member(0))).collect();
        assert_eq!(own.len() + siblings.len(), limits::PULLS_PER_MEMBER, "however many nodes it has");
        let others: Vec<_> = (17..=255).filter_map(|n| places.take(NodeId([n; 32]), member(n))).collect();
        assert_eq!(own.len() + siblings.len() + others.len(), limits::PULLS_ANSWERED);
        drop((own, siblings, others));
        assert!(places.take(NodeId([0; 32]), member(0)).is_some());
        assert!(places.0.lock().unwrap().is_empty(), "nothing is kept of peers that left");
    }
}
