//! Records in a file that anyone can check without a node: manifests first, then parcels.
//!
//! A CBOR sequence (RFC 8742): one array of manifests, each a byte string, then one parcel after
//! another. With the mesh's roster, which the reader must already trust, that is all it takes to
//! check every signature.

use serde_bytes::ByteBuf;

use crate::codec::{self, CodecFault};
use crate::limits::{MANIFEST_BYTES, MEMBERS, PARCEL_BYTES};
use crate::manifest::{ManifestFault, SignedManifest};
use crate::parcel::Parcel;

/// Why a file is no export.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExportFault {
    /// An item at this offset can't be decoded.
    #[error("at byte {at}: {fault}")]
    Item {
        /// Offset in the file.
        at: usize,
        /// What is wrong there.
        fault: CodecFault,
    },
    /// One of the manifests at the beginning can't be decoded.
    #[error("manifest {position}: {fault}")]
    Manifest {
        /// From 1.
        position: usize,
        /// What is wrong with it.
        fault: ManifestFault,
    },
}

/// Writes the items of an export.
pub struct ExportWriter;

impl ExportWriter {
    /// The first item.
    pub fn manifests<'a>(manifests: impl IntoIterator<Item = &'a SignedManifest>) -> Vec<u8> {
        let manifests: Vec<_> = manifests.into_iter().map(|signed| ByteBuf::from(signed.encode())).collect();
        codec::encode(&manifests)
    }

    /// Every further item.
    pub fn parcel(parcel: &Parcel) -> Vec<u8> {
        parcel.encode()
    }
}

/// Reads an export, item by item.
pub struct Export<'a> {
    bytes: &'a [u8],
    at: usize,
    manifests: Vec<SignedManifest>,
}

impl<'a> Export<'a> {
    /// Reads the manifests; the parcels follow from the iterator.
    pub fn open(bytes: &'a [u8]) -> Result<Self, ExportFault> {
        let limit = MEMBERS * (MANIFEST_BYTES + 8);
        let (encoded, at): (Vec<ByteBuf>, _) =
            codec::decode_prefix(bytes, limit).map_err(|fault| ExportFault::Item { at: 0, fault })?;
        let decode = |(at, bytes): (usize, &ByteBuf)| {
            SignedManifest::decode(bytes).map_err(|fault| ExportFault::Manifest { position: at + 1, fault })
        };
        let manifests = encoded.iter().enumerate().map(decode).collect::<Result<_, _>>()?;
        Ok(Self { bytes, at, manifests })
    }

    /// The manifests, still to be verified against a roster.
    pub fn manifests(&self) -> &[SignedManifest] {
        &self.manifests
    }
}

impl Iterator for Export<'_> {
    type Item = Result<Parcel, ExportFault>;

    fn next(&mut self) -> Option<Self::Item> {
        let rest = &self.bytes[self.at..];
        if rest.is_empty() {
            return None;
        }
        let at = self.at;
        let item = codec::decode_prefix::<Parcel>(rest, PARCEL_BYTES)
            .and_then(|(parcel, len)| Ok((parcel.checked()?, len)));
        match item {
            Ok((parcel, len)) => {
                self.at += len;
                Some(Ok(parcel))
            }
            Err(fault) => {
                self.at = self.bytes.len();
                Some(Err(ExportFault::Item { at, fault }))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_follow_each_other_and_a_torn_end_is_named() {
        let parcels = [Parcel::new(vec![1], None), Parcel::new(vec![2], Some(vec![3]))];
        let mut file = ExportWriter::manifests([]);
        parcels.iter().for_each(|parcel| file.extend(ExportWriter::parcel(parcel)));
        let read: Result<Vec<_>, _> = Export::open(&file).unwrap().collect();
        assert_eq!(read.as_deref(), Ok(&parcels[..]));
        let torn: Vec<_> = Export::open(&file[..file.len() - 1]).unwrap().collect();
        assert_eq!(torn.len(), 2);
        assert!(matches!(torn[1], Err(ExportFault::Item { .. })));
    }
}
