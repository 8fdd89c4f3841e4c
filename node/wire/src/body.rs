//! A record's body: STIX objects as the exact JSON that was published, compressed.
//!
//! `zstd( CBOR array of text strings )`. The body is detachable: the header holds its hash and
//! both lengths, so it can be fetched apart, checked before it is decompressed, and erased.

use crate::codec::{self, CodecFault};
use crate::ids::sha256;
use crate::limits::{BODY_BYTES, BODY_OBJECTS, RAW_BODY_BYTES};
use crate::record::BodyRef;

/// zstd's default level: STIX shrinks about ninefold, at a few hundred MB/s.
const ZSTD_LEVEL: i32 = 3;

/// How a Zstandard frame begins (RFC 8878, section 3.1.1).
const FRAME_MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// Why texts can't be packed, or bytes can't be unpacked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BodyFault {
    /// No objects at all.
    #[error("a body holds at least one object")]
    Empty,
    /// More objects than a body may hold.
    #[error("{0} objects where a body holds at most {BODY_OBJECTS}")]
    TooManyObjects(usize),
    /// Too long, before or after compression.
    #[error("{len} bytes {what} where at most {limit} are allowed")]
    TooLong {
        /// "compressed" or "uncompressed".
        what: &'static str,
        /// Bytes found.
        len: usize,
        /// Bytes allowed.
        limit: usize,
    },
    /// The bytes are not those that the header names.
    #[error("the body does not match the header's length and hash")]
    Mismatch,
    /// Not zstd, or of another length than the header says.
    #[error("the body does not decompress to the length that its header gives")]
    Compression,
    /// Not a CBOR array of text strings.
    #[error("the body is not an array of texts: {0}")]
    Codec(#[from] CodecFault),
}

/// A body ready to be named in a header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackedBody {
    /// The bytes that travel.
    pub bytes: Vec<u8>,
    /// What the header says of them.
    pub reference: BodyRef,
}

impl PackedBody {
    /// Packs JSON texts, in this order.
    pub fn pack(objects: &[&str]) -> Result<Self, BodyFault> {
        match objects.len() {
            0 => return Err(BodyFault::Empty),
            n if n > BODY_OBJECTS => return Err(BodyFault::TooManyObjects(n)),
            _ => {}
        }
        let raw = codec::encode(&objects);
        limit("uncompressed", raw.len(), RAW_BODY_BYTES)?;
        let bytes = zstd::bulk::compress(&raw, ZSTD_LEVEL).map_err(|_| BodyFault::Compression)?;
        limit("compressed", bytes.len(), BODY_BYTES)?;
        let reference =
            BodyRef { len: bytes.len() as u32, raw_len: raw.len() as u32, hash: sha256(&[&bytes]) };
        Ok(Self { bytes, reference })
    }
}

impl BodyRef {
    /// Whether these are the bytes that the header names.
    pub fn matches(&self, bytes: &[u8]) -> bool {
        bytes.len() == self.len as usize && sha256(&[bytes]) == self.hash
    }

    /// The texts in the order of publication, of bytes that [`matches`](Self::matches) has accepted.
    ///
    /// The output is bounded by the header's `raw_len`, itself bounded when the header was decoded.
    pub fn unpack(&self, bytes: &[u8]) -> Result<Vec<String>, BodyFault> {
        if !self.matches(bytes) {
            return Err(BodyFault::Mismatch);
        }
        if !is_one_frame(bytes) {
            return Err(BodyFault::Compression);
        }
        let raw_len = self.raw_len as usize;
        let raw = zstd::bulk::decompress(bytes, raw_len).map_err(|_| BodyFault::Compression)?;
        if raw.len() != raw_len {
            return Err(BodyFault::Compression);
        }
        let objects: Vec<String> = codec::decode(&raw, RAW_BODY_BYTES)?;
        match objects.len() {
            0 => Err(BodyFault::Empty),
            n if n > BODY_OBJECTS => Err(BodyFault::TooManyObjects(n)),
            _ => Ok(objects),
        }
    }
}

/// Whether these bytes are one Zstandard frame (RFC 8878, section 3.1.1), whole and alone.
///
/// libzstd takes more: frames in a row, skippable ones between them and, where some other crate has
/// switched that on, frames of its own formats from before the RFC. Nodes would then differ on what is void.
fn is_one_frame(bytes: &[u8]) -> bool {
    bytes.starts_with(&FRAME_MAGIC) && zstd::zstd_safe::find_frame_compressed_size(bytes) == Ok(bytes.len())
}

fn limit(what: &'static str, len: usize, limit: usize) -> Result<(), BodyFault> {
    if len > limit { Err(BodyFault::TooLong { what, len, limit }) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exact_texts_come_back() {
        let texts = ["{\"a\": 1}", "{ \"b\" :\n\"\\u00e9\" }"];
        let packed = PackedBody::pack(&texts).unwrap();
        assert_eq!(packed.reference.unpack(&packed.bytes).unwrap(), texts);
    }

    #[test]
    fn a_bomb_is_stopped_at_the_length_it_declares() {
        let bytes = zstd::bulk::compress(&vec![0; 64 << 20], 3).unwrap();
        let reference = BodyRef { len: bytes.len() as u32, raw_len: 1000, hash: sha256(&[&bytes]) };
        assert_eq!(reference.unpack(&bytes), Err(BodyFault::Compression));
    }

    #[test]
    fn other_bytes_are_refused() {
        let packed = PackedBody::pack(&["{}"]).unwrap();
        let mut bytes = packed.bytes.clone();
        bytes[5] ^= 1;
        assert_eq!(packed.reference.unpack(&bytes), Err(BodyFault::Mismatch));
        assert_eq!(PackedBody::pack(&[]), Err(BodyFault::Empty));
        assert_eq!(
            PackedBody::pack(&vec!["{}"; BODY_OBJECTS + 1]),
            Err(BodyFault::TooManyObjects(BODY_OBJECTS + 1))
        );
    }
}
