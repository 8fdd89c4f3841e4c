//! Values that are numbers with a notation: MAC addresses, autonomous systems, CVEs.

/// The normal form of a MAC address, `aa:bb:cc:00:11:22` (STIX 2.1, section 6.9), of any notation: pairs with colons or
/// hyphens, with leading zeros or without; fours with dots; digits alone.
pub(crate) fn mac(text: &str) -> Option<String> {
    let digits = notated_mac(text).or_else(|| joined(text, ' ', 1, 12))?.to_ascii_lowercase();
    let pairs: Vec<_> = (0..6).map(|octet| &digits[2 * octet..2 * octet + 2]).collect();
    Some(pairs.join(":"))
}

/// The digits of a MAC address that its notation gives away: digits alone could be anything.
pub(crate) fn notated_mac(text: &str) -> Option<String> {
    if !(11..=17).contains(&text.len()) {
        return None;
    }
    joined(text, ':', 6, 2).or_else(|| joined(text, '-', 6, 2)).or_else(|| joined(text, '.', 3, 4))
}

/// The hexadecimal digits of so many parts, each so long; in pairs, a leading zero may be missing.
fn joined(text: &str, separator: char, parts: usize, length: usize) -> Option<String> {
    let mut digits = String::new();
    for part in text.split(separator) {
        let padded = length == 2 && part.len() == 1;
        if (part.len() != length && !padded) || !part.bytes().all(|b| b.is_ascii_hexdigit()) {
            return None;
        }
        digits.push_str(if padded { "0" } else { "" });
        digits.push_str(part);
        if digits.len() > parts * length {
            return None;
        }
    }
    (digits.len() == parts * length).then_some(digits)
}

/// The number of an autonomous system, `15169`, with `AS` or `ASN` in front or alone, also in two halves (`AS1.10`, RFC
/// 5396).
pub(crate) fn autonomous_system(text: &str) -> Option<String> {
    let number = after_as(text).unwrap_or(text);
    let digits = |text: &str| (1..=10).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    let half = |text: &str| digits(text).then(|| text.parse::<u16>().ok()).flatten();
    let number = match number.split_once('.') {
        Some((high, low)) => u32::from(half(high)?) << 16 | u32::from(half(low)?),
        None if digits(number) => number.parse().ok()?,
        None => return None,
    };
    Some(number.to_string())
}

/// What follows `AS` or `ASN`, if that is in front.
pub(crate) fn after_as(text: &str) -> Option<&str> {
    let start = text.get(..2)?;
    let rest = start.eq_ignore_ascii_case("as").then(|| &text[2..])?;
    Some(rest.strip_prefix(['N', 'n']).unwrap_or(rest).trim_start())
}

/// The normal form of a CVE id, `CVE-2021-44228`, in any case, with any hyphens or spaces.
pub(crate) fn cve(text: &str) -> Option<String> {
    let start = text.get(..3)?;
    let rest = start.eq_ignore_ascii_case("cve").then(|| &text[3..])?;
    let hyphen = |c: char| matches!(c, '-' | '_' | ' ' | ':' | '\u{2010}'..='\u{2015}');
    let (year, number) = rest.trim_start_matches(hyphen).split_once(hyphen)?;
    let number = number.trim_start_matches(hyphen);
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let sound = year.len() == 4 && (4..=19).contains(&number.len()) && digits(year) && digits(number);
    sound.then(|| format!("CVE-{year}-{number}"))
}

#[cfg(test)]
mod tests {
    use super::{autonomous_system, cve, mac};

    type Form = fn(&str) -> Option<String>;

    #[test]
    fn forms_are_exact() {
        for (form, text, normal) in [
            (mac as Form, "AA-BB-CC-00-11-22", "aa:bb:cc:00:11:22"),
            (mac, "AA:bb:CC:00:11:22", "aa:bb:cc:00:11:22"),
            (mac, "a:bb:c:0:11:2", "0a:bb:0c:00:11:02"),
            (mac, "AABB.CC00.1122", "aa:bb:cc:00:11:22"),
            (mac, "AABBCC001122", "aa:bb:cc:00:11:22"),
            (autonomous_system, "AS15169", "15169"),
            (autonomous_system, "asn 15169", "15169"),
            (autonomous_system, "015169", "15169"),
            (autonomous_system, "AS1.10", "65546"),
            (autonomous_system, "4294967295", "4294967295"),
            (cve, "cve-2021-44228", "CVE-2021-44228"),
            (cve, "CVE 2021 44228", "CVE-2021-44228"),
            (cve, "CVE\u{2011}2021\u{2013}44228", "CVE-2021-44228"),
        ] {
            assert_eq!(form(text).as_deref(), Some(normal), "{text}");
            assert_eq!(form(normal).as_deref(), Some(normal), "{text}");
        }
    }

    #[test]
    fn leaves_everything_else() {
        for (form, text) in [
            (mac as Form, "aa:bb:cc:00:11"),
            (mac, "aa:bb-cc:00:11:22"),
            (mac, "aa:bb:cc:00:11:22:33"),
            (mac, "aabb.cc00.11221"),
            (mac, "aabbcc00112g"),
            (mac, ""),
            (autonomous_system, "assembly"),
            (autonomous_system, "AS4294967296"),
            (autonomous_system, "AS1.70000"),
            (autonomous_system, "+5"),
            (autonomous_system, ""),
            (cve, "CVE-21-44228"),
            (cve, "CVE-2021-1"),
            (cve, "CVE-2021-44228x"),
            (cve, "cvs-2021-44228"),
        ] {
            assert_eq!(form(text), None, "{text}");
        }
    }
}
