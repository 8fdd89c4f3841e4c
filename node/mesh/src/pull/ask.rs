//! The asking side of a pull.

use std::time::Duration;

use certmesh_wire::limits::{SYNC_ANSWER_BYTES, SYNC_REQUEST_BYTES};
use futures::io::AsyncReadExt;
use libp2p::{PeerId, Stream};
use libp2p_stream::{Control, OpenStreamError};
use tokio::time::{sleep, timeout};

use super::frame::{self, FrameFault};
use super::{PROTOCOL, Status};
use crate::limits;

/// How often a stream that ends before its first byte is opened again: libp2p-stream drops an
/// incoming stream when another one is just being picked up.
const ATTEMPTS: u64 = 3;

/// Why a pull brought nothing.
#[derive(Debug, thiserror::Error)]
pub enum PullError {
    /// No connection to the node stands.
    #[error("the node is not connected")]
    NotConnected,
    /// The node serves too many others, or can't read its store.
    #[error("the node is busy, and may answer in {} ms", retry_after.as_millis())]
    Busy {
        /// How long it asks to be left alone; up to a minute.
        retry_after: Duration,
    },
    /// The node says that the request is malformed.
    #[error("the node refused the request as malformed")]
    Refused,
    /// Nothing, or too little, came in time.
    #[error("the node did not answer in time")]
    TimedOut,
    /// The request or the answer is longer than the wire allows.
    #[error("{len} bytes where at most {limit} are allowed")]
    TooLarge {
        /// The length, in bytes.
        len: usize,
        /// The limit, in bytes.
        limit: usize,
    },
    /// The stream couldn't be opened or broke off, or what came back isn't the protocol.
    #[error("the stream to the node failed: {0}")]
    Lost(String),
}

impl From<FrameFault> for PullError {
    fn from(fault: FrameFault) -> Self {
        match fault {
            FrameFault::TooLarge { len, limit } => Self::TooLarge { len, limit },
            FrameFault::TimedOut => Self::TimedOut,
            FrameFault::Io(error) => Self::Lost(error.to_string()),
        }
    }
}

/// Sends a request to a connected peer and waits for its answer.
pub(crate) async fn ask(control: &mut Control, peer: PeerId, request: &[u8]) -> Result<Vec<u8>, PullError> {
    if request.len() > SYNC_REQUEST_BYTES {
        return Err(PullError::TooLarge { len: request.len(), limit: SYNC_REQUEST_BYTES });
    }
    for attempt in 1..ATTEMPTS {
        if let Some(result) = ask_once(control, peer, request).await? {
            return Ok(result);
        }
        sleep(Duration::from_millis(50 * attempt)).await;
    }
    ask_once(control, peer, request).await?.ok_or(PullError::Busy { retry_after: limits::RETRY_AFTER })
}

/// One attempt; `None` when the stream ended before the first byte of an answer.
async fn ask_once(control: &mut Control, peer: PeerId, request: &[u8]) -> Result<Option<Vec<u8>>, PullError> {
    let mut stream = open(control, peer).await?;
    // A busy node may close the stream while the request is still being written. What it answered counts.
    let sent = frame::write(&mut stream, request, SYNC_REQUEST_BYTES).await;
    match status(&mut stream).await? {
        Some(Status::Ok) => Ok(Some(frame::read(&mut stream, SYNC_ANSWER_BYTES).await?)),
        Some(Status::Busy) => Err(PullError::Busy { retry_after: retry_after(&mut stream).await }),
        Some(Status::Refused) => Err(PullError::Refused),
        None if matches!(sent, Err(FrameFault::TimedOut)) => Err(PullError::TimedOut),
        None => Ok(None),
    }
}

async fn open(control: &mut Control, peer: PeerId) -> Result<Stream, PullError> {
    let opening = control.open_stream(peer, PROTOCOL);
    match timeout(limits::OPEN_STREAM, opening).await {
        Ok(Ok(stream)) => Ok(stream),
        Ok(Err(OpenStreamError::Io(error))) if error.kind() == std::io::ErrorKind::NotConnected => {
            Err(PullError::NotConnected)
        }
        Ok(Err(error)) => Err(PullError::Lost(error.to_string())),
        Err(_) => Err(PullError::TimedOut),
    }
}

/// How long a busy node asks to be left alone; our own guess, if it ends without a word.
async fn retry_after(stream: &mut Stream) -> Duration {
    let mut bytes = [0; 2];
    match timeout(limits::PULL_STEP, stream.read_exact(&mut bytes)).await {
        Ok(Ok(())) => Duration::from_millis(u16::from_be_bytes(bytes).into()),
        _ => limits::RETRY_AFTER,
    }
}

async fn status(stream: &mut Stream) -> Result<Option<Status>, PullError> {
    let mut byte = [0];
    match timeout(limits::PULL_STEP, stream.read(&mut byte)).await {
        Ok(Ok(1)) => match Status::from_byte(byte[0]) {
            Some(status) => Ok(Some(status)),
            None => Err(PullError::Lost(format!("status {} is unknown", byte[0]))),
        },
        Ok(_) => Ok(None),
        Err(_) => Err(PullError::TimedOut),
    }
}
