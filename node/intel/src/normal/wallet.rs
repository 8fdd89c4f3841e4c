//! Wallets of cryptocurrencies, by their shape: checksums are not looked at.

/// The prefixes of segwit addresses (BIP 173), before their separator.
const SEGWIT: [&str; 3] = ["bc1", "tb1", "ltc1"];
/// Base58 addresses: the letters they begin with, and how long they are.
const BASE58: [(&[char], std::ops::RangeInclusive<usize>); 5] = [
    (&['1', '3'], 26..=35),  // Bitcoin
    (&['L', 'M'], 33..=34),  // Litecoin
    (&['D', 'A'], 34..=34),  // Dogecoin
    (&['T'], 34..=34),       // Tron
    (&['4', '8'], 95..=106), // Monero
];

/// The normal form of a wallet's address, alone or in a payment link (`bitcoin:…?amount=1`): lower case where the case only
/// carries a checksum (EIP 55, BIP 173), as it is in base 58.
pub(crate) fn read(text: &str) -> Option<String> {
    let address = unlinked(text);
    if is_ethereum(address) || is_segwit(address) {
        return Some(address.to_ascii_lowercase());
    }
    is_base58(address).then(|| address.to_owned())
}

fn unlinked(text: &str) -> &str {
    let scheme = |(scheme, _): &(&str, &str)| {
        ["bitcoin", "ethereum", "litecoin", "monero", "dogecoin", "tron"]
            .iter()
            .any(|name| scheme.eq_ignore_ascii_case(name))
    };
    let Some((_, address)) = text.split_once(':').filter(scheme) else { return text };
    address.split_once('?').map_or(address, |(address, _)| address)
}

fn is_ethereum(text: &str) -> bool {
    let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
    digits.is_some_and(|digits| digits.len() == 40 && digits.bytes().all(|b| b.is_ascii_hexdigit()))
}

/// Letters and digits without `1`, `b`, `i` and `o`, all in one case.
fn is_segwit(text: &str) -> bool {
    let data = SEGWIT.iter().find_map(|prefix| {
        let start = text.get(..prefix.len())?;
        start.eq_ignore_ascii_case(prefix).then(|| &text[prefix.len()..])
    });
    let of_data =
        |b: u8| b.is_ascii_alphanumeric() && !matches!(b, b'1' | b'b' | b'B' | b'i' | b'I' | b'o' | b'O');
    let one_case =
        !text.bytes().any(|b| b.is_ascii_lowercase()) || !text.bytes().any(|b| b.is_ascii_uppercase());
    data.is_some_and(|data| (38..=59).contains(&data.len()) && data.bytes().all(of_data)) && one_case
}

fn is_base58(text: &str) -> bool {
    let of_alphabet = |b: u8| b.is_ascii_alphanumeric() && !matches!(b, b'0' | b'O' | b'I' | b'l');
    let of_length = |(first, lengths): &(&[char], std::ops::RangeInclusive<usize>)| {
        text.starts_with(*first) && lengths.contains(&text.len())
    };
    BASE58.iter().any(of_length) && text.bytes().all(of_alphabet)
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn forms_are_exact() {
        for (wallet, normal) in [
            ("1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"),
            ("bitcoin:1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa?amount=1", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"),
            ("BC1QAR0SRRR7XFKVY5L643LYDNW9RE59GTZZWF5MDQ", "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq"),
            ("0xDe0B295669a9FD93d5F28D9Ec85E40f4cb697BAe", "0xde0b295669a9fd93d5f28d9ec85e40f4cb697bae"),
            ("TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t", "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"),
        ] {
            assert_eq!(read(wallet).as_deref(), Some(normal), "{wallet}");
            assert_eq!(read(normal).as_deref(), Some(normal), "{wallet}");
        }
        for text in [
            "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfN0",
            "bc1Qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq",
            "0xabc",
            "1234",
            "bitcoin:",
            "",
            "de0b295669a9fd93d5f28d9ec85e40f4cb697bae",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
