//! The mesh as it stands, for whoever needs it while documents change it: the driver sets it, once what
//! changed is durable, and the others take a copy for each thing that they do.

use std::collections::BTreeSet;
use std::sync::Arc;

use certmesh_engine::Membership;
use certmesh_wire::MemberCode;
use tokio::sync::watch;

/// The driver's end.
pub(crate) type SetStanding = watch::Sender<Arc<Membership>>;

/// Everyone else's end.
#[derive(Debug, Clone)]
pub(crate) struct Standing(watch::Receiver<Arc<Membership>>);

impl Standing {
    /// Both ends.
    pub(crate) fn new(membership: Arc<Membership>) -> (SetStanding, Self) {
        let (set, standing) = watch::channel(membership);
        (set, Self(standing))
    }

    /// Every member whose objects there may be: also those who have left.
    pub(crate) fn members(&self) -> BTreeSet<MemberCode> {
        let membership = self.now();
        let present = membership.roster().members.iter().map(|member| member.code);
        present.chain(membership.nodes().map(|(_, node)| node.member)).collect()
    }

    /// The mesh at this moment.
    pub(crate) fn now(&self) -> Arc<Membership> {
        Arc::clone(&self.0.borrow())
    }
}
