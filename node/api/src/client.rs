//! The client of the local API.
//!
//! Each call opens a connection of its own: the socket is local, and a watch may last for days.

mod asking;
mod body;

use std::convert::Infallible;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::header::CONTENT_TYPE;
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::net::UnixStream;

use crate::types::{
    Documents, ErrorBody, Forks, ObjectLine, Peers, PublishRequest, Published, Receipts, Status, Submitted,
    TokenCreated, TokenRequest, TokenRevoked, Tokens,
};
pub use body::{Body, Lines};

/// The header with which a node says that its mesh is an exercise.
pub const EXERCISE: &str = "certmesh-exercise";

/// An answer that is not a stream, in bytes: far above any status, far below trouble.
const ANSWER_BYTES: usize = 16 * 1024 * 1024;

/// Why a call did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Nobody answers at the socket.
    #[error("no node answers at {}: {cause}", socket.display())]
    Unreachable {
        /// Where it was looked for.
        socket: PathBuf,
        /// What the system said.
        cause: std::io::Error,
    },
    /// The connection broke before the answer was complete.
    #[error("the node at {} stopped answering: {cause}", socket.display())]
    Broken {
        /// Where it was.
        socket: PathBuf,
        /// What was seen.
        cause: String,
    },
    /// The node refused the request (4xx), or could not carry it out (5xx).
    #[error("{}", body.error)]
    Refused {
        /// The HTTP status.
        status: u16,
        /// The node's words.
        body: ErrorBody,
    },
}

/// Talks to one node.
#[derive(Debug, Clone)]
pub struct Client {
    socket: PathBuf,
    on_exercise: Option<fn()>,
}

impl Client {
    /// A client of the node that listens at this Unix socket. Nothing is opened yet.
    pub fn new(socket: impl Into<PathBuf>) -> Self {
        Self { socket: socket.into(), on_exercise: None }
    }

    /// The same client, which calls this with each answer that is of an exercise, before it is handed on.
    #[must_use]
    pub fn on_exercise(self, tell: fn()) -> Self {
        Self { on_exercise: Some(tell), ..self }
    }

    /// Where the node is looked for.
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// Publishes objects as one record; they are durable when this returns.
    pub async fn publish(&self, request: &PublishRequest) -> Result<Published, ClientError> {
        let body = serde_json::to_vec(request).map_err(|e| self.broken(e))?;
        self.json(Method::POST, "/v1/publish", body).await
    }

    /// Lets the node sign without waiting for other members.
    pub async fn vouch(&self) -> Result<(), ClientError> {
        self.json(Method::POST, "/v1/vouch", Vec::new()).await.map(|_: serde_json::Value| ())
    }

    /// Has the node rebuild its index from its records with its next start.
    pub async fn reindex(&self) -> Result<(), ClientError> {
        self.json(Method::POST, "/v1/reindex", Vec::new()).await.map(|_: serde_json::Value| ())
    }

    /// Objects that arrive from now on; ends only with the node.
    pub async fn watch(&self) -> Result<Lines<ObjectLine>, ClientError> {
        self.lines("/v1/watch").await
    }

    /// How the node is.
    pub async fn status(&self) -> Result<Status, ClientError> {
        self.json(Method::GET, "/v1/status", Vec::new()).await
    }

    /// The other nodes.
    pub async fn peers(&self) -> Result<Peers, ClientError> {
        self.json(Method::GET, "/v1/peers", Vec::new()).await
    }

    /// The logs whose key has signed two histories.
    pub async fn forks(&self) -> Result<Forks, ClientError> {
        self.json(Method::GET, "/v1/forks", Vec::new()).await
    }

    /// Every roster and manifest that the node has.
    pub async fn documents(&self) -> Result<Documents, ClientError> {
        self.json(Method::GET, "/v1/documents", Vec::new()).await
    }

    /// Brings a roster or a manifest to the node: the bytes of its file.
    pub async fn submit(&self, document: Vec<u8>) -> Result<Submitted, ClientError> {
        self.json(Method::POST, "/v1/documents", document).await
    }

    /// Who holds the record with this id, or those that carry the object with this STIX id.
    pub async fn receipts(&self, id: &str) -> Result<Receipts, ClientError> {
        self.json(Method::GET, &format!("/v1/receipts/{}", escape(id)), Vec::new()).await
    }

    /// Makes a token for a SOC tool; its secret is in the answer, and never shown again.
    pub async fn create_token(&self, request: &TokenRequest) -> Result<TokenCreated, ClientError> {
        let body = serde_json::to_vec(request).map_err(|e| self.broken(e))?;
        self.json(Method::POST, "/v1/tokens", body).await
    }

