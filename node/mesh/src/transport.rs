//! How bytes reach other nodes: QUIC, and TCP + TLS 1.3 + yamux beside it for networks that drop UDP.
//!
//! There is no Noise here: it has no post-quantum key exchange, and libp2p's TLS has (X25519MLKEM768).
//! Both transports prove the node key in the handshake, so a connection's peer id is its node.

use std::io;
use std::net::{IpAddr, TcpListener, UdpSocket};

use libp2p::core::Transport;
use libp2p::core::muxing::StreamMuxerBox;
use libp2p::core::transport::Boxed;
use libp2p::core::upgrade::Version;
use libp2p::identity::Keypair;
use libp2p::multiaddr::Protocol;
use libp2p::{Multiaddr, PeerId, dns, quic, tcp, tls, yamux};

use crate::closing::ClosesInTime;
use crate::limits;

/// An authenticated, multiplexed transport.
type Connections = Boxed<(PeerId, StreamMuxerBox)>;

/// The node's transport, with names in addresses resolved as this machine is configured to.
///
/// A machine without a resolver still reaches literal addresses; it is told so once.
///
/// # Errors
/// When libp2p can't make the certificate that carries the node key.
pub(crate) fn build(keypair: &Keypair) -> Result<Connections, tls::certificate::GenError> {
    match dns::tokio::Transport::system(plain(keypair)?) {
        Ok(named) => Ok(named.boxed()),
        Err(error) => {
            tracing::warn!(%error, "no name resolution on this machine: only literal addresses of other nodes can be dialled");
            plain(keypair)
        }
    }
}

fn plain(keypair: &Keypair) -> Result<Connections, tls::certificate::GenError> {
    let tcp = tcp::tokio::Transport::new(tcp::Config::default().nodelay(true))
        .upgrade(Version::V1Lazy)
        .authenticate(tls::Config::new(keypair)?)
        .multiplex(yamux_config())
        .timeout(limits::HANDSHAKE)
        .map(|(peer, muxer), _| (peer, StreamMuxerBox::new(ClosesInTime::new(muxer, limits::CLOSE))));
    let quic = quic::tokio::Transport::new(quic_config(keypair))
        .map(|(peer, muxer), _| (peer, StreamMuxerBox::new(muxer)));
    Ok(tcp.or_transport(quic).map(|either, _| either.into_inner()).boxed())
}

/// Yamux's window over a whole connection (1 GiB) can't be set through libp2p. A stream's window
/// starts at 256 KiB and grows only while we read it, and we read no more than our limits allow.
fn yamux_config() -> yamux::Config {
    let mut config = yamux::Config::default();
    config.set_max_num_streams(limits::STREAMS_PER_CONNECTION as usize);
    config
}

fn quic_config(keypair: &Keypair) -> quic::Config {
    let mut config = quic::Config::new(keypair);
    config.handshake_timeout = limits::HANDSHAKE;
    config.max_idle_timeout = limits::QUIC_SILENCE.as_millis() as u32;
    config.keep_alive_interval = limits::QUIC_KEEP_ALIVE;
    config.max_concurrent_stream_limit = limits::STREAMS_PER_CONNECTION;
    config.max_stream_data = limits::STREAM_WINDOW;
    config.max_connection_data = limits::CONNECTION_WINDOW;
    config
}

/// Whether a dial of this address should leave from the port that we listen on.
///
/// Over QUIC it should: firewalls and address translators see one flow, whoever dials. Over TCP it must not: two nodes that dial each other at one moment would meet in
/// the middle of a single connection, both as its dialler.
pub(crate) fn dials_from_listening_port(address: &Multiaddr) -> bool {
    address.iter().any(|part| matches!(part, Protocol::QuicV1))
}

/// Fails if another process listens on this address.
///
/// libp2p shares TCP ports (SO_REUSEPORT), so a second node of the same user would start without a
/// word and take half of the connections. A plain bind says what is the case.
pub(crate) fn check_free(address: &Multiaddr) -> io::Result<()> {
    let mut parts = address.iter();
    let ip: IpAddr = match parts.next() {
        Some(Protocol::Ip4(ip)) => ip.into(),
        Some(Protocol::Ip6(ip)) => ip.into(),
        _ => return Ok(()),
    };
    match parts.next() {
        Some(Protocol::Tcp(port)) if port != 0 => TcpListener::bind((ip, port)).map(drop),
        Some(Protocol::Udp(port)) if port != 0 => UdpSocket::bind((ip, port)).map(drop),
        _ => Ok(()),
    }
}
