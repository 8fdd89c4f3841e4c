//! Which of a list's values are wanted.

use certmesh_api::FeedParams;
use certmesh_intel::Tlp;
use clap::Args;

use crate::time::{self, AgeOrTime};

#[derive(Args)]
pub(super) struct Wanted {
    /// The strictest marking that the list may hold
    #[arg(long, value_name = "LEVEL", default_value_t = super::CEILING)]
    ceiling: Tlp,
    /// These kinds of values only: ipv4-addr, domain-name, file-sha256 and so on
    #[arg(long = "type", value_name = "KIND", value_delimiter = ',')]
    kinds: Vec<String>,
    /// Reported by these members only
    #[arg(long, value_name = "MEMBER", value_delimiter = ',')]
    member: Vec<String>,
    /// With one of these labels only
    #[arg(long, value_delimiter = ',')]
    label: Vec<String>,
    /// At least this sure, 0 to 100
    #[arg(long, value_name = "N", value_parser = crate::commands::publish::confidence)]
    confidence: Option<u8>,
    /// Reported since then: an age back, or a time
    #[arg(long, value_name = "AGE|TIME")]
    since: Option<AgeOrTime>,
    /// At most so many, the surest first: for firewalls that stop reading somewhere
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    limit: Option<u64>,
    /// Which so many
    #[arg(long, value_name = "N", requires = "limit", value_parser = clap::value_parser!(u64).range(1..))]
    page: Option<u64>,
    /// Go ahead although the mesh is an exercise, whose data is none for live tools
    #[arg(long)]
    exercise: bool,
}

impl Wanted {
    pub(super) fn params(&self) -> FeedParams {
        let listed = |items: &[String]| (!items.is_empty()).then(|| items.join(","));
        FeedParams {
            ceiling: Some(self.ceiling.to_string()),
            kinds: listed(&self.kinds),
            member: listed(&self.member),
            label: listed(&self.label),
            confidence: self.confidence,
            since: self.since.and_then(|since| time::rfc3339(since.ago_ms())),
            limit: self.limit,
            page: self.page,
            exercise: self.exercise.then_some(true),
        }
    }
}
