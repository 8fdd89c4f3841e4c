//! A list on its way out: whole from what is kept, or while it is being made.

use axum::http::header::CONTENT_LENGTH;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use bytes::Bytes;
use futures::stream::{self, Stream, StreamExt};

use super::FeedFault;
use super::cache::Kept;
use super::spool::Spooled;
use crate::clock::rfc3339;

/// Says since when the node has heard from no other one, where that is so: what others say is as of then.
const CUT_OFF_SINCE: HeaderName = HeaderName::from_static("certmesh-cut-off-since");

/// A list on its way out.
pub(crate) struct Made {
    /// Names this state of it: as long as it stays the same, so does the list.
    pub(crate) tag: String,
    /// Since when the node hears from nobody, milliseconds since 1970 UTC: what others say is as of then.
    pub(super) cut_off_since_ms: Option<u64>,
    pub(super) text: Text,
}

/// Its text.
pub(super) enum Text {
    /// In memory, and kept for others.
    Kept(Vec<Bytes>),
    /// In a file, to which more may still be written.
    Spooled(Spooled),
}

impl Made {
    /// The headers that tell of the list, beyond its type and name: how long it is, if that is known, and how old.
    pub(crate) fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        if let Text::Kept(text) = &self.text {
            let len: usize = text.iter().map(Bytes::len).sum();
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
        let (kept, spooled) = match self.text {
            Text::Kept(text) => (text, None),
            Text::Spooled(spooled) => (Vec::new(), Some(spooled)),
        };
        let rest = stream::unfold(spooled, |spooled| async move {
            let mut spooled = spooled?;
            let piece = spooled.next().await?;
            // What went wrong ends it.
            let spooled = piece.is_ok().then_some(spooled);
            Some((piece, spooled))
        });
        // Compression asks once more after the end.
        stream::iter(kept.into_iter().map(Ok)).chain(rest.fuse())
    }
}

impl From<Kept> for Made {
    fn from(kept: Kept) -> Self {
        let cut_off_since_ms = kept.state.cut_off_since_ms;
        Self { tag: kept.tag, cut_off_since_ms, text: Text::Kept(kept.text) }
    }
}
