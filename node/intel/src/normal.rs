//! The normal forms of values, so that what an analyst types and what an object says meet in one index.
//!
//! Every form begins by trimming. Those for addresses, names, URLs and e-mail also undo the usual defanging:
//! `hxxp(s)://`, `[.]`, `(.)`, `[dot]`, `(dot)`, `[:]`, `[://]`, `[at]`, `(at)`, `[@]`. Each function documents the
//! rest of its form.

use std::borrow::Cow;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// How values of a kind are normalised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// A host name or address: [`host`].
    Host,
    /// [`url`].
    Url,
    /// [`mail`].
    Mail,
    /// [`mac`].
    Mac,
    /// [`hash`].
    Hash,
    /// [`as_number`].
    AsNumber,
    /// As it is, trimmed.
    Plain,
}

/// Every form: what a value of unknown kind may be looked up as.
pub(crate) const FORMS: [Form; 7] =
    [Form::Plain, Form::Host, Form::Url, Form::Mail, Form::Mac, Form::Hash, Form::AsNumber];

impl Form {
    pub(crate) fn apply(self, value: &str) -> String {
        let value = value.trim();
        match self {
            Form::Plain => value.to_owned(),
            Form::Hash => hash(value),
            Form::AsNumber => as_number(value),
            Form::Mac => mac(value),
            Form::Host => host(&refanged(value)),
            Form::Url => url(&refanged(value)),
            Form::Mail => mail(&refanged(value)),
        }
    }
}

/// An address, alone or with a prefix length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Network {
    address: IpAddr,
    prefix_len: u8,
}

impl Network {
    /// Reads `192.0.2.1`, `2001:db8::1` or either with `/LENGTH`; bits beyond the length are cleared.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (address, length) = text.split_once('/').map_or((text, None), |(a, l)| (a, Some(l)));
        let address: IpAddr = address.parse().ok()?;
        let full = if address.is_ipv4() { 32 } else { 128 };
        let digits = |l: &str| !l.is_empty() && l.bytes().all(|b| b.is_ascii_digit());
        let prefix_len = match length {
            None => full,
            Some(length) if digits(length) => length.parse().ok().filter(|length| *length <= full)?,
            Some(_) => return None,
        };
        Some(Self { address: masked(address, full - prefix_len), prefix_len })
    }

    pub(crate) fn is_ipv4(self) -> bool {
        self.address.is_ipv4()
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
        if self.address.is_ipv4() { 32 } else { 128 }
    }

    /// Whether it is one address.
    pub(crate) fn is_single(self) -> bool {
        self.prefix_len == self.full_len()
    }

    /// The network of this prefix length that holds this one, if it is a shorter one.
    pub(crate) fn wider(self, prefix_len: u8) -> Option<Self> {
        let address = masked(self.address, self.full_len().checked_sub(prefix_len)?);
        (prefix_len < self.prefix_len).then_some(Self { address, prefix_len })
    }

    /// Whether some address is in both.
    pub(crate) fn overlaps(self, other: Self) -> bool {
        let (wide, narrow) = if self.prefix_len <= other.prefix_len { (self, other) } else { (other, self) };
        narrow == wide || narrow.wider(wide.prefix_len) == Some(wide)
    }

    /// Canonical text (RFC 5952 for IPv6); the length is written unless it is the whole address.
    fn text(self) -> String {
        match (self.address, self.prefix_len) {
            (IpAddr::V4(address), 32) => address.to_string(),
            (IpAddr::V6(address), 128) => address.to_string(),
            (address, prefix_len) => format!("{address}/{prefix_len}"),
        }
    }
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

/// Addresses and networks in canonical text; any other host name in lower case, without a trailing dot.
fn host(value: &str) -> String {
    match Network::parse(value) {
        Some(network) => network.text(),
        None => value.strip_suffix('.').unwrap_or(value).trim_end().to_lowercase(),
    }
}

/// Scheme and host in lower case, the rest as it is. Without a scheme, what stands before the first `/`, `?` or `#` is
/// the host.
fn url(value: &str) -> String {
    let start = value.find("://").map_or(0, |end| end + 3);
    let (scheme, rest) = value.split_at(start);
    let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let (user, host) = authority.split_at(authority.rfind('@').map_or(0, |at| at + 1));
    format!("{}{user}{}{path}", scheme.to_lowercase(), host.to_lowercase())
}

/// The whole address in lower case: no mailbox that matters tells `Joe@` from `joe@`.
fn mail(value: &str) -> String {
    value.to_lowercase()
}

/// Lower case, with `:` in place of `-` (STIX 2.1, section 6.9), if it has the length of a MAC address.
fn mac(value: &str) -> String {
    if value.len() != 17 {
        return value.to_owned();
    }
    value.to_ascii_lowercase().replace('-', ":")
}

/// Hexadecimal digits in lower case; other digests, such as ssdeep's, as they are.
fn hash(value: &str) -> String {
    if value.bytes().all(|b| b.is_ascii_hexdigit()) {
        return value.to_ascii_lowercase();
    }
    value.to_owned()
}

/// The bare number of `AS15169` or `15169`.
fn as_number(value: &str) -> String {
    let number = value.strip_prefix("AS").or_else(|| value.strip_prefix("as")).unwrap_or(value);
    let digits = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
    if digits { number } else { value }.to_owned()
}

