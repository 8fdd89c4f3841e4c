//! An answer as it comes: bytes, or lines of JSON.

use std::marker::PhantomData;

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::HeaderMap;
use hyper::body::Incoming;
use serde::de::DeserializeOwned;

use super::{Client, ClientError};

/// One line, in bytes: an object of 8 MiB with its provenance.
const LINE_BYTES: usize = 9 * 1024 * 1024;

/// The bytes of an answer.
pub struct Body {
    pub(super) client: Client,
    pub(super) body: Incoming,
    pub(super) headers: HeaderMap,
}

impl Body {
    /// A header of the answer, if it is text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The next piece, or `None` when the node has sent all of them.
    ///
    /// # Errors
    /// When the connection breaks: what came before is then not all there is.
    pub async fn next(&mut self) -> Result<Option<Bytes>, ClientError> {
        while let Some(frame) = self.body.frame().await {
            let frame = frame.map_err(|e| self.client.broken(e))?;
            if let Ok(data) = frame.into_data() {
                return Ok(Some(data));
            }
        }
        Ok(None)
    }
}

/// An answer that is a line of JSON for each thing.
pub struct Lines<T> {
    body: Body,
    buffer: BytesMut,
    line: PhantomData<T>,
}

impl<T: DeserializeOwned> Lines<T> {
    pub(super) fn new(body: Body) -> Self {
        Self { body, buffer: BytesMut::new(), line: PhantomData }
    }

    /// Whether they are of an exercise: nothing in them is real.
    #[must_use]
    pub fn is_of_exercise(&self) -> bool {
        self.body.header(super::EXERCISE).is_some()
    }

    /// The next line, or `None` when the node has sent all of them.
    ///
    /// # Errors
    /// When the connection breaks: what came before is then not all there is.
    pub async fn next(&mut self) -> Result<Option<T>, ClientError> {
        let Some(line) = self.next_text().await? else { return Ok(None) };
        serde_json::from_slice(&line).map(Some).map_err(|e| self.body.client.broken(e))
    }

    /// The next line as it came, with its line break: for whoever reads few of many.
    ///
    /// # Errors
    /// As [`Self::next`].
    pub async fn next_text(&mut self) -> Result<Option<Bytes>, ClientError> {
        let mut searched = 0;
        loop {
            if let Some(end) = self.buffer[searched..].iter().position(|byte| *byte == b'\n') {
                return Ok(Some(self.buffer.split_to(searched + end + 1).freeze()));
            }
            searched = self.buffer.len();
            if searched > LINE_BYTES {
                return Err(self.body.client.broken("a line without end"));
            }
            match self.body.next().await? {
                Some(piece) => self.buffer.extend_from_slice(&piece),
                None if self.buffer.is_empty() => return Ok(None),
                None => return Err(self.body.client.broken("the last line is incomplete")),
            }
        }
    }

    /// The line that [`Self::next_text`] gave.
    ///
    /// # Errors
    /// When it is not what was expected.
    pub fn read(&self, line: &[u8]) -> Result<T, ClientError> {
        serde_json::from_slice(line).map_err(|e| self.body.client.broken(e))
    }
}
