//! The TCP listener for SOC tools: who may connect in the clear, and how connections are served.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderValue, Request, Response, Uri};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use tower::Service;

use super::connections::{Connection, Connections, Place};
use super::figures::Figures;
use super::limits::{BACKLOG, HEAD_BYTES, HEADERS, SWEEP};
use super::observed::Observed;
use super::route::Client;
use super::tls::TlsFault;
use super::{hold, tls};
use crate::config::Soc as SocConfig;

/// Why SOC tools may not be listened for like that.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ListenFault {
    #[error(
        "[soc] names {0}, which others can reach, without TLS: whoever listens in between would read tokens and \
         intelligence. Set tls_certificate and tls_key; or name 127.0.0.1, behind a proxy that speaks TLS; or, if \
         the network below is encrypted, set insecure_clear_text = true"
    )]
    Clear(SocketAddr),
    #[error("[soc]: {0}")]
    Tls(#[from] TlsFault),
}

/// Where and how SOC tools are to be served.
pub(crate) struct Listeners {
    addresses: Vec<SocketAddr>,
    tls: Option<TlsAcceptor>,
}

/// Reads what the configuration says. In the clear only loopback addresses, unless it says otherwise outright.
pub(crate) fn prepare(config: &SocConfig) -> Result<Listeners, ListenFault> {
    let tls = config.tls().map(|files| tls::acceptor(&files)).transpose()?;
    let is_open = |address: &&SocketAddr| !address.ip().to_canonical().is_loopback();
    let open = config.addresses.iter().find(is_open).filter(|_| tls.is_none());
    match open {
        Some(address) if !config.insecure_clear_text => Err(ListenFault::Clear(*address)),
        _ => Ok(Listeners { addresses: config.addresses.clone(), tls }),
    }
}

impl Listeners {
    /// Serves connections until the tasks are aborted.
    pub(super) fn serve(
        self,
        connections: &Arc<Connections>,
        figures: &Arc<Figures>,
        routes: &Router,
        stopping: &watch::Receiver<bool>,
    ) -> Vec<tokio::task::AbortHandle> {
        let mut tasks = vec![tokio::spawn(sweep(Arc::clone(connections))).abort_handle()];
        for address in self.addresses {
            let server = Server {
                tls: self.tls.clone(),
                routes: routes.clone(),
                stopping: stopping.clone(),
                connections: Arc::clone(connections),
            };
            tasks.push(tokio::spawn(server.serve_at(address, Arc::clone(figures))).abort_handle());
        }
        tasks
    }
}

/// How often an address that is not free, or not there yet, is tried again.
const TRY_EVERY: Duration = Duration::from_secs(2);