/// Whether `value` is a domain name in its normal form: two or more ASCII labels of 1 to 63 characters, 253 in all (RFC
/// 1035), the last one not a number.
pub(crate) fn is_name(value: &str) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_';
    let sound = |label: &str| (1..=63).contains(&label.len()) && label.bytes().all(plain);
    let top = value.rsplit_once('.').map_or("0", |(_, top)| top);
    value.len() <= 253 && value.split('.').all(sound) && !top.bytes().all(|b| b.is_ascii_digit())
}

/// Second-level labels under which countries let others register names.
const SHARED_LABELS: [&str; 22] = [
    "ac", "biz", "co", "com", "desa", "edu", "gen", "go", "gob", "gouv", "gov", "in", "info", "mil", "my",
    "name", "ne", "net", "or", "org", "sch", "web",
];

/// Whether `name` is a suffix under which anyone may register: one label, or a country's such as `co.id`, `com.sg`.
/// Nobody's indicator can mean all that lies below.
pub(crate) fn is_suffix(name: &str) -> bool {
    let labels = name.split_once('.');
    labels.is_none_or(|(second, top)| top.len() == 2 && SHARED_LABELS.contains(&second))
}

/// Whether `value` has the form of a hexadecimal MD5, SHA-1 or SHA-2 digest.
pub(crate) fn is_digest(value: &str) -> bool {
    matches!(value.len(), 32 | 40 | 56 | 64 | 96 | 128) && value.bytes().all(|b| b.is_ascii_hexdigit())
}

/// Whether `value` has the form of a MAC address.
pub(crate) fn is_mac(value: &str) -> bool {
    let shape = |(i, b): (usize, u8)| if i % 3 == 2 { b == b':' || b == b'-' } else { b.is_ascii_hexdigit() };
    value.len() == 17 && value.bytes().enumerate().all(shape)
}

/// Undoes defanging.
pub(crate) fn refanged(value: &str) -> Cow<'_, str> {
    const MARKS: [(&str, &str); 9] = [
        ("[.]", "."),
        ("(.)", "."),
        ("[dot]", "."),
        ("(dot)", "."),
        ("[:]", ":"),
        ("[://]", "://"),
        ("[at]", "@"),
        ("(at)", "@"),
        ("[@]", "@"),
    ];
    let mut text = Cow::Borrowed(value);
    if value.contains(['[', '(']) {
        for (mark, meant) in MARKS.into_iter().filter(|(mark, _)| value.contains(mark)) {
            text = Cow::Owned(text.replace(mark, meant));
        }
    }
    match text.get(..4) {
        Some(scheme) if scheme.eq_ignore_ascii_case("hxxp") => Cow::Owned(format!("http{}", &text[4..])),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::{Form, Network, refanged};

    #[test]
    fn forms_are_exact() {
        for (form, value, expected) in [
            (Form::Plain, "  As [.] is ", "As [.] is"),
            (Form::Host, "Evil[.]Example.COM.", "evil.example.com"),
            (Form::Host, "203.0.113[.]7", "203.0.113.7"),
            (Form::Host, "203.0.113.7/32", "203.0.113.7"),
            (Form::Host, "203.0.113.7/24", "203.0.113.0/24"),
            (Form::Host, "0.0.0.0/0", "0.0.0.0/0"),
            (Form::Host, "2001:DB8:0::1", "2001:db8::1"),
            (Form::Host, "2001:db8:ffff::/32", "2001:db8::/32"),
            (Form::Host, "::/0", "::/0"),
            (Form::Host, "1.2.3.4/33", "1.2.3.4/33"),
            (Form::Host, "1.2.3.4/+8", "1.2.3.4/+8"),
            (Form::Url, "hXXps[:]//User@Evil(.)COM:8080/Path?Q=A", "https://User@evil.com:8080/Path?Q=A"),
            (Form::Url, "Evil.com/Path", "evil.com/Path"),
            (Form::Url, "HTTP://EVIL.com", "http://evil.com"),
            (Form::Mail, "Joe[at]Evil[dot]com", "joe@evil.com"),
            (Form::Mac, "AA-BB-CC-00-11-22", "aa:bb:cc:00:11:22"),
            (Form::Hash, "ABCDEF", "abcdef"),
            (Form::Hash, "3:AXGBicFlgVNhBGcL6wCrFQEv:AXG", "3:AXGBicFlgVNhBGcL6wCrFQEv:AXG"),
            (Form::AsNumber, "AS15169", "15169"),
            (Form::AsNumber, "assembly", "assembly"),
        ] {
            assert_eq!(form.apply(value), expected, "{form:?}");
        }
    }

    #[test]
    fn refanging_leaves_plain_text_alone() {
        assert!(matches!(refanged("http://[2001:db8::1]/(x)"), std::borrow::Cow::Borrowed(_)));
        assert_eq!(refanged("hxxp"), "http");
    }

    #[test]
    fn addresses_are_told_from_names() {
        for (text, is_network) in [
            ("1.2.3.4", true),
            ("01.2.3.4", false),
            ("1.2.3", false),
            ("a.com", false),
            ("::1", true),
            ("1.2.3.4/", false),
        ] {
            assert_eq!(Network::parse(text).is_some(), is_network, "{text}");
        }
    }
}
