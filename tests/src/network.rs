//! The network that a mesh's nodes talk over, whose cables can be cut: real ones where this machine
//! allows it, relays elsewhere.

use crate::namespaces::Namespaces;
use crate::places::Place;
use crate::relays::Relays;

/// A network between nodes, which are counted from 0.
pub enum Network {
    /// Network namespaces: the kernel takes the cable out.
    Wired(Namespaces),
    /// Relays on the loopback interface: they lose every packet.
    Relayed(Relays),
}

impl Network {
    /// The best that this machine allows for so many nodes, and why not real cables, if it has none.
    ///
    /// # Errors
    /// Why it allows neither.
    pub fn lay(nodes: usize) -> Result<(Self, Option<String>), String> {
        match Namespaces::lay(nodes) {
            Ok(wired) => Ok((Self::Wired(wired), None)),
            Err(why) => Relays::lay(nodes).map(|relayed| (Self::Relayed(relayed), Some(why))),
        }
    }

    /// Where the nodes live.
    pub fn places(&self) -> Vec<Place> {
        match self {
            Self::Wired(wired) => wired.places(),
            Self::Relayed(relayed) => relayed.places(),
        }
    }

    /// Cuts a node off from all others.
    pub fn cut(&self, node: usize) {
        match self {
            Self::Wired(wired) => wired.cut(node),
            Self::Relayed(relayed) => relayed.cut(node),
        }
    }

    /// Joins it to them again.
    pub fn heal(&self, node: usize) {
        match self {
            Self::Wired(wired) => wired.heal(node),
            Self::Relayed(relayed) => relayed.heal(node),
        }
    }
}
