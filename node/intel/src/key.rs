//! The index keys of observables: ordered bytes that delimit themselves, so that no key begins another.
//!
//! | class | then | of |
//! | --- | --- | --- |
//! | `4`, `6` | the address's 4 or 16 bytes, the prefix length | addresses and networks |
//! | `d` | the labels, last one first, each ended by byte 0; then byte 1 | domain names |
//! | `v` | the value, byte 0 | everything else |
//!
//! Networks sort by address, so that what lies inside one is a range. A name's key without its end begins the keys of
//! its sub-domains. A value that is longer than [`MAX_VALUE`] or holds a zero byte is stood for by byte 1 and the
//! hexadecimal SHA-256 of its text; so is a value that begins with byte 1.

use std::net::IpAddr;

use sha2::{Digest, Sha256};

use crate::normal::{Network, is_name};

/// The longest value, in bytes, that stands in a key as it is.
pub(crate) const MAX_VALUE: usize = 2_048;
/// Begins a value in a key that stands for its SHA-256.
const HASHED: char = '\u{1}';
/// Ends a label, or a value.
const END: u8 = 0;
/// Ends a domain name; no label begins with it.
const END_OF_NAME: u8 = 1;

/// The key of a value in its normal form, of this kind of observable.
pub(crate) fn of(kind: &str, value: &str) -> Vec<u8> {
    let placed = match kind {
        "ipv4-addr" | "ipv6-addr" => Network::parse(value).map(of_network),
        "domain-name" => is_name(value).then(|| of_name(value)),
        _ => None,
    };
    placed.unwrap_or_else(|| of_value(value))
}

/// The key of an address or network.
pub(crate) fn of_network(network: Network) -> Vec<u8> {
    let mut key = address_key(network.address());
    key.push(network.prefix_len());
    key
}

/// The keys of all addresses and networks inside `network`, itself left out: from the first, up to the second.
pub(crate) fn inside_network(network: Network) -> Option<(Vec<u8>, Vec<u8>)> {
    let inner = network.prefix_len().checked_add(1).filter(|len| *len <= network.full_len())?;
    let (mut from, mut to) = (address_key(network.address()), address_key(network.last_address()));
    from.push(inner);
    to.push(u8::MAX);
    Some((from, to))
}

fn address_key(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(v4) => [&b"4"[..], &v4.octets()].concat(),
        IpAddr::V6(v6) => [&b"6"[..], &v6.octets()].concat(),
    }
}

/// The key of a domain name in its normal form.
pub(crate) fn of_name(name: &str) -> Vec<u8> {
    let mut key = name_prefix(name);
    key.push(END_OF_NAME);
    key
}

/// The keys of all sub-domains of `name`: from the first, up to the second. Labels are ASCII.
pub(crate) fn below_name(name: &str) -> (Vec<u8>, Vec<u8>) {
    let (mut from, mut to) = (name_prefix(name), name_prefix(name));
    from.push(END_OF_NAME + 1);
    to.push(u8::MAX);
    (from, to)
}

fn name_prefix(name: &str) -> Vec<u8> {
    let mut key = Vec::with_capacity(name.len() + 3);
    key.push(b'd');
    for label in name.rsplit('.') {
        key.extend_from_slice(label.as_bytes());
        key.push(END);
    }
    key
}

/// The key of any other value.
pub(crate) fn of_value(value: &str) -> Vec<u8> {
    let plain = value.len() <= MAX_VALUE && !value.contains('\0') && !value.starts_with(HASHED);
    let mut key = Vec::with_capacity(value.len().min(MAX_VALUE) + 2);
    key.push(b'v');
    if plain {
        key.extend_from_slice(value.as_bytes());
    } else {
        key.extend_from_slice(hashed(value).as_bytes());
    }
    key.push(END);
    key
}

fn hashed(value: &str) -> String {
    let digest = Sha256::digest(value.as_bytes());
    let hex = digest.iter().map(|byte| format!("{byte:02x}"));
    std::iter::once(HASHED.to_string()).chain(hex).collect()
}

#[cfg(test)]
mod tests {
    use super::{below_name, inside_network, of_name, of_network, of_value};
    use crate::normal::Network;

    fn network(text: &str) -> Network {
        Network::parse(text).unwrap_or_else(|| panic!("{text}"))
    }

    #[test]
    fn values_are_bounded_and_unambiguous() {
        assert_eq!(of_value("a.com"), b"va.com\0");
        assert_eq!(of_value(&"x".repeat(2_048)).len(), 2_050);
        let hashed = of_value(&"x".repeat(2_049));
        assert_eq!((hashed.len(), hashed[1]), (67, 1));
        let text = String::from_utf8_lossy(&hashed[1..66]).into_owned();
        for other in [&text, "a\0b", "a"] {
            assert_ne!(of_value(other), hashed);
            assert_eq!(of_value(other).iter().filter(|byte| **byte == 0).count(), 1);
        }
    }

    #[test]
    fn networks_sort_so_that_what_is_inside_is_a_range() {
        assert_eq!(of_network(network("203.0.113.7")), [b'4', 203, 0, 113, 7, 32]);
        assert_eq!(of_network(network("2001:db8::/32")).len(), 18);
        let holds = |outer: &str, inner: &str| {
            let Some((from, to)) = inside_network(network(outer)) else { return false };
            (from..to).contains(&of_network(network(inner)))
        };
        for inner in ["10.1.0.0", "10.1.0.0/17", "10.1.128.0/17", "10.1.255.255", "10.1.2.0/24"] {
            assert!(holds("10.1.0.0/16", inner), "{inner}");
        }
        for outer in ["10.1.0.0/16", "10.0.0.0/8", "10.1.0.0/15", "10.2.0.0", "10.0.255.255", "::/0"] {
            assert!(!holds("10.1.0.0/16", outer), "{outer}");
        }
        assert!(holds("0.0.0.0/0", "255.255.255.255") && holds("::/0", "ffff::"));
        assert!(!holds("1.2.3.4", "1.2.3.4"));
    }

    #[test]
    fn names_sort_below_their_parents() {
        assert_eq!(of_name("evil.example.com"), b"dcom\0example\0evil\0\x01");
        let (from, to) = below_name("example.com");
        let below = |name: &str| (from.clone()..to.clone()).contains(&of_name(name));
        assert!(below("a.example.com") && below("a.b.example.com"));
        for name in ["example.com", "evilexample.com", "com", "example.co", "example.comx"] {
            assert!(!below(name), "{name}");
        }
    }
}
