//! Indicators like those of real feeds: about six hundred bytes each, of the kinds of values that
//! feeds hold, with the properties that their producers write.

use serde_json::json;

/// The TLP:GREEN marking (TLP 2.0).
const GREEN: &str = "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb";
/// A producer that is no member: an object of a member's own could only come from its nodes.
const PRODUCER: &str = "identity--6b3f2c5e-8d41-4f7a-9b60-2f1c7d9e5a34";
const FAMILIES: [&str; 6] = ["Emotet", "Qakbot", "AsyncRAT", "Cobalt Strike", "RedLine", "PlugX"];

/// The indicator in this place of a feed: always the same one, and no other's.
pub(crate) fn indicator(feed: u64, at: u64) -> String {
    let noise = noise(feed, at);
    let family = FAMILIES[(noise[0] % 6) as usize];
    let created = format!("2026-0{}-1{}T0{}:2{}:05.{:03}Z", at % 9 + 1, at % 8, at % 10, at % 9, at % 1_000);
    json!({
        "type": "indicator",
        "spec_version": "2.1",
        "id": id(feed, at),
        "created_by_ref": PRODUCER,
        "created": created,
        "modified": created,
        "name": format!("{family} indicator {feed}-{at}"),
        "description": format!("Seen in a {family} campaign against banks."),
        "indicator_types": ["malicious-activity"],
        "pattern": pattern(feed, at, noise),
        "pattern_type": "stix",
        "valid_from": created,
        "labels": [family.to_lowercase(), "asean"],
        "confidence": 50 + at % 50,
        "object_marking_refs": [GREEN],
    })
    .to_string()
}

/// The id of the indicator in this place of a feed.
pub(crate) fn id(feed: u64, at: u64) -> String {
    format!("indicator--{}", uuid(noise(feed, at)))
}

fn noise(feed: u64, at: u64) -> [u64; 2] {
    [mix(feed << 32 ^ at), mix(mix(feed) ^ at)]
}

/// The value that the indicator in this place of a feed looks for.
pub(crate) fn value(feed: u64, at: u64) -> String {
    let pattern = pattern(feed, at, noise(feed, at));
    pattern.split('\'').rev().nth(1).unwrap_or_default().to_owned()
}

/// What it looks for: addresses, names, URLs and hashes by turns. The addresses lie where no private network does.
fn pattern(feed: u64, at: u64, noise: [u64; 2]) -> String {
    let [a, b, c, d, ..] = noise[0].to_be_bytes();
    let host = format!("c{at}.f{feed}-{:06x}.example", noise[1] & 0xff_ffff);
    match at % 4 {
        0 => format!("[ipv4-addr:value = '{}.{b}.{c}.{d}']", a % 89 + 11),
        1 => format!("[domain-name:value = '{host}']"),
        2 => format!("[url:value = 'https://{host}/gate/{:x}.php']", noise[0] & 0xffff),
        _ => {
            let hash = [noise, noise.map(mix)].concat();
            let hex: String = hash.iter().map(|part| format!("{part:016x}")).collect();
            format!("[file:hashes.'SHA-256' = '{hex}']")
        }
    }
}

/// SplitMix64's finish: as good as random, and the same everywhere.
fn mix(seed: u64) -> u64 {
    let z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A version 4 UUID (RFC 9562, section 5.4).
fn uuid([a, b]: [u64; 2]) -> String {
    let (first, second, third) = (a >> 32, a >> 16 & 0xffff, a & 0xfff);
    let (fourth, fifth) = (b >> 48 & 0x3fff | 0x8000, b & 0xffff_ffff_ffff);
    format!("{first:08x}-{second:04x}-4{third:03x}-{fourth:04x}-{fifth:012x}")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn indicators_are_valid_and_differ() {
        let texts: BTreeSet<_> =
            (0..4).flat_map(|feed| (0..500).map(move |at| indicator(feed, at))).collect();
        assert_eq!(texts.len(), 2_000);
        let texts: Vec<_> = texts.iter().map(String::as_str).collect();
        certmesh_intel::validate::validate_all(&texts).unwrap();
        let mean = texts.iter().map(|text| text.len()).sum::<usize>() / texts.len();
        assert!((550..700).contains(&mean), "{mean} bytes each");
    }
}
