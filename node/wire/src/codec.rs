//! The strict CBOR codec, and the only file that names `serde_cbor`.
//!
//! `serde_cbor` is no longer maintained and reads one value from many encodings. What comes in is
//! therefore measured first by [`scan`], which walks the bytes without recursion or allocation and
//! allows definite lengths, shortest integers, bounded depth and no tags; only then is it decoded,
//! into a bounded type, and encoded again: bytes that do not come back the same are refused.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::limits::CBOR_DEPTH;

/// Why bytes are not one strictly encoded value of the expected shape.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CodecFault {
    /// Longer than this kind of value may be.
    #[error("{len} bytes where at most {limit} are allowed")]
    TooLong {
        /// Bytes received.
        len: usize,
        /// Bytes allowed.
        limit: usize,
    },
    /// Not CBOR, or CBOR that the strict rules exclude.
    #[error("not strict CBOR at byte {at}: {what}")]
    NotStrict {
        /// Offset of the offending item.
        at: usize,
        /// The rule that it breaks.
        what: &'static str,
    },
    /// Well-formed, but not of the expected shape.
    #[error("CBOR of another shape: {0}")]
    Shape(String),
    /// The value has another, canonical encoding.
    #[error("the bytes are not this value's only encoding")]
    NotCanonical,
}

/// Encodes a value of this crate. Tuples become arrays, so there are no maps to order.
pub(crate) fn encode<T: Serialize>(value: &T) -> Vec<u8> {
    serde_cbor::to_vec(value).expect("values of this crate encode: no maps, no unsized sequences")
}

/// Decodes one value that fills `bytes`, at most `limit` of them.
pub(crate) fn decode<T: Serialize + DeserializeOwned>(bytes: &[u8], limit: usize) -> Result<T, CodecFault> {
    let (value, len) = decode_prefix(bytes, limit)?;
    if len != bytes.len() {
        return Err(CodecFault::NotStrict { at: len, what: "bytes after the end" });
    }
    Ok(value)
}

/// Decodes the value that `bytes` begin with, and says how many bytes it has (at most `limit`).
///
/// For CBOR sequences (RFC 8742): the caller goes on after it.
pub(crate) fn decode_prefix<T: Serialize + DeserializeOwned>(
    bytes: &[u8],
    limit: usize,
) -> Result<(T, usize), CodecFault> {
    let len = scan(bytes)?;
    if len > limit {
        return Err(CodecFault::TooLong { len, limit });
    }
    let item = &bytes[..len];
    let value = serde_cbor::from_slice(item).map_err(|e| CodecFault::Shape(e.to_string()))?;
    if encode(&value) != item {
        return Err(CodecFault::NotCanonical);
    }
    Ok((value, len))
}

/// Measures the first item of `bytes`: its length, if it keeps the strict rules of this crate.
fn scan(bytes: &[u8]) -> Result<usize, CodecFault> {
    // Items still to come at each level; the depth bound is the array's length.
    let mut pending = [0_u64; CBOR_DEPTH];
    let mut depth = 0;
    let mut at = 0;
    loop {
        let (children, next) = scan_head(bytes, at)?;
        if children > 0 {
            // Every item has at least one byte: a larger count can't be true.
            if children > (bytes.len() - next) as u64 {
                return Err(CodecFault::NotStrict { at, what: "shorter than it says" });
            }
            if depth == CBOR_DEPTH {
                return Err(CodecFault::NotStrict { at, what: "nested too deep" });
            }
            pending[depth] = children;
            depth += 1;
            at = next;
            continue;
        }
        at = next;
        while depth > 0 && pending[depth - 1] == 1 {
            depth -= 1;
        }
        if depth == 0 {
            return Ok(at);
        }
        pending[depth - 1] -= 1;
    }
}

