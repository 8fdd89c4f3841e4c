//! Frames: a length and that many bytes, refused by the length when there are too many.

use std::io;

use futures::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

use crate::limits;

/// Why a frame didn't arrive.
#[derive(Debug, thiserror::Error)]
pub(super) enum FrameFault {
    #[error("{len} bytes where at most {limit} are allowed")]
    TooLarge { len: usize, limit: usize },
    #[error("it took too long")]
    TimedOut,
    #[error("the stream ended or failed: {0}")]
    Io(#[from] io::Error),
}

/// Reads a frame of at most `limit` bytes. Memory grows with what arrives, not with what is announced.
pub(super) async fn read(stream: &mut (impl AsyncRead + Unpin), limit: usize) -> Result<Vec<u8>, FrameFault> {
    let mut prefix = [0; 4];
    let head = timeout(limits::PULL_STEP, stream.read_exact(&mut prefix));
    head.await.map_err(|_| FrameFault::TimedOut)??;
    let len = u32::from_be_bytes(prefix) as usize;
    if len > limit {
        return Err(FrameFault::TooLarge { len, limit });
    }
    let mut bytes = Vec::new();
    let mut body = stream.take(len as u64);
    timeout(limits::transfer(len), body.read_to_end(&mut bytes))
        .await
        .map_err(|_| FrameFault::TimedOut)??;
    if bytes.len() < len {
        return Err(FrameFault::Io(io::ErrorKind::UnexpectedEof.into()));
    }
    Ok(bytes)
}

/// Writes a frame of at most `limit` bytes, and sends it off.
pub(super) async fn write(
    stream: &mut (impl AsyncWrite + Unpin),
    bytes: &[u8],
    limit: usize,
) -> Result<(), FrameFault> {
    let too_large = FrameFault::TooLarge { len: bytes.len(), limit };
    let len = u32::try_from(bytes.len()).ok().filter(|_| bytes.len() <= limit).ok_or(too_large)?;
    let sent = async {
        stream.write_all(&len.to_be_bytes()).await?;
        stream.write_all(bytes).await?;
        stream.flush().await
    };
    Ok(timeout(limits::transfer(bytes.len()), sent).await.map_err(|_| FrameFault::TimedOut)??)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn round_trip_and_limit() {
        let mut bytes = Vec::new();
        write(&mut bytes, b"abc", 3).await.unwrap();
        assert_eq!(bytes, [0, 0, 0, 3, b'a', b'b', b'c']);
        assert_eq!(read(&mut &bytes[..], 3).await.unwrap(), b"abc");
        assert!(matches!(read(&mut &bytes[..], 2).await, Err(FrameFault::TooLarge { len: 3, limit: 2 })));
        assert!(matches!(read(&mut &bytes[..6], 3).await, Err(FrameFault::Io(_))));
        assert!(matches!(write(&mut Vec::new(), b"abc", 2).await, Err(FrameFault::TooLarge { .. })));
    }
}
