//! COSE_Sign1 (RFC 9052, section 4.2), the one signature envelope of the mesh.
//!
//! `[ bstr protected, {}, bstr payload, bstr signature ]`, untagged, EdDSA, with an external aad
//! that names what is signed, so that a record's signature can never pass as a roster's. The
//! unprotected map is empty: it is outside the signature, and a relay could otherwise mint ids.

use serde::{Deserialize, Serialize};
use serde_bytes::{ByteBuf, Bytes};

use crate::codec::{self, CodecFault};
use crate::key::{self, BadSignature, SecretKey};

/// The protected header `{1: -8}`: algorithm EdDSA (RFC 9053, section 2.2), encoded.
const PROTECTED: [u8; 3] = [0xa1, 0x01, 0x27];

/// The empty map, in the place of unprotected headers.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Empty {}

#[derive(Serialize, Deserialize)]
struct Envelope(ByteBuf, Empty, ByteBuf, ByteBuf);

/// A decoded envelope whose signature is still unchecked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sign1 {
    /// The exact payload bytes.
    pub(crate) payload: Vec<u8>,
    /// The signature over [`signature_input`].
    pub(crate) signature: [u8; 64],
}

impl Sign1 {
    /// Decodes untagged COSE_Sign1 of at most `limit` bytes.
    pub(crate) fn decode(bytes: &[u8], limit: usize) -> Result<Self, CodecFault> {
        if bytes.len() > limit {
            return Err(CodecFault::TooLong { len: bytes.len(), limit });
        }
        let Envelope(protected, _, payload, signature) = codec::decode(bytes, limit)?;
        if protected[..] != PROTECTED {
            return Err(CodecFault::Shape("the protected header is not {1: -8} (EdDSA)".into()));
        }
        let signature = signature[..]
            .try_into()
            .map_err(|_| CodecFault::Shape("the signature does not have 64 bytes".into()))?;
        Ok(Self { payload: payload.into_vec(), signature })
    }

    /// The envelope's bytes.
    pub(crate) fn encode(&self) -> Vec<u8> {
        codec::encode(&(
            Bytes::new(&PROTECTED),
            Empty {},
            Bytes::new(&self.payload),
            Bytes::new(&self.signature),
        ))
    }

    /// Signs `payload` under `aad`.
    pub(crate) fn sign(payload: Vec<u8>, aad: &[u8], key: &SecretKey) -> Self {
        let signature = key.sign(&signature_input(aad, &payload));
        Self { payload, signature }
    }

    /// Checks the signature of `key` over the payload under `aad`.
    pub(crate) fn verify(&self, aad: &[u8], key: &[u8; 32]) -> Result<(), BadSignature> {
        key::verify(key, &signature_input(aad, &self.payload), &self.signature)
    }
}

/// The bytes that are signed: `Sig_structure` (RFC 9052, section 4.4).
fn signature_input(aad: &[u8], payload: &[u8]) -> Vec<u8> {
    codec::encode(&("Signature1", Bytes::new(&PROTECTED), Bytes::new(aad), Bytes::new(payload)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_domain_is_part_of_the_signature() {
        let key = SecretKey::from_seed(&[1; 32]);
        let signed = Sign1::sign(b"payload".to_vec(), b"a record", &key);
        let bytes = signed.encode();
        let read = Sign1::decode(&bytes, 1024).unwrap();
        assert_eq!(read, signed);
        assert_eq!(read.verify(b"a record", &key.node_id().0), Ok(()));
        assert_eq!(read.verify(b"a roster", &key.node_id().0), Err(BadSignature));
    }

    #[test]
    fn a_relay_cannot_mint_ids() {
        let key = SecretKey::from_seed(&[1; 32]);
        let bytes = Sign1::sign(b"payload".to_vec(), b"", &key).encode();
        let at = bytes.iter().position(|b| *b == 0xa0).unwrap();
        let with_kid = [&bytes[..at], &[0xa1, 0x04, 0x41, 0x00], &bytes[at + 1..]].concat();
        let tagged = [&[0xd2], &bytes[..]].concat();
        for minted in [with_kid, tagged] {
            assert!(Sign1::decode(&minted, 1024).is_err());
        }
    }
}
