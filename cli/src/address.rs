//! Checks that a node's address looks like one, so that a slip of the finger is found before a root key signs it.

use std::net::{Ipv4Addr, Ipv6Addr};

/// Why a text is no address that nodes can dial.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no node address: it has to look like /dns4/NAME/udp/PORT/quic-v1 or /ip4/ADDRESS/tcp/PORT")]
pub(crate) struct AddressFault(String);

/// Passes the multiaddrs of the two transports that nodes have: QUIC version 1, and TCP.
pub(crate) fn check(text: &str) -> Result<(), AddressFault> {
    let parts: Vec<_> = text.split('/').collect();
    let holds = match parts[..] {
        ["", kind, host, "udp", port, "quic-v1"] | ["", kind, host, "tcp", port] => {
            is_host(kind, host) && is_port(port)
        }
        _ => false,
    };
    if holds { Ok(()) } else { Err(AddressFault(certmesh_intel::display::safe(text, 80))) }
}

fn is_host(kind: &str, host: &str) -> bool {
    match kind {
        "ip4" => host.parse::<Ipv4Addr>().is_ok(),
        "ip6" => host.parse::<Ipv6Addr>().is_ok(),
        "dns" | "dns4" | "dns6" => is_name(host),
        _ => false,
    }
}

fn is_name(host: &str) -> bool {
    let plain = |label: &str| label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    host.len() <= 253 && host.split('.').all(|label| (1..=63).contains(&label.len()) && plain(label))
}

fn is_port(port: &str) -> bool {
    port.parse::<u16>().is_ok_and(|number| number != 0 && number.to_string() == port)
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn tells_addresses_from_slips() {
        for good in [
            "/ip4/127.0.0.1/udp/7401/quic-v1",
            "/ip4/127.0.0.1/tcp/7401",
            "/ip6/2001:db8::1/tcp/7400",
            "/dns4/mesh.cert.example/udp/7400/quic-v1",
            "/dns/localhost/tcp/1",
        ] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        for bad in [
            "",
            "127.0.0.1:7401",
            "ip4/127.0.0.1/tcp/7401",
            "/ip4/127.0.0.1/tcp/7401/",
            "/ip4/127.0.0.1/udp/7401",
            "/ip4/127.0.0.1/udp/7401/quic",
            "/ip4/127.0.0/tcp/7401",
            "/ip6/127.0.0.1/tcp/7401",
            "/ip4/127.0.0.1/tcp/0",
            "/ip4/127.0.0.1/tcp/+1",
            "/ip4/127.0.0.1/tcp/70000",
            "/dns4/mesh..example/tcp/7400",
            "/dns4//tcp/7400",
            "/unix/x/tcp/7400",
        ] {
            assert!(check(bad).is_err(), "{bad}");
        }
    }
}
