//! Connections that close in bounded time.
//!
//! Closing a TCP connection flushes it first. A peer that lost its power reads nothing any more, and
//! the system gives it many minutes: as long, the connection would count as standing, the peer
//! would not be dialled, and gossip would not take its return for one.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use libp2p::core::muxing::{StreamMuxer, StreamMuxerEvent};
use tokio::time::{Sleep, sleep};

/// A connection's streams, which wait for the peer only so long when they are closed.
pub(crate) struct ClosesInTime<M> {
    streams: M,
    patience: Duration,
    closing: Option<Pin<Box<Sleep>>>,
}

impl<M> ClosesInTime<M> {
    /// Streams that are dropped when closing them takes longer than this.
    pub(crate) fn new(streams: M, patience: Duration) -> Self {
        Self { streams, patience, closing: None }
    }
}

impl<M: StreamMuxer + Unpin> StreamMuxer for ClosesInTime<M> {
    type Substream = M::Substream;
    type Error = M::Error;

    fn poll_inbound(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Self::Substream, Self::Error>> {
        Pin::new(&mut self.streams).poll_inbound(cx)
    }

    fn poll_outbound(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Self::Substream, Self::Error>> {
        Pin::new(&mut self.streams).poll_outbound(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        if let Poll::Ready(closed) = Pin::new(&mut self.streams).poll_close(cx) {
            return Poll::Ready(closed);
        }
        let patience = self.patience;
        let over = self.closing.get_or_insert_with(|| Box::pin(sleep(patience)));
        over.as_mut().poll(cx).map(Ok)
    }

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<StreamMuxerEvent, Self::Error>> {
        Pin::new(&mut self.streams).poll(cx)
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use libp2p::core::muxing::StreamMuxerExt;

    use super::*;

    /// A connection whose peer has no power.
    struct Dead;

    impl StreamMuxer for Dead {
        type Substream = futures::io::Cursor<Vec<u8>>;
        type Error = io::Error;

        fn poll_inbound(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<Self::Substream>> {
            Poll::Pending
        }

        fn poll_outbound(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<Self::Substream>> {
            Poll::Pending
        }

        fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Pending
        }

        fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<StreamMuxerEvent>> {
            Poll::Pending
        }
    }

    #[tokio::test]
    async fn a_dead_peer_does_not_hold_it() {
        let closing = ClosesInTime::new(Dead, Duration::from_millis(20)).close();
        tokio::time::timeout(Duration::from_secs(20), closing).await.unwrap().unwrap();
    }
}
