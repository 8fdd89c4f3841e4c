//! CBOR and COSE built by hand from `node/docs/wire.md`, so that a vector can be wrong in exactly one way.
//!
//! Nothing here uses the code under test: where both make the same bytes, they agree on the format.

use certmesh_wire::{SecretKey, sha256};
use ed25519_dalek::{Signer, SigningKey};

/// The encoded protected header `{1: -8}`: EdDSA.
pub(crate) const PROTECTED: [u8; 3] = [0xa1, 0x01, 0x27];
pub(crate) const NULL: [u8; 1] = [0xf6];
pub(crate) const EMPTY_MAP: [u8; 1] = [0xa0];

/// An item's head: its major type, and its argument in the shortest form.
pub(crate) fn head(major: u8, argument: u64) -> Vec<u8> {
    let digits = argument.to_be_bytes();
    let (info, len) = match argument {
        0..=23 => return vec![major << 5 | argument as u8],
        24..=0xff => (24, 1),
        0x100..=0xffff => (25, 2),
        0x1_0000..=0xffff_ffff => (26, 4),
        _ => (27, 8),
    };
    [&[major << 5 | info], &digits[8 - len..]].concat()
}

pub(crate) fn uint(value: u64) -> Vec<u8> {
    head(0, value)
}

pub(crate) fn bytes(value: &[u8]) -> Vec<u8> {
    [&head(2, value.len() as u64), value].concat()
}

pub(crate) fn text(value: &str) -> Vec<u8> {
    [&head(3, value.len() as u64), value.as_bytes()].concat()
}

pub(crate) fn array(items: &[Vec<u8>]) -> Vec<u8> {
    [head(4, items.len() as u64), items.concat()].concat()
}

/// `Sig_structure` of RFC 9052, section 4.4: the bytes that are signed.
pub(crate) fn sig_structure(protected: &[u8], aad: &[u8], payload: &[u8]) -> Vec<u8> {
    array(&[text("Signature1"), bytes(protected), bytes(aad), bytes(payload)])
}

pub(crate) fn signature(key: &SecretKey, message: &[u8]) -> [u8; 64] {
    SigningKey::from_bytes(&key.seed()).sign(message).to_bytes()
}

/// The four items of COSE_Sign1, with whatever protected header.
pub(crate) fn sign1_items(protected: &[u8], aad: &[u8], payload: &[u8], key: &SecretKey) -> [Vec<u8>; 4] {
    let signature = signature(key, &sig_structure(protected, aad, payload));
    [bytes(protected), EMPTY_MAP.to_vec(), bytes(payload), bytes(&signature)]
}

pub(crate) fn sign1(aad: &[u8], payload: &[u8], key: &SecretKey) -> Vec<u8> {
    array(&sign1_items(&PROTECTED, aad, payload, key))
}

/// One Zstandard frame that holds these bytes as they are (RFC 8878, section 3.1.1): every version of
/// every compressor agrees on it. At most 128 KiB.
pub(crate) fn stored_frame(raw: &[u8]) -> Vec<u8> {
    let len = raw.len() as u32;
    let single_segment_with_4_byte_size = 0xa0;
    let last_raw_block = (len << 3 | 1).to_le_bytes();
    [
        &[0x28, 0xb5, 0x2f, 0xfd, single_segment_with_4_byte_size],
        &len.to_le_bytes()[..],
        &last_raw_block[..3],
        raw,
    ]
    .concat()
}

/// The same in a format from before RFC 8878, which some builds of libzstd still read.
pub(crate) fn frame_of_0_7(raw: &[u8]) -> Vec<u8> {
    let len = raw.len() as u32;
    let raw_block = [0x40 | (len >> 16) as u8, (len >> 8) as u8, len as u8];
    let end = [0xc0, 0, 0];
    [&[0x27, 0xb5, 0x2f, 0xfd, 0xa0], &len.to_le_bytes()[..], &raw_block, raw, &end].concat()
}

/// A body and what its header says of it.
#[derive(Clone)]
pub(crate) struct Body {
    pub(crate) bytes: Vec<u8>,
    pub(crate) raw_len: usize,
}

impl Body {
    /// A body of these texts, stored without compression.
    pub(crate) fn of(texts: &[&str]) -> Self {
        let items: Vec<_> = texts.iter().map(|one| text(one)).collect();
        Self::of_raw(&array(&items))
    }

    pub(crate) fn of_raw(raw: &[u8]) -> Self {
        Self { bytes: stored_frame(raw), raw_len: raw.len() }
    }

    pub(crate) fn hash(&self) -> [u8; 32] {
        sha256(&[&self.bytes])
    }
}
