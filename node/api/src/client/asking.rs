//! Questions about intelligence.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body_util::Full;
use hyper::Method;
use hyper::body::Frame;
use serde_json::json;
use tokio::sync::mpsc;

use super::{Body, Client, ClientError, Lines, escape, query_string};
use crate::asking::{Checked, FeedParams, QueryParams, Related, SignedRecord, Why};
use crate::types::ObjectLine;

impl Client {
    /// Whether values are known. What is received from `values` is text with a value on each line, in pieces of any size;
    /// answers come in the same order while it is still being sent.
    pub async fn check(&self, values: mpsc::Receiver<Bytes>) -> Result<Lines<Checked>, ClientError> {
        Ok(Lines::new(self.body(Method::POST, "/v1/check", Fed(values)).await?))
    }

    /// Objects that match, latest arrival first unless asked otherwise.
    pub async fn query(&self, params: &QueryParams) -> Result<Lines<ObjectLine>, ClientError> {
        self.lines(&format!("/v1/objects?{}", query_string(params))).await
    }

    /// Every version of the object with this STIX id, latest arrival first.
    pub async fn versions(&self, id: &str) -> Result<Lines<ObjectLine>, ClientError> {
        self.lines(&format!("/v1/versions/{}", escape(id))).await
    }

    /// What the object with this STIX id refers to, and what refers to it.
    pub async fn related(&self, id: &str) -> Result<Related, ClientError> {
        self.json(Method::GET, &format!("/v1/related/{}", escape(id)), Bytes::new()).await
    }

    /// The record with this id, as it was signed.
    pub async fn record(&self, id: &str) -> Result<SignedRecord, ClientError> {
        self.json(Method::GET, &format!("/v1/records/{}", escape(id)), Bytes::new()).await
    }

    /// Why lists with this ceiling (`green` if absent) hold a value, or don't.
    pub async fn why(&self, value: &str, ceiling: Option<&str>) -> Result<Why, ClientError> {
        let mut params = json!({ "value": value });
        if let Some(ceiling) = ceiling {
            params["ceiling"] = json!(ceiling);
        }
        self.json(Method::GET, &format!("/v1/why?{}", query_string(&params)), Bytes::new()).await
    }

    /// A list by its name, such as `domains.txt`, as SOC tools get it.
    pub async fn feed(&self, name: &str, params: &FeedParams) -> Result<Body, ClientError> {
        let name = name.split('/').map(escape).collect::<Vec<_>>().join("/");
        self.body(Method::GET, &format!("/v1/feeds/{name}?{}", query_string(params)), Full::default()).await
    }
}

/// A request's body that somebody feeds while it is being sent.
struct Fed(mpsc::Receiver<Bytes>);

impl hyper::body::Body for Fed {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.poll_recv(context).map(|piece| piece.map(|piece| Ok(Frame::data(piece))))
    }
}
