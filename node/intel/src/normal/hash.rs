//! Digests of files and certificates, and serial numbers.

/// The longest name of an algorithm before a colon.
const MAX_ALGORITHM: usize = 10;

/// The normal form of a digest: hexadecimal digits in lower case, without colons between pairs or the algorithm's name in
/// front (`sha256:…`). TLSH has `T1` in front and upper case, as its authors write it; ssdeep loses its file name only.
pub(crate) fn read(text: &str) -> Option<String> {
    let text = bare(text);
    if is_ssdeep(text) {
        return Some(without_file_name(text).to_owned());
    }
    if let Some(digits) = tlsh_digits(text) {
        return Some(format!("T1{}", digits.to_ascii_uppercase()));
    }
    if is_hex(text) {
        return Some(text.to_ascii_lowercase());
    }
    is_paired(text).then(|| text.replace(':', "").to_ascii_lowercase())
}

/// The algorithm that a digest in its normal form is of, by its shape, as in kinds of observables: `sha256`.
pub(crate) fn algorithm(digest: &str) -> Option<&'static str> {
    let by_length =
        [(32, "md5"), (40, "sha1"), (56, "sha224"), (64, "sha256"), (96, "sha384"), (128, "sha512")];
    match digest {
        _ if is_hex(digest) => by_length.iter().find(|(len, _)| *len == digest.len()).map(|(_, name)| *name),
        _ if tlsh_digits(digest).is_some() => Some("tlsh"),
        _ if is_ssdeep(digest) => Some("ssdeep"),
        _ => None,
    }
}

fn is_hex(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_hexdigit())
}

/// Without `sha256:` or the like, if a digest follows.
fn bare(text: &str) -> &str {
    let Some((name, digest)) = text.split_once(':') else { return text };
    let known = name.len() <= MAX_ALGORITHM && {
        let letters: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
        let letters = letters.to_ascii_lowercase();
        matches!(letters.as_str(), "md5" | "ssdeep" | "tlsh") || letters.starts_with("sha")
    };
    if known { digest.trim_start() } else { text }
}

/// The 70 digits of a TLSH digest, with or without `T1` in front.
fn tlsh_digits(text: &str) -> Option<&str> {
    let digits = text.strip_prefix("T1").or_else(|| text.strip_prefix("t1")).unwrap_or(text);
    (digits.len() == 70 && is_hex(digits)).then_some(digits)
}

/// `blocksize:hash:hash`, and perhaps a file name after a comma.
fn is_ssdeep(text: &str) -> bool {
    let mut parts = without_file_name(text).split(':');
    let (size, first, second) = (parts.next(), parts.next(), parts.next());
    let digits = |size: &str| (1..=12).contains(&size.len()) && size.bytes().all(|b| b.is_ascii_digit());
    let base64 = |b: u8| b.is_ascii_alphanumeric() || b == b'+' || b == b'/';
    let hash = |hash: &str| hash.len() >= 3 && hash.bytes().all(base64);
    size.is_some_and(digits) && first.is_some_and(hash) && second.is_some_and(hash) && parts.next().is_none()
}

fn without_file_name(text: &str) -> &str {
    text.split_once(',').map_or(text, |(digest, _)| digest)
}

/// Pairs of digits with colons between them, as certificates' fingerprints and serial numbers are shown.
fn is_paired(text: &str) -> bool {
    let shape = |(i, b): (usize, u8)| if i % 3 == 2 { b == b':' } else { b.is_ascii_hexdigit() };
    text.len() % 3 == 2 && text.len() > 2 && text.bytes().enumerate().all(shape)
}

#[cfg(test)]
mod tests {
    use super::{algorithm, read};

    #[test]
    fn forms_are_exact() {
        let tlsh = "6FF02BEF718027B0160662391212E85D7CA63D5C8C1B8CA2C7B6B1B4B8E7D1AC15B2E0";
        let ssdeep =
            "96:s4Ud1Lj96tHHlZDrwciQmA+4uy1I0G4HYuL8N3TzS8QsO/wqWXLcMSx:sF1LjEtHHlZDrJzrhuyZvHYm8tKp/RWO";
        for (text, normal, is) in [
            ("D41D8CD98F00B204E9800998ECF8427E", "d41d8cd98f00b204e9800998ecf8427e", Some("md5")),
            ("md5: D41D8CD98F00B204E9800998ECF8427E", "d41d8cd98f00b204e9800998ecf8427e", Some("md5")),
            (&"Ab".repeat(20), &"ab".repeat(20), Some("sha1")),
            (&["AB"; 20].join(":"), &"ab".repeat(20), Some("sha1")),
            (&format!("SHA-256:{}", "Ab".repeat(32)), &"ab".repeat(32), Some("sha256")),
            (&"A".repeat(56), &"a".repeat(56), Some("sha224")),
            (&"A".repeat(96), &"a".repeat(96), Some("sha384")),
            (&"A".repeat(128), &"a".repeat(128), Some("sha512")),
            (&tlsh.to_lowercase(), &format!("T1{tlsh}"), Some("tlsh")),
            (&format!("t1{tlsh}"), &format!("T1{tlsh}"), Some("tlsh")),
            (&format!("{ssdeep},\"x.exe\""), ssdeep, Some("ssdeep")),
            ("36:F7:D4:32", "36f7d432", None),
            ("AB", "ab", None),
        ] {
            assert_eq!(read(text).as_deref(), Some(normal), "{text}");
            assert_eq!(read(normal).as_deref(), Some(normal), "{text}");
            assert_eq!(algorithm(normal), is, "{text}");
        }
        for text in ["", "x", "3:a:", "aa:b", "aa::bb", "evil.com:80:90", "sha256:"] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
