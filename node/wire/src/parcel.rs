//! A record together with its body: what gossip, sync and exports carry.

use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use crate::codec::{self, CodecFault};
use crate::limits::{BODY_BYTES, PARCEL_BYTES, SIGNED_BYTES};

/// A record's exact bytes and, if it travels along, its body's.
///
/// In CBOR: `[ bstr record, bstr body / null ]`. Nothing in it is checked but its shape and size.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parcel(ByteBuf, Option<ByteBuf>);

impl Parcel {
    /// Puts a record's signed bytes and its body together.
    pub fn new(record: Vec<u8>, body: Option<Vec<u8>>) -> Self {
        Self(ByteBuf::from(record), body.map(ByteBuf::from))
    }

    /// The record's signed bytes.
    pub fn record(&self) -> &[u8] {
        &self.0
    }

    /// The body's bytes, if they are here.
    pub fn body(&self) -> Option<&[u8]> {
        self.1.as_ref().map(|body| &body[..])
    }

    /// Takes the record's bytes and the body's.
    pub fn into_parts(self) -> (Vec<u8>, Option<Vec<u8>>) {
        (self.0.into_vec(), self.1.map(ByteBuf::into_vec))
    }

    /// The bytes to send.
    pub fn encode(&self) -> Vec<u8> {
        codec::encode(self)
    }

    /// Decodes one parcel of at most [`PARCEL_BYTES`].
    pub fn decode(bytes: &[u8]) -> Result<Self, CodecFault> {
        if bytes.len() > PARCEL_BYTES {
            return Err(CodecFault::TooLong { len: bytes.len(), limit: PARCEL_BYTES });
        }
        codec::decode::<Self>(bytes, PARCEL_BYTES)?.checked()
    }

    /// The parcel, if both its parts are within their limits.
    pub(crate) fn checked(self) -> Result<Self, CodecFault> {
        let parts = [(self.0.len(), SIGNED_BYTES), (self.body().map_or(0, <[u8]>::len), BODY_BYTES)];
        match parts.into_iter().find(|(len, limit)| len > limit) {
            Some((len, limit)) => Err(CodecFault::TooLong { len, limit }),
            None => Ok(self),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trip_and_limits() {
        for body in [None, Some(vec![1, 2, 3])] {
            let parcel = Parcel::new(vec![9; 100], body);
            assert_eq!(Parcel::decode(&parcel.encode()), Ok(parcel));
        }
        let long = Parcel::new(vec![0; SIGNED_BYTES + 1], None);
        assert!(matches!(Parcel::decode(&long.encode()), Err(CodecFault::TooLong { .. })));
        let long = Parcel::new(vec![0], Some(vec![0; BODY_BYTES + 1]));
        assert!(matches!(Parcel::decode(&long.encode()), Err(CodecFault::TooLong { .. })));
    }
}
