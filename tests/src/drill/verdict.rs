//! What a drill finds: claims that held or did not, and figures beside them.

use std::fmt;

use certmesh_wire::LogId;

use super::story::count;
use crate::holdings::{Holdings, agree, agree_beside};
use crate::node::Node;
use crate::patience::{PATIENCE, eventually_within};
use crate::publishers::Acknowledged;

/// The end of a drill.
#[derive(Debug, Default, Clone)]
pub struct Verdict {
    lines: Vec<(Option<bool>, String)>,
}

impl Verdict {
    /// Whether all that was claimed held; never, if nothing was.
    pub fn held(&self) -> bool {
        let mut claims = self.lines.iter().filter_map(|(held, _)| *held).peekable();
        claims.peek().is_some() && claims.all(|held| held)
    }

    /// Claims something that held or did not.
    pub(super) fn claim(&mut self, held: bool, words: impl fmt::Display) {
        self.lines.push((Some(held), words.to_string()));
    }

    /// Adds a figure, which says nothing of right and wrong.
    pub(super) fn figure(&mut self, words: impl fmt::Display) {
        self.lines.push((None, words.to_string()));
    }

    /// Waits until these nodes hold the same records, and claims that they do, and that all that was
    /// acknowledged is among them, if anything was.
    pub(super) fn claim_agreement(&mut self, nodes: &[&Node], acknowledged: &[Acknowledged]) -> Holdings {
        let holdings = eventually_within(PATIENCE * 2, "equal frontiers on all nodes", || {
            let counts: Vec<_> = nodes.iter().map(|node| node.holds()).collect();
            let equal = counts.windows(2).all(|pair| pair[0] == pair[1]);
            if equal { agree(nodes) } else { Err(format!("(records, objects) {counts:?}")) }
        });
        let records = count(holdings.records.len(), "record");
        self.claim(true, format!("all {} nodes hold the same {records}", nodes.len()));
        if !acknowledged.is_empty() {
            let lost = holdings.lacks(acknowledged.iter().map(|one| &one.record));
            let all = count(acknowledged.len(), "acknowledged publication");
            self.claim(lost == 0, format_args!("of {all}, {lost} are lost"));
        }
        holdings
    }

    /// Waits until these nodes hold the same of every log but this one, and claims that they do.
    pub(super) fn claim_agreement_beside(&mut self, nodes: &[&Node], log: LogId) {
        let agreed = || agree_beside(nodes, Some(log));
        let holdings = eventually_within(PATIENCE * 2, "equal frontiers of the others' logs", agreed);
        let records = count(holdings.records.len(), "record");
        self.claim(true, format_args!("all {} nodes hold the same {records} of each other's", nodes.len()));
    }

    /// Claims that no node knows of a log with two histories.
    pub(super) fn claim_no_fork(&mut self, nodes: &[&Node]) {
        let forked = nodes.iter().filter(|node| !node.forks().is_empty()).count();
        self.claim(forked == 0, "no key has signed two histories");
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (held, words) in &self.lines {
            let mark = match held {
                Some(true) => "held  ",
                Some(false) => "FAILED",
                None => "      ",
            };
            writeln!(f, "{mark}  {words}")?;
        }
        f.write_str(if self.held() { "the mesh held" } else { "the mesh did NOT hold" })
    }
}
