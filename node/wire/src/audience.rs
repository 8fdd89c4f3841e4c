//! Members by their code, and the audience of a log: who may hold it.

use std::fmt;
use std::str::FromStr;

use serde::de::{Error as _, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::limits::AUDIENCE_MEMBERS;

/// Text that is no member code.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a member code is two letters of ISO 3166, such as SG")]
pub struct CodeFault;

/// A member: the ISO 3166 alpha-2 code of its state, two upper-case ASCII letters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MemberCode([u8; 2]);

impl MemberCode {
    /// The lowest of all, where ranges of them begin.
    pub const FIRST: Self = Self(*b"AA");

    /// The two letters.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("two ASCII letters")
    }

    /// The two letters as bytes, for keys in a store.
    pub fn bytes(&self) -> [u8; 2] {
        self.0
    }
}

impl FromStr for MemberCode {
    type Err = CodeFault;

    fn from_str(text: &str) -> Result<Self, CodeFault> {
        match *text.as_bytes() {
            [a, b] if a.is_ascii_uppercase() && b.is_ascii_uppercase() => Ok(Self([a, b])),
            _ => Err(CodeFault),
        }
    }
}

impl fmt::Display for MemberCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for MemberCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for MemberCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for MemberCode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct CodeVisitor;
        impl Visitor<'_> for CodeVisitor {
            type Value = MemberCode;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a member code")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<MemberCode, E> {
                text.parse().map_err(E::custom)
            }
        }
        deserializer.deserialize_str(CodeVisitor)
    }
}

/// Who may hold a log. In CBOR: the text `all`, or an array of member codes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Audience {
    /// Every member of the mesh.
    All,
    /// These members: at least one, sorted, each once.
    Members(Vec<MemberCode>),
}

impl Audience {
    /// An audience of these members, in any order; at least one.
    pub fn of(members: impl IntoIterator<Item = MemberCode>) -> Option<Self> {
        let mut members: Vec<_> = members.into_iter().collect();
        members.sort_unstable();
        members.dedup();
        (!members.is_empty() && members.len() <= AUDIENCE_MEMBERS).then_some(Self::Members(members))
    }

    /// Whether this member may hold the log.
    pub fn includes(&self, member: MemberCode) -> bool {
        match self {
            Self::All => true,
            Self::Members(members) => members.binary_search(&member).is_ok(),
        }
    }
}

impl Serialize for Audience {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::All => serializer.serialize_str("all"),
            Self::Members(members) => members.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Audience {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AudienceVisitor;
        impl<'de> Visitor<'de> for AudienceVisitor {
            type Value = Audience;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the text \"all\" or an array of member codes")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Audience, E> {
                if text == "all" { Ok(Audience::All) } else { Err(E::custom("not \"all\"")) }
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Audience, A::Error> {
                let mut members: Vec<MemberCode> = Vec::new();
                while let Some(member) = seq.next_element()? {
                    if members.last().is_some_and(|last| *last >= member) {
                        return Err(A::Error::custom("member codes out of order"));
                    }
                    if members.len() == AUDIENCE_MEMBERS {
                        return Err(A::Error::custom("too many member codes"));
                    }
                    members.push(member);
                }
                if members.is_empty() {
                    return Err(A::Error::custom("an audience of nobody"));
                }
                Ok(Audience::Members(members))
            }
        }
        deserializer.deserialize_any(AudienceVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec;

    fn code(text: &str) -> MemberCode {
        text.parse().unwrap()
    }

    #[test]
    fn one_encoding_each() {
        assert_eq!(codec::encode(&Audience::All), b"\x63all");
        let two = Audience::of([code("SG"), code("MY"), code("SG")]).unwrap();
        assert_eq!(codec::encode(&two), b"\x82\x62MY\x62SG");
        assert_eq!(codec::decode::<Audience>(b"\x82\x62MY\x62SG", 64), Ok(two));
        for bad in [&b"\x63any"[..], b"\x80", b"\x82\x62SG\x62MY", b"\x82\x62SG\x62SG", b"\x81\x62sg"] {
            assert!(codec::decode::<Audience>(bad, 64).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn includes() {
        assert!(Audience::All.includes(code("VN")));
        let two = Audience::of([code("SG"), code("MY")]).unwrap();
        assert!(two.includes(code("MY")) && !two.includes(code("VN")));
        assert_eq!(Audience::of([]), None);
    }
}
