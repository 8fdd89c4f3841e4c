//! Addresses and networks.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// An address, alone or with a prefix length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Network {
    address: IpAddr,
    prefix_len: u8,
}

impl Network {
    /// Reads `192.0.2.1`, `2001:db8::1` or either with `/LENGTH` (`192.0.2.0/255.255.255.0` too); bits beyond the length
    /// are cleared. An address that IPv6 maps from IPv4 (RFC 4291, section 2.5.5.2) is the one of IPv4; all of them
    /// together are not, since nobody who writes that means the whole internet.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (address, length) = text.split_once('/').map_or((text, None), |(a, l)| (a, Some(l)));
        let address: IpAddr = address.parse().ok()?;
        let full = full_len(address);
        let prefix_len = match length {
            None => full,
            Some(length) => prefix_len(length, address).filter(|length| *length <= full)?,
        };
        Some(Self { address: masked(address, full - prefix_len), prefix_len }.unmapped())
    }

    fn unmapped(self) -> Self {
        let mapped = match self.address {
            IpAddr::V6(v6) if self.prefix_len > 96 => v6.to_ipv4_mapped(),
            _ => None,
        };
        mapped.map_or(self, |v4| Self { address: v4.into(), prefix_len: self.prefix_len - 96 })
    }

    pub(crate) fn is_ipv4(self) -> bool {
        self.address.is_ipv4()
    }

    /// Whether it is one address.
    pub(crate) fn is_single(self) -> bool {
        self.prefix_len == self.full_len()
    }

    /// The first address.
    pub(crate) fn address(self) -> IpAddr {
        self.address
    }

    /// The last address.
    pub(crate) fn last_address(self) -> IpAddr {
        let host_bits = u32::from(self.full_len() - self.prefix_len);
        match self.address {
            IpAddr::V4(v4) => {
                Ipv4Addr::from_bits(v4.to_bits() | !u32::MAX.checked_shl(host_bits).unwrap_or(0)).into()
            }
            IpAddr::V6(v6) => {
                Ipv6Addr::from_bits(v6.to_bits() | !u128::MAX.checked_shl(host_bits).unwrap_or(0)).into()
            }
        }
    }

    pub(crate) fn prefix_len(self) -> u8 {
        self.prefix_len
    }

    /// The prefix length of a single address.
    pub(crate) fn full_len(self) -> u8 {
        full_len(self.address)
    }

    /// The network of this prefix length that holds this one, which may be itself.
    pub(crate) fn wider(self, prefix_len: u8) -> Option<Self> {
        let address = masked(self.address, self.full_len().checked_sub(prefix_len)?);
        (prefix_len <= self.prefix_len).then_some(Self { address, prefix_len })
    }

    /// Whether some address is in both.
    pub(crate) fn overlaps(self, other: Self) -> bool {
        let (wide, narrow) = if self.prefix_len <= other.prefix_len { (self, other) } else { (other, self) };
        narrow.wider(wide.prefix_len) == Some(wide)
    }

    /// Canonical text (RFC 5952 for IPv6); the length is written unless it is the whole address.
    pub(crate) fn text(self) -> String {
        if self.is_single() {
            self.address.to_string()
        } else {
            format!("{}/{}", self.address, self.prefix_len)
        }
    }
}

fn full_len(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

/// A length in digits, or as the mask of IPv4 that it stands for.
fn prefix_len(text: &str, address: IpAddr) -> Option<u8> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if digits {
        return text.parse().ok();
    }
    let mask = text.parse::<Ipv4Addr>().ok().filter(|_| address.is_ipv4())?.to_bits();
    let length = mask.leading_ones();
    (length == mask.count_ones()).then(|| u8::try_from(length).ok())?
}

fn masked(address: IpAddr, host_bits: u8) -> IpAddr {
    let host_bits = u32::from(host_bits);
    match address {
        IpAddr::V4(v4) => {
            Ipv4Addr::from_bits(v4.to_bits() & u32::MAX.checked_shl(host_bits).unwrap_or(0)).into()
        }
        IpAddr::V6(v6) => {
            Ipv6Addr::from_bits(v6.to_bits() & u128::MAX.checked_shl(host_bits).unwrap_or(0)).into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Network;

    fn text(network: &str) -> Option<String> {
        Network::parse(network).map(Network::text)
    }

    #[test]
    fn reads_addresses_and_networks() {
        for (network, canonical) in [
            ("203.0.113.7", "203.0.113.7"),
            ("203.0.113.7/32", "203.0.113.7"),
            ("203.0.113.7/24", "203.0.113.0/24"),
            ("203.0.113.7/024", "203.0.113.0/24"),
            ("203.0.113.7/255.255.255.0", "203.0.113.0/24"),
            ("0.0.0.0/0", "0.0.0.0/0"),
            ("2001:DB8:0::1", "2001:db8::1"),
            ("2001:db8:ffff::/32", "2001:db8::/32"),
            ("::/0", "::/0"),
            ("::ffff:203.0.113.7", "203.0.113.7"),
            ("::FFFF:cb00:7107", "203.0.113.7"),
            ("::ffff:203.0.113.0/120", "203.0.113.0/24"),
            ("::ffff:0:0/96", "::ffff:0.0.0.0/96"),
        ] {
            assert_eq!(text(network).as_deref(), Some(canonical), "{network}");
            assert_eq!(text(canonical).as_deref(), Some(canonical));
        }
    }

    #[test]
    fn leaves_everything_else() {
        for text in [
            "01.2.3.4",
            "1.2.3",
            "a.com",
            "1.2.3.4/",
            "1.2.3.4/33",
            "1.2.3.4/+8",
            "1.2.3.4/255.0.255.0",
            "::/255.0.0.0",
            "::1/129",
            "1.2.3.4/8/8",
            "",
        ] {
            assert_eq!(Network::parse(text), None, "{text}");
        }
    }
}
