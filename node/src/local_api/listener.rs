//! The Unix socket: how it is claimed, and how connections on it are served within limits.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;

/// Connections served at once; the next ones wait.
const CONNECTIONS: usize = 128;
/// How long a client may take to send a request's headers.
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);
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

/// Claims the socket. One that a node left behind when it was killed is replaced.
pub(super) async fn bind(path: &Path) -> Result<UnixListener, ListenFault> {
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
    UnixListener::bind(path).map_err(io)
}

/// Serves connections until the task is aborted.
pub(super) async fn accept(listener: UnixListener, routes: Router) {
    let slots = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let Ok(slot) = Arc::clone(&slots).acquire_owned().await else { return };
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(e) => {
                // Most often too many open files: wait for some to close.
                tracing::warn!("local API: can't accept a connection: {e}");
                tokio::time::sleep(Duration::from_millis(200)).await;
                continue;
            }
        };
        let service = TowerToHyperService::new(routes.clone());
        let connection = hyper::server::conn::http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEADER_TIMEOUT)
            .serve_connection(TokioIo::new(stream), service);
        tokio::spawn(async move {
            if let Err(e) = connection.await {
                tracing::debug!("local API: {e}");
            }
            drop(slot);
        });
    }
}
