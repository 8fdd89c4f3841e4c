//! A list on its way out: whole from what is kept, or while it is being made.

use axum::http::header::CONTENT_LENGTH;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use bytes::Bytes;
use futures::stream::{self, Stream, StreamExt};
use tokio::sync::mpsc;

use super::FeedFault;
use super::cache::Kept;
use crate::clock::rfc3339;

/// Says since when the node has heard from no other one, where that is so: the list is as it was then.
const CUT_OFF_SINCE: HeaderName = HeaderName::from_static("certmesh-cut-off-since");

/// A list on its way out.
pub(crate) struct Made {
    /// Names this state of it: as long as it stays the same, so does the list.
    pub(crate) tag: String,
    /// Since when the node hears from nobody, milliseconds since 1970 UTC: the list is the last good one.
    pub(super) cut_off_since_ms: Option<u64>,
    /// How many bytes it has, if it is made.
    pub(super) len: Option<u64>,
    pub(super) begun: Vec<Bytes>,
    pub(super) rest: Option<mpsc::Receiver<Result<Bytes, FeedFault>>>,
}

impl Made {
    /// The headers that tell of the list, beyond its type and name: how long it is, and how old.
    pub(crate) fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        if let Some(len) = self.len {
            headers.insert(CONTENT_LENGTH, len.into());
        }
        let since = self.cut_off_since_ms.map(|since| HeaderValue::from_str(&rfc3339(since)));
        if let Some(Ok(since)) = since {
            headers.insert(CUT_OFF_SINCE, since);
        }
        headers
    }

    /// The text.
    pub(crate) fn body(self) -> impl Stream<Item = Result<Bytes, FeedFault>> + Send {
        let begun = stream::iter(self.begun.into_iter().map(Ok));
        let rest = stream::unfold(self.rest, |rest| async move {
            let mut rest = rest?;
            rest.recv().await.map(|piece| (piece, Some(rest)))
        });
        // Compression asks once more after the end.
        begun.chain(rest.fuse())
    }
}

impl From<Kept> for Made {
    fn from(kept: Kept) -> Self {
        let len = kept.len() as u64;
        let cut_off_since_ms = kept.state.cut_off_since_ms;
        Self { tag: kept.tag, cut_off_since_ms, len: Some(len), begun: kept.text, rest: None }
    }
}
