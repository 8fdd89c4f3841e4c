//! The Unix socket: how it is claimed, and how connections on it are served within limits.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

/// Connections served at once; the next ones wait.
const CONNECTIONS: usize = 128;
/// How long a client may take to send a request's headers.
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);
/// How long answers that are under way may take when the node stops.
const LAST_ANSWERS: Duration = Duration::from_secs(1);
/// The longest path that Linux takes for a Unix socket (`sun_path`, less its end).
const SOCKET_PATH_BYTES: usize = 107;

/// Why the socket can't be listened on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ListenFault {
    #[error(
        "the path of the API socket has {len} bytes, and Unix sockets take at most {SOCKET_PATH_BYTES}: {}",
        path.display()
    )]
    TooLong { path: PathBuf, len: usize },
    #[error("another node answers at the API socket {}; stop it, or set another [api] socket", path.display())]
    InUse { path: PathBuf },
    #[error("can't listen on the API socket {}: {cause}", path.display())]
    Io { path: PathBuf, cause: std::io::Error },
}

/// A claimed socket, removed when it is dropped.
pub(crate) struct Socket {
    listener: UnixListener,
    path: PathBuf,
}

impl Drop for Socket {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Claims the socket, which only the node's own user can open. One that a node left behind when it
/// was killed is replaced.
pub(crate) async fn bind(path: &Path) -> Result<Socket, ListenFault> {
    let io = |cause| ListenFault::Io { path: path.into(), cause };
    let len = path.as_os_str().len();
    if len > SOCKET_PATH_BYTES {
        return Err(ListenFault::TooLong { path: path.into(), len });
    }
    match UnixStream::connect(path).await {
        Ok(_) => return Err(ListenFault::InUse { path: path.into() }),
        Err(e) if e.kind() == ErrorKind::ConnectionRefused => std::fs::remove_file(path).map_err(io)?,
        Err(_) => {}
    }
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(io)?;
    }
    let listener = UnixListener::bind(path).map_err(io)?;
    Ok(Socket { listener, path: path.into() })
}

/// Connections that are being served; each holds a slot until it ends.
#[derive(Clone)]
pub(super) struct Connections {
    slots: Arc<Semaphore>,
    stopping: watch::Receiver<bool>,
}

impl Connections {
    pub(super) fn new(stopping: watch::Receiver<bool>) -> Self {
        Self { slots: Arc::new(Semaphore::new(CONNECTIONS)), stopping }
    }

    /// Waits until none is left, but not for long.
    pub(super) async fn ended(&self) {
        let _ = tokio::time::timeout(LAST_ANSWERS, self.slots.acquire_many(CONNECTIONS as u32)).await;
    }

    /// Serves connections until the task is aborted.
    pub(super) async fn accept(self, socket: Arc<Socket>, routes: Router) {
        loop {
            let Ok(slot) = Arc::clone(&self.slots).acquire_owned().await else { return };
            match socket.listener.accept().await {
                Ok((stream, _)) => {
                    tokio::spawn(serve(stream, routes.clone(), self.stopping.clone(), slot));
                }
                Err(e) => {
                    // Most often too many open files: wait for some to close.
                    tracing::warn!("local API: can't accept a connection: {e}");
                    tokio::time::sleep(Duration::from_millis(200)).await;
                }
            }
        }
    }
}

/// Serves one connection; when the node stops, it ends with the answer that is under way.
async fn serve(
    stream: UnixStream,
    routes: Router,
    mut stopping: watch::Receiver<bool>,
    slot: OwnedSemaphorePermit,
) {
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(routes));
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => Some(ended),
        _ = stopping.wait_for(|stopping| *stopping) => None,
    };
    let ended = match ended {
        Some(ended) => ended,
        None => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(e) = ended {
        tracing::debug!("local API: {e}");
    }
    drop(slot);
}