    /// The node's tokens, without their secrets.
    pub async fn tokens(&self) -> Result<Tokens, ClientError> {
        self.json(Method::GET, "/v1/tokens", Vec::new()).await
    }

    /// Revokes the token with this id or name: what it reads ends at once.
    pub async fn revoke_token(&self, id_or_name: &str) -> Result<TokenRevoked, ClientError> {
        self.json(Method::DELETE, &format!("/v1/tokens/{}", escape(id_or_name)), Vec::new()).await
    }

    /// The node's records, in the export format, handed on piece by piece.
    pub async fn export(
        &self,
        mut take: impl FnMut(&[u8]) -> std::io::Result<()>,
    ) -> Result<std::io::Result<()>, ClientError> {
        let mut body = self.body(Method::GET, "/v1/export", Full::default()).await?;
        while let Some(piece) = body.next().await? {
            if let Err(e) = take(&piece) {
                return Ok(Err(e));
            }
        }
        Ok(Ok(()))
    }

    async fn json<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: impl Into<Bytes>,
    ) -> Result<T, ClientError> {
        let answer = self.send(method, path, Full::new(body.into())).await?;
        let bytes = collect(answer.into_body()).await.map_err(|e| self.broken(e))?;
        serde_json::from_slice(&bytes).map_err(|e| self.broken(e))
    }

    async fn lines<T: DeserializeOwned>(&self, path: &str) -> Result<Lines<T>, ClientError> {
        Ok(Lines::new(self.body(Method::GET, path, Full::default()).await?))
    }

    /// The answer's bytes, as they come.
    async fn body<B>(&self, method: Method, path: &str, body: B) -> Result<Body, ClientError>
    where
        B: hyper::body::Body<Data = Bytes, Error = Infallible> + Send + 'static,
    {
        let (parts, body) = self.send(method, path, body).await?.into_parts();
        Ok(Body { client: self.clone(), body, headers: parts.headers })
    }

    async fn send<B>(&self, method: Method, path: &str, body: B) -> Result<Response<Incoming>, ClientError>
    where
        B: hyper::body::Body<Data = Bytes, Error = Infallible> + Send + 'static,
    {
        let stream = UnixStream::connect(&self.socket)
            .await
            .map_err(|cause| ClientError::Unreachable { socket: self.socket.clone(), cause })?;
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(|e| self.broken(e))?;
        // Ends with the answer's last byte, or when the answer is dropped.
        tokio::spawn(connection);
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", "certmesh")
            .header(CONTENT_TYPE, "application/json")
            .body(body)
            .map_err(|e| self.broken(e))?;
        let answer = sender.send_request(request).await.map_err(|e| self.broken(e))?;
        if let Some(tell) = self.on_exercise.filter(|_| answer.headers().contains_key(EXERCISE)) {
            tell();
        }
        if answer.status().is_success() { Ok(answer) } else { Err(self.refused(answer).await) }
    }

    async fn refused(&self, answer: Response<Incoming>) -> ClientError {
        let status = answer.status().as_u16();
        let bytes = collect(answer.into_body()).await.unwrap_or_default();
        let body = serde_json::from_slice(&bytes).unwrap_or_else(|_| ErrorBody {
            error: format!("the node answered with status {status}"),
            hint: None,
        });
        ClientError::Refused { status, body }
    }

    fn broken(&self, cause: impl std::fmt::Display) -> ClientError {
        ClientError::Broken { socket: self.socket.clone(), cause: cause.to_string() }
    }
}

async fn collect(body: Incoming) -> Result<Bytes, Box<dyn std::error::Error + Send + Sync>> {
    Ok(Limited::new(body, ANSWER_BYTES).collect().await?.to_bytes())
}

/// `application/x-www-form-urlencoded` of a flat JSON object.
fn query_string<T: Serialize>(params: &T) -> String {
    let Ok(serde_json::Value::Object(pairs)) = serde_json::to_value(params) else { return String::new() };
    let pair = |(name, value): (&String, &serde_json::Value)| match value {
        serde_json::Value::String(text) => format!("{name}={}", escape(text)),
        other => format!("{name}={other}"),
    };
    pairs.iter().map(pair).collect::<Vec<_>>().join("&")
}

/// Percent-encodes all but the unreserved characters (RFC 3986, section 2.3).
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => escaped.push(byte.into()),
            _ => escaped.push_str(&format!("%{byte:02X}")),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::query_string;
    use crate::QueryParams;

    #[test]
    fn query_strings_are_escaped() {
        let params = QueryParams {
            value: Some("a b&c=d/é".into()),
            object_type: Some("indicator".into()),
            limit: Some(3),
            ..QueryParams::default()
        };
        let text = query_string(&params);
        assert_eq!(text, "limit=3&type=indicator&value=a%20b%26c%3Dd%2F%C3%A9");
    }
}