/// Claims an address, with room for a flood of connections until they are looked at.
fn listen(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // A restart must not wait for the connections of before.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

async fn sweep(connections: Arc<Connections>) {
    loop {
        tokio::time::sleep(SWEEP).await;
        connections.sweep();
    }
}

/// What serves the connections of one address.
#[derive(Clone)]
struct Server {
    tls: Option<TlsAcceptor>,
    routes: Router,
    stopping: watch::Receiver<bool>,
    connections: Arc<Connections>,
}

impl Server {
    /// Listens at an address as soon as that is possible. A node that can't serve SOC tools, because a network is
    /// not up yet or another process has the port, still does all else; an alarm says so.
    async fn serve_at(self, address: SocketAddr, figures: Arc<Figures>) {
        let socket = loop {
            match listen(address) {
                Ok(socket) => break socket,
                Err(cause) => {
                    if figures.cannot_listen(address, Some(cause.to_string())) {
                        tracing::error!("can't listen for SOC tools at {address}: {cause}; trying on");
                    }
                }
            }
            tokio::time::sleep(TRY_EVERY).await;
        };
        figures.cannot_listen(address, None);
        let tls = if self.tls.is_some() { "https" } else { "http" };
        let bound = socket.local_addr().unwrap_or(address);
        tracing::info!("SOC tools are served at {tls}://{bound}");
        figures.serves(format!("{tls}://{bound}"));
        self.accept(socket).await;
    }

    async fn accept(self, socket: TcpListener) {
        loop {
            match socket.accept().await {
                Ok((stream, peer)) => {
                    // Whoever finds no place is hung up on.
                    if let Some(place) = self.connections.enter(peer.ip().to_canonical()) {
                        let connection = Arc::clone(&place.connection);
                        let client = Client { address: peer.ip().to_canonical(), is_tls: self.tls.is_some() };
                        let task = tokio::spawn(self.clone().serve(stream, client, place));
                        connection.served_by(task.abort_handle());
                        // It has its turn before the next one may push it out: what it asks may be here already.
                        tokio::task::yield_now().await;
                    }
                }
                Err(e) => {
                    // Most often too many open files: wait for some to close.
                    tracing::warn!("SOC tools: can't accept a connection: {e}");
                    tokio::time::sleep(Duration::from_millis(200)).await;
                }
            }
        }
    }

    async fn serve(self, stream: TcpStream, client: Client, place: Place) {
        // Heads and bodies are written together; whatever is left for the last packet must not wait.
        let _ = stream.set_nodelay(true);
        let connection = Arc::clone(&place.connection);
        match &self.tls {
            None => self.speak(Observed::new(stream, Arc::clone(&connection)), client, connection).await,
            Some(tls) => {
                connection.shakes_hands(true);
                // The sweeper cuts a handshake that takes too long.
                match tls.accept(stream).await {
                    Ok(stream) => {
                        connection.shakes_hands(false);
                        self.speak(Observed::new(stream, Arc::clone(&connection)), client, connection).await;
                    }
                    Err(e) => tracing::debug!(from = %client.address, "SOC tools: TLS: {e}"),
                }
            }
        }
        drop(place);
    }

    /// HTTP/1.1 on one connection; when the node stops, it ends with the answer that is under way.
    async fn speak(
        mut self,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        client: Client,
        connection: Arc<Connection>,
    ) {
        let routes = self.routes;
        let service = service_fn(move |request: Request<Incoming>| {
            let (answering, mut routes) = (connection.answer(), routes.clone());
            async move {
                let mut request = request.map(Body::new);
                request.extensions_mut().insert(client);
                end_with_slash(&mut request);
                let mut response: Response<Body> = match routes.call(request).await {
                    Ok(response) => response,
                    Err(never) => match never {},
                };
                if client.is_tls {
                    let always = HeaderValue::from_static("max-age=31536000");
                    response.headers_mut().insert("strict-transport-security", always);
                }
                Ok::<_, Infallible>(hold::until_sent(response, answering))
            }
        });
        // Times are the sweeper's matter, which sees more than hyper does.
        let serving = hyper::server::conn::http1::Builder::new()
            .header_read_timeout(None)
            .max_headers(HEADERS)
            .max_buf_size(HEAD_BYTES)
            .serve_connection(TokioIo::new(stream), service);
        let mut serving = std::pin::pin!(serving);
        let ended = tokio::select! {
            ended = serving.as_mut() => Some(ended),
            _ = self.stopping.wait_for(|stopping| *stopping) => None,
        };
        let ended = match ended {
            Some(ended) => ended,
            None => {
                serving.as_mut().graceful_shutdown();
                serving.await
            }
        };
        if let Err(e) = ended {
            tracing::debug!(from = %client.address, "SOC tools: {e}");
        }
    }
}

/// TAXII's paths end with a slash, and so does that of the feeds' names; not every client knows.
fn end_with_slash(request: &mut Request<Body>) {
    let uri = request.uri();
    let path = uri.path();
    let is_folder = matches!(path, "/taxii2" | "/feeds") || path.starts_with("/taxii2/");
    if !is_folder || path.ends_with('/') {
        return;
    }
    let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    if let Ok(slashed) = format!("{path}/{query}").parse::<Uri>() {
        *request.uri_mut() = slashed;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn taxii_paths_get_their_slash() {
        for (asked, meant) in [
            ("/taxii2", "/taxii2/"),
            ("/taxii2/?a=b", "/taxii2/?a=b"),
            (
                "/taxii2/mesh/collections/x/objects?limit=1&next=a%2Fb",
                "/taxii2/mesh/collections/x/objects/?limit=1&next=a%2Fb",
            ),
            ("/taxii2x", "/taxii2x"),
            ("/feeds", "/feeds/"),
            ("/feeds/domains.txt", "/feeds/domains.txt"),
            ("/healthz", "/healthz"),
        ] {
            let mut request = Request::builder().uri(asked).body(Body::empty()).unwrap();
            end_with_slash(&mut request);
            assert_eq!(request.uri().to_string(), meant);
        }
    }
}
