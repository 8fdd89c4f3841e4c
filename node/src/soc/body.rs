//! A request's body: how long it may be, and how long it may take.

use std::sync::{Mutex, PoisonError};

use axum::body::Body;
use axum::http::StatusCode;
use bytes::{Bytes, BytesMut};
use futures::StreamExt;

use super::answer::Problem;
use super::limits::BODY_PAUSE;

/// A body that is still to be read. What is behind a lock may be seen from several threads, as a call is while it
/// waits; nobody ever waits for this one.
pub(super) struct Upload(Mutex<Body>);

impl Upload {
    pub(super) fn new(body: Body) -> Self {
        Self(Mutex::new(body))
    }

    /// The body itself.
    pub(super) fn into_body(self) -> Body {
        self.0.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

/// All of it, if it is at most so many bytes.
pub(super) async fn whole(body: Upload, limit: usize) -> Result<Bytes, Problem> {
    let body = body.into_body();
    let too_long = || Problem::new(StatusCode::PAYLOAD_TOO_LARGE, format!("more than {limit} bytes"));
    let announced = hyper::body::Body::size_hint(&body).lower();
    if announced > limit as u64 {
        return Err(too_long());
    }
    let mut pieces = Pieces(body.into_data_stream());
    let mut whole = BytesMut::new();
    while let Some(piece) = pieces.next().await? {
        if whole.len() + piece.len() > limit {
            return Err(too_long());
        }
        whole.extend_from_slice(&piece);
    }
    Ok(whole.freeze())
}

/// The body as it comes.
pub(super) struct Pieces(pub(super) axum::body::BodyDataStream);

impl Pieces {
    /// The next piece; nothing, if that was all.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, Problem> {
        match tokio::time::timeout(BODY_PAUSE, self.0.next()).await {
            Err(_) => Err(Problem::new(StatusCode::REQUEST_TIMEOUT, "the request's body came too slowly")),
            Ok(Some(Err(_))) => Err(Problem::bad("the request's body broke off")),
            Ok(Some(Ok(piece))) => Ok(Some(piece)),
            Ok(None) => Ok(None),
        }
    }
}
