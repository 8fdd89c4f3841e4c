//! A response policy zone: what BIND, Unbound, Knot and PowerDNS refuse to resolve.
//!
//! Owner names are relative to the zone, whatever it is called where it is loaded. A name stands there by itself and
//! with all that lies below it; an address or network as a trigger on what names resolve to.

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv6Addr};

use super::{Head, Row, Writer};
use crate::normal::{Network, is_name};

/// The longest name that still fits below a zone's own name and a wildcard.
const MAX_OWNER: usize = 200;
/// Seconds after which resolvers ask again.
const TTL: u32 = 300;

pub(super) struct Rpz;

impl Writer for Rpz {
    fn begin(&mut self, head: &Head<'_>, out: &mut String) {
        head.comment(";", out);
        let _ = write!(
            out,
            "$TTL {TTL}\n@ IN SOA localhost. hostmaster.localhost. {} {TTL} 60 604800 {TTL}\n@ IN NS localhost.\n",
            head.serial
        );
    }

    fn row(&mut self, row: &Row<'_>, out: &mut String) -> bool {
        match row.kind {
            "domain-name" if is_owner(row.value) => {
                let _ = write!(out, "{0} CNAME .\n*.{0} CNAME .\n", row.value);
                true
            }
            "ipv4-addr" | "ipv6-addr" => match Network::parse(row.value) {
                Some(network) if !is_mapped(network.address()) => {
                    let _ = writeln!(out, "{} CNAME .", trigger(network));
                    true
                }
                _ => false,
            },
            _ => false,
        }
    }
}

/// Whether a name can own a record: none that would be taken for a trigger on addresses or clients.
fn is_owner(name: &str) -> bool {
    let last = name.rsplit('.').next().unwrap_or_default();
    is_name(name) && name.len() <= MAX_OWNER && !last.to_ascii_lowercase().starts_with("rpz-")
}

/// Name servers know an IPv4 address in IPv6's clothes by its IPv4 trigger alone.
fn is_mapped(address: IpAddr) -> bool {
    matches!(address, IpAddr::V6(address) if address.to_ipv4_mapped().is_some())
}

/// `32.7.113.0.203.rpz-ip` for 203.0.113.7; `zz` stands for `::`.
fn trigger(network: Network) -> String {
    let length = network.prefix_len();
    match network.address() {
        IpAddr::V4(address) => {
            let [a, b, c, d] = address.octets();
            format!("{length}.{d}.{c}.{b}.{a}.rpz-ip")
        }
        IpAddr::V6(address) => format!("{length}.{}.rpz-ip", reversed(address)),
    }
}

/// The groups from the last to the first; the first longest run of two or more zeros is `zz`.
fn reversed(address: Ipv6Addr) -> String {
    let groups = address.segments();
    let (start, len) = zeros(&groups);
    let mut words = Vec::new();
    for (at, group) in groups.iter().enumerate() {
        match at {
            at if len > 1 && at == start => words.push("zz".to_owned()),
            at if len > 1 && (start..start + len).contains(&at) => {}
            _ => words.push(format!("{group:x}")),
        }
    }
    words.reverse();
    words.join(".")
}

/// Where the first longest run of zeros begins, and how long it is.
fn zeros(groups: &[u16; 8]) -> (usize, usize) {
    let mut longest = (0, 0);
    let mut at = 0;
    while at < groups.len() {
        let len = groups[at..].iter().take_while(|group| **group == 0).count();
        if len > longest.1 {
            longest = (at, len);
        }
        at += len.max(1);
    }
    longest
}
