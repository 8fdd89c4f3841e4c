//! TLP 2.0, the order in which intelligence may be shared, and its standard STIX marking definitions.
//!
//! Markings are matched by whole ids: wrong variants of real ids circulate.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// How far something may be shared, from everyone to the named recipients only; a greater value is stricter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "&'static str", try_from = "String")]
#[repr(u8)]
pub enum Tlp {
    /// Everyone.
    Clear = 0,
    /// The community.
    Green = 1,
    /// The recipients' organisations and their clients. What is unmarked counts as this.
    Amber = 2,
    /// The recipients' organisations only.
    AmberStrict = 3,
    /// The recipients only.
    Red = 4,
}

/// A text or number that names no TLP level.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown TLP {0:?}; it is one of clear (once white), green, amber, amber+strict, red")]
pub struct UnknownTlp(String);

/// A level's word, its TLP 2.0 marking id, and the marking object as OASIS publishes it.
struct Level {
    word: &'static str,
    marking_id: &'static str,
    marking_definition: &'static str,
}

macro_rules! level {
    ($word:literal, $name:literal, $uuid:literal) => {
        Level {
            word: $word,
            marking_id: concat!("marking-definition--", $uuid),
            marking_definition: concat!(
                r#"{"type":"marking-definition","spec_version":"2.1","id":"marking-definition--"#,
                $uuid,
                r#"","created":"2022-10-01T00:00:00.000Z","name":""#,
                $name,
                r#"","extensions":{"extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d":"#,
                r#"{"extension_type":"property-extension","tlp_2_0":""#,
                $word,
                r#""}}}"#
            ),
        }
    };
}

static LEVELS: [Level; 5] = [
    level!("clear", "TLP:CLEAR", "94868c89-83c2-464b-929b-a1a8aa3c8487"),
    level!("green", "TLP:GREEN", "bab4a63c-aed9-4cf5-a766-dfca5abac2bb"),
    level!("amber", "TLP:AMBER", "55d920b0-5e8b-4f79-9ee9-91f868d9b421"),
    level!("amber+strict", "TLP:AMBER+STRICT", "939a9414-2ddd-4d32-a0cd-375ea402b003"),
    level!("red", "TLP:RED", "e828b379-4e03-4974-9ac4-e53a884c97c1"),
];

/// Ids that are understood but never written: TLP 1 (STIX 2.1, section 7.2.1.4), and OpenCTI's own amber+strict.
const ELSEWHERE: [(&str, Tlp); 5] = [
    ("marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9", Tlp::Clear),
    ("marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da", Tlp::Green),
    ("marking-definition--f88d31f6-486f-44da-b317-01333bde0b82", Tlp::Amber),
    ("marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed", Tlp::Red),
    ("marking-definition--826578e1-40ad-459f-bc73-ede076f81f37", Tlp::AmberStrict),
];

impl Tlp {
    /// Every level, from the freest to the strictest.
    pub const ALL: [Tlp; 5] = [Tlp::Clear, Tlp::Green, Tlp::Amber, Tlp::AmberStrict, Tlp::Red];

    /// The level that a marking definition's whole id stands for: TLP 2.0, TLP 1 or OpenCTI's amber+strict.
    /// UUIDs are the same in either case (RFC 9562, section 4), so that no spelling hides a marking.
    #[must_use]
    pub fn from_marking_id(id: &str) -> Option<Tlp> {
        let standard = Self::ALL.into_iter().find(|tlp| tlp.marking_id().eq_ignore_ascii_case(id));
        standard.or_else(|| {
            ELSEWHERE.iter().find(|(theirs, _)| theirs.eq_ignore_ascii_case(id)).map(|(_, tlp)| *tlp)
        })
    }

    /// The id of the TLP 2.0 marking definition.
    #[must_use]
    pub fn marking_id(self) -> &'static str {
        self.level().marking_id
    }

    /// The TLP 2.0 marking definition itself, as JSON.
    #[must_use]
    pub fn marking_definition(self) -> &'static str {
        self.level().marking_definition
    }

    /// The word as people type it: `clear`, `green`, `amber`, `amber+strict`, `red`.
    #[must_use]
    pub fn word(self) -> &'static str {
        self.level().word
    }

    fn level(self) -> &'static Level {
        &LEVELS[self as usize]
    }
}

impl fmt::Display for Tlp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

impl FromStr for Tlp {
    type Err = UnknownTlp;

    /// Accepts any case, and a leading `TLP:`.
    fn from_str(text: &str) -> Result<Self, UnknownTlp> {
        let lower = text.trim().to_ascii_lowercase();
        let word = lower.strip_prefix("tlp:").unwrap_or(&lower);
        let named = Self::ALL.into_iter().find(|tlp| tlp.word() == word);
        named.ok_or_else(|| UnknownTlp(crate::display::safe(text, 40)))
    }
}

impl TryFrom<u8> for Tlp {
    type Error = UnknownTlp;

    fn try_from(number: u8) -> Result<Self, UnknownTlp> {
        let level = Self::ALL.get(usize::from(number)).copied();
        level.ok_or_else(|| UnknownTlp(number.to_string()))
    }
}

impl TryFrom<String> for Tlp {
    type Error = UnknownTlp;

    fn try_from(text: String) -> Result<Self, UnknownTlp> {
        text.parse()
    }
}

impl From<Tlp> for &'static str {
    fn from(tlp: Tlp) -> Self {
        tlp.word()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::Tlp;

    #[test]
    fn every_level_survives_every_form() {
        for (number, tlp) in Tlp::ALL.into_iter().enumerate() {
            assert_eq!(tlp as usize, number);
            assert_eq!(Tlp::try_from(number as u8).unwrap(), tlp);
            assert_eq!(tlp.to_string().parse::<Tlp>().unwrap(), tlp);
            assert_eq!(Tlp::from_marking_id(tlp.marking_id()), Some(tlp));
            let json = serde_json::to_string(&tlp).unwrap();
            assert_eq!(serde_json::from_str::<Tlp>(&json).unwrap(), tlp);
            let marking: serde_json::Value = serde_json::from_str(tlp.marking_definition()).unwrap();
            assert_eq!(marking["id"], tlp.marking_id());
            let extension =
                &marking["extensions"]["extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d"];
            assert_eq!(extension["tlp_2_0"], tlp.word());
        }
        assert!(Tlp::try_from(5).is_err());
    }

    #[test]
    fn reads_what_people_type() {
        for (text, tlp) in [
            ("TLP:AMBER", Some(Tlp::Amber)),
            ("tlp:Amber+Strict", Some(Tlp::AmberStrict)),
            (" Red ", Some(Tlp::Red)),
            ("white", None),
            ("", None),
        ] {
            assert_eq!(text.parse().ok(), tlp, "{text}");
        }
    }

    #[test]
    fn matches_whole_ids_only() {
        let id = |uuid: &str| Tlp::from_marking_id(&format!("marking-definition--{uuid}"));
        assert_eq!(id("613f2e26-407d-48c7-9eca-b8e91df99dc9"), Some(Tlp::Clear));
        assert_eq!(id("826578e1-40ad-459f-bc73-ede076f81f37"), Some(Tlp::AmberStrict));
        assert_eq!(id("939a9414-2ddd-4d32-a0cd-375ea402b004"), None);
        assert_eq!(id("939a9414"), None);
    }
}
