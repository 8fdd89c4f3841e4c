//! The allowance that the roster gives each log: so many records and bytes in all its life. It stops
//! every node at the same seq, so operators hear of it long before.

use certmesh_wire::{MemberCode, Record, RosterLimits};

use crate::layout::{self, LogState};
use crate::membership::Membership;
use crate::store::{Store, StoreError};

/// Percent of an allowance from which on it is worth an alarm.
const ALARM_PERCENT: u64 = 80;

/// A log that has used much of its allowance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Used {
    /// Whose log.
    pub member: MemberCode,
    /// How much of its allowance, of records or of bytes, is used.
    pub percent: u64,
}

/// The logs that will soon be full.
pub fn nearly_used_up(store: &dyn Store, membership: &Membership) -> Result<Vec<Used>, StoreError> {
    let limits = membership.roster().limits;
    let mut found = Vec::new();
    for (log, state) in layout::read_logs(store)? {
        let percent = percent(&state, limits);
        if let Some(opening) = membership.log(log).filter(|_| percent >= ALARM_PERCENT)
            && membership.roster().member(opening.member).is_some()
        {
            found.push(Used { member: opening.member, percent });
        }
    }
    Ok(found)
}

fn percent(state: &LogState, limits: RosterLimits) -> u64 {
    let share = |used: u64, of: u64| u128::from(used) * 100 / u128::from(of.max(1));
    let most = share(state.next, limits.log_records).max(share(state.bytes, limits.log_bytes));
    u64::try_from(most).unwrap_or(u64::MAX)
}

/// What a record takes of its log's allowance. What a body takes once it is read counts too: a
/// thousandfold of what travels, at worst.
pub(crate) fn bytes_of(record: &Record) -> u64 {
    let body = record.header().body.map_or(0, |body| u64::from(body.len) + u64::from(body.raw_len));
    record.signed().len() as u64 + body
}

/// Whether a log may be like this.
pub(crate) fn allows(limits: RosterLimits, state: &LogState) -> bool {
    state.next <= limits.log_records && state.bytes <= limits.log_bytes
}
