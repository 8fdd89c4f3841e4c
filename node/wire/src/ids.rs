//! The 32-byte names of things: nodes, logs, records, documents, meshes.
//!
//! Each is a type of its own, so that one can't be passed for another. As text they are
//! 64 lower-case hexadecimal digits; in CBOR, a byte string of 32 bytes.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};

/// SHA-256 over the parts, one after another.
pub fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part);
    }
    hash.finalize().into()
}

/// Text that is not 64 hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected 64 hexadecimal digits, found {found} characters that are not that")]
pub struct ParseIdError {
    found: usize,
}

fn parse_hex32(text: &str) -> Result<[u8; 32], ParseIdError> {
    let error = || ParseIdError { found: text.chars().count() };
    let digits = text.as_bytes();
    if digits.len() != 64 {
        return Err(error());
    }
    let mut bytes = [0; 32];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        let high = char::from(pair[0]).to_digit(16).ok_or_else(error)?;
        let low = char::from(pair[1]).to_digit(16).ok_or_else(error)?;
        *byte = (high * 16 + low) as u8;
    }
    Ok(bytes)
}

struct Bytes32Visitor;

impl serde::de::Visitor<'_> for Bytes32Visitor {
    type Value = [u8; 32];

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a byte string of 32 bytes")
    }

    fn visit_bytes<E: serde::de::Error>(self, bytes: &[u8]) -> Result<[u8; 32], E> {
        bytes.try_into().map_err(|_| E::invalid_length(bytes.len(), &self))
    }
}

macro_rules! id32 {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub [u8; 32]);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({self})", stringify!($name))
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;

            fn from_str(text: &str) -> Result<Self, ParseIdError> {
                parse_hex32(text).map(Self)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_bytes(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_bytes(Bytes32Visitor).map(Self)
            }
        }
    };
}

id32! {
    /// A node, which *is* its ed25519 public key.
    NodeId
}
id32! {
    /// A member's ed25519 root key, the public half.
    RootKey
}
id32! {
    /// A mesh: SHA-256 of its roster version 0.
    MeshId
}
id32! {
    /// A log: SHA-256 of its member, node key and audience, under a tag of its own.
    LogId
}
id32! {
    /// A record: SHA-256 of its signed bytes.
    RecordId
}
id32! {
    /// One version of a roster or manifest: SHA-256 of the document.
    DocumentId
}

impl NodeId {
    /// The first eight digits, for tables and log lines where the member stands beside it.
    pub fn short(&self) -> String {
        self.to_string()[..8].to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_back() {
        let id = RecordId(sha256(&[b"a", b"b"]));
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!(id, RecordId(sha256(&[b"ab"])));
    }

    #[test]
    fn other_text_is_refused() {
        for text in ["", "00", &"g".repeat(64), &"0".repeat(63), &"é".repeat(32)] {
            assert!(text.parse::<NodeId>().is_err(), "{text}");
        }
    }
}
