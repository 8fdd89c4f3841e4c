//! What an answer holds on to until its last bytes are sent, or its client is gone.
//!
//! HTTP's machine takes whatever a body has, and puts the body away as soon as that was the last of it, however little its
//! client has taken. It takes no more than it has room for, though: so a body is handed to it in small pieces.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use hyper::body::{Body as HttpBody, Frame, SizeHint};

/// Bytes that are handed on at once: what an answer no longer holds on for, beside what the connection has room for.
const PIECE_BYTES: usize = 128 * 1024;

/// The same answer, which keeps this until it is sent.
pub(super) fn until_sent<T: Send + Unpin + 'static>(response: Response, held: T) -> Response {
    response.map(|body| Body::new(Holding { body, rest: Bytes::new(), held: Some(held) }))
}

struct Holding<T> {
    body: Body,
    /// Of what the body has given, what is still to be handed on.
    rest: Bytes,
    held: Option<T>,
}

impl<T: Send + Unpin + 'static> HttpBody for Holding<T> {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if self.rest.is_empty() {
            match std::task::ready!(Pin::new(&mut self.body).poll_frame(context)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => self.rest = data,
                    Err(other) => return Poll::Ready(Some(Ok(other))),
                },
                end => {
                    self.held = None;
                    return Poll::Ready(end);
                }
            }
        }
        let len = self.rest.len().min(PIECE_BYTES);
        Poll::Ready(Some(Ok(Frame::data(self.rest.split_to(len)))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let (inner, rest) = (self.body.size_hint(), self.rest.len() as u64);
        let mut hint = SizeHint::new();
        hint.set_lower(inner.lower() + rest);
        if let Some(upper) = inner.upper() {
            hint.set_upper(upper + rest);
        }
        hint
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::sync::Arc;
    use std::time::Duration;

    use hyper::service::service_fn;
    use hyper_util::rt::TokioIo;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};

    use super::*;

    /// Far more than the system has room for between two sockets.
    const BYTES: usize = 32 * 1024 * 1024;

    #[tokio::test]
    async fn the_length_is_right_all_the_way() {
        let (parts, mut left) = (until_sent(Response::new(Body::from(vec![b'x'; 300_000])), ()), 300_000);
        let mut body = parts.into_body();
        while left > 0 {
            assert_eq!(body.size_hint().exact(), Some(left));
            assert!(!body.is_end_stream());
            let frame = std::future::poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await;
            left -= frame.unwrap().unwrap().into_data().unwrap().len() as u64;
        }
        assert_eq!((body.size_hint().exact(), body.is_end_stream()), (Some(0), true));
    }

    #[tokio::test]
    async fn an_answer_that_is_not_taken_is_held() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (stream, _) = listener.accept().await.unwrap();
        let held = Arc::new(());
        let given = Arc::clone(&held);
        let answer = service_fn(move |_| {
            let response = Response::new(Body::from(vec![b'x'; BYTES]));
            let response = until_sent(response, Arc::clone(&given));
            async { Ok::<_, Infallible>(response) }
        });
        let serving =
            hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), answer);
        let serving = tokio::spawn(serving);
        client.write_all(b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await.unwrap();
        let mut head = [0; 64];
        client.read_exact(&mut head).await.unwrap();
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert_eq!(Arc::strong_count(&held), 3, "nobody has taken it");
        let mut rest = Vec::new();
        client.read_to_end(&mut rest).await.unwrap();
        assert!(rest.len() > BYTES && serving.await.unwrap().is_ok());
        assert_eq!(Arc::strong_count(&held), 1);
    }
}