/// One item's head at `at`: how many items it holds, and where the next one begins.
fn scan_head(bytes: &[u8], at: usize) -> Result<(u64, usize), CodecFault> {
    let fault = |what| CodecFault::NotStrict { at, what };
    let first = *bytes.get(at).ok_or(fault("ends too early"))?;
    let (argument, next) = scan_argument(bytes, at, first & 0x1f)?;
    match first >> 5 {
        0 | 1 => Ok((0, next)),
        2 | 3 => {
            let end = usize::try_from(argument).ok().and_then(|len| next.checked_add(len));
            match end {
                Some(end) if end <= bytes.len() => Ok((0, end)),
                _ => Err(fault("shorter than it says")),
            }
        }
        4 => Ok((argument, next)),
        5 if argument == 0 => Ok((0, next)),
        5 => Err(fault("a map where only an empty one is allowed")),
        7 if matches!(first & 0x1f, 20..=22) => Ok((0, next)),
        6 => Err(fault("a tag")),
        _ => Err(fault("a float or simple value")),
    }
}

/// The head's argument, in its shortest form only (RFC 8949, section 4.2.1).
fn scan_argument(bytes: &[u8], at: usize, info: u8) -> Result<(u64, usize), CodecFault> {
    let fault = |what| CodecFault::NotStrict { at, what };
    let len = match info {
        0..=23 => return Ok((u64::from(info), at + 1)),
        24..=27 => 1_usize << (info - 24),
        _ => return Err(fault("an indefinite length")),
    };
    let digits = bytes.get(at + 1..at + 1 + len).ok_or(fault("ends too early"))?;
    let argument = digits.iter().fold(0_u64, |value, byte| value << 8 | u64::from(*byte));
    let shortest = match len {
        1 => argument > 23,
        _ => argument >> (len * 4) != 0,
    };
    if shortest { Ok((argument, at + 1 + len)) } else { Err(fault("not the shortest integer")) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn accepts<T: Serialize + DeserializeOwned>(bytes: &[u8]) -> bool {
        decode::<T>(bytes, 1024).is_ok()
    }

    #[test]
    fn one_encoding_each() {
        assert!(accepts::<u64>(&[0x17]));
        assert!(accepts::<u64>(&[0x18, 0x18]));
        assert!(accepts::<Vec<u64>>(&[0x82, 1, 2]));
        assert!(accepts::<Vec<Vec<u64>>>(&[0x82, 0x80, 0x81, 1]));
        for (bytes, why) in [
            (&[0x18, 0x17][..], "not the shortest"),
            (&[0x19, 0, 0xff], "not the shortest"),
            (&[0x1b, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff], "not the shortest"),
            (&[0x17, 0x17], "trailing"),
            (&[0xc1, 0x17], "tag"),
            (&[0xf9, 0x3c, 0], "float"),
            (&[], "empty"),
            (&[0x18], "cut"),
        ] {
            assert!(!accepts::<u64>(bytes), "{why}: {bytes:02x?}");
        }
        assert!(!accepts::<Vec<u64>>(&[0x9f, 1, 0xff]), "indefinite");
        assert!(!accepts::<Vec<u64>>(&[0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]), "huge");
    }

    #[test]
    fn depth_is_bounded() {
        let nested = |depth| [vec![0x81; depth], vec![0]].concat();
        assert_eq!(scan(&nested(CBOR_DEPTH)), Ok(CBOR_DEPTH + 1));
        assert!(scan(&nested(CBOR_DEPTH + 1)).is_err());
    }

    proptest! {
        #[test]
        fn scan_never_panics_and_stays_inside(bytes: Vec<u8>) {
            if let Ok(len) = scan(&bytes) {
                prop_assert!(len <= bytes.len() && len > 0);
            }
        }

        #[test]
        fn what_is_encoded_is_strict(value: Vec<(u64, Option<String>, bool)>) {
            let bytes = encode(&value);
            prop_assert_eq!(decode::<Vec<(u64, Option<String>, bool)>>(&bytes, bytes.len()), Ok(value));
        }

        #[test]
        fn accepted_bytes_are_canonical(bytes: Vec<u8>) {
            if let Ok(value) = decode::<Vec<u64>>(&bytes, 1024) {
                prop_assert_eq!(encode(&value), bytes);
            }
        }
    }
}
