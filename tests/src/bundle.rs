//! Bundles made for a purpose: valid STIX whose exact text is unlike what any serialiser would
//! write, so that a byte that changes on its way is seen.

use std::path::{Path, PathBuf};

use crate::chance::Chance;

/// Names that a careless program spoils: of ASEAN's scripts, with escapes, beyond the basic plane.
const NAMES: [&str; 7] = [
    "Tấn công ngân hàng",
    "การโจมตีแบบฟิชชิง",
    "ការវាយប្រហារ",
    r"caf\u00e9 \ud83d\ude00 \/ \u0041",
    "emoji 😀 and a tab\\t",
    "မြန်မာ ລາວ",
    "plain",
];
/// Numbers that no f64 holds, and spellings of those that it does.
const NUMBERS: [&str; 6] = [
    "123456789012345678901234567890",
    "-0.0",
    "1.0e-400",
    "1E+2",
    "0.1000000000000000055511151231257827",
    "18446744073709551616",
];
/// What may stand between tokens (RFC 8259, section 2).
const GAPS: [&str; 5] = ["", " ", "\n\t", "\r\n    ", "  \t "];
/// Letters of noise; zstd can take no more than a quarter off it.
const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// STIX objects as exact texts, and the bundle that holds them.
#[derive(Debug, Clone)]
pub struct Bundle {
    /// Each object's text, in order.
    pub objects: Vec<String>,
    id: String,
}

impl Bundle {
    /// So many indicators, and relationships between them, in all sorts of spellings. Bundles of
    /// different seeds share no object.
    pub fn varied(seed: u64, count: usize) -> Self {
        let mut chance = Chance::seeded(seed);
        let id = uuid(&mut chance);
        let mut indicators: Vec<String> = Vec::new();
        let mut objects = Vec::new();
        for at in 0..count {
            let gap = GAPS[at % GAPS.len()];
            if at % 4 == 3 {
                let ends = [&indicators[at % indicators.len()], &indicators[indicators.len() - 1]];
                objects.push(relationship(&uuid(&mut chance), ends, gap));
            } else {
                indicators.push(uuid(&mut chance));
                objects.push(indicator(
                    &indicators[indicators.len() - 1],
                    &Self::host(seed, at),
                    at,
                    gap,
                    "",
                ));
            }
        }
        Self { objects, id }
    }

    /// So many indicators that each carry this many bytes which hardly compress.
    pub fn bulky(seed: u64, count: usize, noise: usize) -> Self {
        let mut chance = Chance::seeded(seed);
        let id = uuid(&mut chance);
        let object = |at| {
            let own = uuid(&mut chance);
            let noise: String =
                (0..noise).map(|_| char::from(LETTERS[(chance.next() % 64) as usize])).collect();
            indicator(&own, &Self::host(seed, at), at, "", &format!(r#","x_noise":"{noise}""#))
        };
        Self { objects: (0..count).map(object).collect(), id }
    }

    /// The domain that the indicator in this place of a seed's bundle speaks of. Places 3, 7, 11
    /// and so on hold relationships in a varied bundle.
    pub fn host(seed: u64, at: usize) -> String {
        format!("host-{at}.seed-{seed}.example")
    }

    /// The bundle as text, with more than one space between some of its tokens.
    pub fn text(&self) -> String {
        format!(
            "{{\"type\" : \"bundle\",\n  \"id\": \"bundle--{}\",\r\n  \"objects\": [\n{}\n\t] }}\n",
            self.id,
            self.objects.join(" ,\n\t")
        )
    }

    /// Writes the bundle to a file in this folder.
    pub fn write(&self, folder: &Path) -> PathBuf {
        let path = folder.join(format!("{}.json", self.id));
        std::fs::write(&path, self.text()).expect("a temporary folder can be written");
        path
    }

    /// The objects as `--json` shows them, sorted.
    pub fn on_lines(&self) -> Vec<String> {
        let mut lines: Vec<_> = self.objects.iter().map(|text| on_one_line(text)).collect();
        lines.sort();
        lines
    }
}

/// An object as `--json` shows it: line breaks between tokens are spaces there.
pub fn on_one_line(text: &str) -> String {
    text.replace(['\r', '\n'], " ")
}

fn indicator(uuid: &str, host: &str, at: usize, gap: &str, more: &str) -> String {
    let (name, number) = (NAMES[at % NAMES.len()], NUMBERS[at % NUMBERS.len()]);
    let micros = at % 1_000_000;
    let created = format!("2026-02-03T04:05:06.{micros:06}Z");
    [
        format!(r#"{{{gap}"pattern_type":{gap}"stix""#),
        format!(r#""x_number"{gap}:{number}"#),
        format!(r#""name":{gap}"{name}""#),
        r#""type":"indicator""#.to_owned(),
        format!(r#""spec_version":"2.1",{gap}"id":"indicator--{uuid}""#),
        format!(r#""created":"{created}","modified":"{created}""#),
        format!(r#""pattern"{gap}:{gap}"[domain-name:value = '{host}']""#),
        format!(
            r#""valid_from":"2026-02-03T04:05:06.1Z","x_deep":{{"b":[1,{gap}2.50],"a":null}}{more}{gap}}}"#
        ),
    ]
    .join(&format!("{gap},"))
}

fn relationship(uuid: &str, [source, target]: [&String; 2], gap: &str) -> String {
    format!(
        "{{\"type\":\"relationship\",{gap}\"spec_version\":\"2.1\",\"id\":\"relationship--{uuid}\",\
         \"created\":\"2026-02-03T04:05:06.654321Z\",{gap}\"modified\":\"2026-02-03T04:05:06.654321Z\",\
         \"relationship_type\":{gap}\"related-to\",\"source_ref\":\"indicator--{source}\",\
         \"target_ref\":\"indicator--{target}\"{gap}}}"
    )
}

/// A version 4 UUID (RFC 9562, section 5.4).
fn uuid(chance: &mut Chance) -> String {
    let (a, b) = (chance.next(), chance.next());
    format!(
        "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
        a >> 32,
        a >> 16 & 0xffff,
        a & 0xfff,
        b >> 48 & 0x3fff | 0x8000,
        b & 0xffff_ffff_ffff
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bundles_are_json_and_seeds_differ() {
        let (a, b) = (Bundle::varied(1, 400), Bundle::varied(2, 400));
        for object in &a.objects {
            serde_json::from_str::<&serde_json::value::RawValue>(object).unwrap();
            assert!(!b.objects.contains(object));
        }
        assert_eq!(a.objects, Bundle::varied(1, 400).objects);
        serde_json::from_str::<&serde_json::value::RawValue>(&a.text()).unwrap();
    }
}
