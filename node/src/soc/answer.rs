//! Answers: what went wrong, in the words of the surface that was asked; and what has not changed since.

use std::convert::Infallible;

use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, ETAG, IF_NONE_MATCH, VARY};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::Response;
use bytes::Bytes;
use certmesh_api::ErrorBody;
use certmesh_engine::store::StoreError;
use certmesh_wire::sha256;
use futures::stream::{Stream, StreamExt};

/// JSON of our own surfaces.
pub(super) const JSON: &str = "application/json";
/// Everything of TAXII 2.1.
pub(super) const TAXII: &str = "application/taxii+json;version=2.1";

/// In which words a surface says that something went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    /// `{"error", "hint"}`, as everywhere in certmesh.
    Plain,
    /// TAXII 2.1's error message.
    Taxii,
}

/// Why a request has no other answer.
#[derive(Debug)]
pub(super) struct Problem {
    status: StatusCode,
    error: String,
    hint: Option<String>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

/// What a handler gives.
pub(super) type Answer = Result<Response, Problem>;

impl Problem {
    pub(super) fn new(status: StatusCode, error: impl ToString) -> Self {
        Self { status, error: error.to_string(), hint: None, headers: Vec::new() }
    }

    pub(super) fn bad(error: impl ToString) -> Self {
        Self::new(StatusCode::BAD_REQUEST, error)
    }

    pub(super) fn absent(error: impl ToString) -> Self {
        Self::new(StatusCode::NOT_FOUND, error)
    }

    pub(super) fn stopping() -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "the node is stopping")
            .hint("ask again when it is back: nothing is lost, and cursors stay valid")
            .with(axum::http::header::RETRY_AFTER, "10")
    }

    pub(super) fn hint(mut self, hint: impl ToString) -> Self {
        self.hint = Some(hint.to_string());
        self
    }

    pub(super) fn with(mut self, name: HeaderName, value: &'static str) -> Self {
        self.headers.push((name, HeaderValue::from_static(value)));
        self
    }

    #[cfg(test)]
    pub(super) fn status(&self) -> StatusCode {
        self.status
    }

    /// In our own words.
    pub(super) fn words(&self) -> ErrorBody {
        ErrorBody { error: self.error.clone(), hint: self.hint.clone() }
    }

    pub(super) fn answer(self, dialect: Dialect) -> Response {
        let mut response = match dialect {
            Dialect::Plain => json(&self.words(), JSON),
            Dialect::Taxii => json(
                &TaxiiError {
                    title: self.error,
                    description: self.hint,
                    http_status: self.status.as_str().to_owned(),
                },
                TAXII,
            ),
        };
        *response.status_mut() = self.status;
        for (name, value) in self.headers {
            response.headers_mut().append(name, value);
        }
        response
    }
}

/// TAXII 2.1, section 3.6.
#[derive(serde::Serialize)]
struct TaxiiError {
    title: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    http_status: String,
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        tracing::error!("{error}");
        // What the disk said is for the operator, who finds it in the log.
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "the node's store failed")
            .hint("the node's operator finds the reason in its log")
    }
}

/// Bytes of this type.
pub(super) fn bytes(content: impl Into<Body>, content_type: &'static str) -> Response {
    let mut response = Response::new(content.into());
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    // What one token may see is nobody else's, and a cache in between does not know.
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    headers.insert(HeaderName::from_static("x-content-type-options"), HeaderValue::from_static("nosniff"));
    response
}

/// Pieces of this type, as they come.
pub(super) fn pieces(
    pieces: impl Stream<Item = Bytes> + Send + 'static,
    content_type: &'static str,
) -> Response {
    // Whatever wraps a body may ask for more after its end.
    let pieces = pieces.map(Ok::<_, Infallible>).fuse();
    bytes(Body::from_stream(pieces), content_type)
}

pub(super) fn json(value: &impl serde::Serialize, content_type: &'static str) -> Response {
    // A map with text keys always serialises.
    bytes(serde_json::to_vec(value).unwrap_or_default(), content_type)
}

/// The name of one state of an answer: what its parts hash to.
pub(super) fn etag(parts: &[&[u8]]) -> String {
    let hash: String = sha256(parts)[..12].iter().map(|byte| format!("{byte:02x}")).collect();
    // Weak: it is the same whether or not the answer is compressed.
    format!("W/\"{hash}\"")
}

/// Whether the client says that it has what is named like this (RFC 9110, section 13.1.2).
pub(super) fn is_known(asked: &HeaderMap, tag: &str) -> bool {
    let opaque = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    let known = asked.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    known.flat_map(|list| list.split(',')).any(|one| one.trim() == "*" || opaque(one) == opaque(tag))
}

/// The answer with its name; without its content if the client has that one already.
pub(super) fn unless_known(asked: &HeaderMap, tag: &str, response: Response) -> Response {
    let mut response = if is_known(asked, tag) { without_content(response) } else { response };
    if let Ok(tag) = HeaderValue::from_str(tag) {
        response.headers_mut().insert(ETAG, tag);
    }
    response.headers_mut().append(VARY, HeaderValue::from_static("authorization, accept"));
    response
}

fn without_content(response: Response) -> Response {
    let (mut parts, _) = response.into_parts();
    parts.status = StatusCode::NOT_MODIFIED;
    parts.headers.remove(CONTENT_TYPE);
    parts.headers.remove(CONTENT_LENGTH);
    Response::from_parts(parts, Body::empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_client_has_is_not_sent_again() {
        let tag = etag(&[b"a", b"b"]);
        let status = |list: &str| {
            let mut asked = HeaderMap::new();
            asked.insert(IF_NONE_MATCH, list.parse().unwrap());
            unless_known(&asked, &tag, bytes("x", JSON)).status().as_u16()
        };
        assert_eq!(status(&tag), 304);
        assert_eq!(status(tag.trim_start_matches("W/")), 304);
        assert_eq!(status(&format!("\"other\", {tag}")), 304);
        assert_eq!(status("*"), 304);
        assert_eq!(status("\"other\""), 200);
        assert_ne!(etag(&[b"a", b"c"]), tag);
    }
}
