//! Where the nodes of a mesh live: what `scripts/mesh up --places` reads.

use serde::Serialize;

/// One node's place.
#[derive(Debug, Clone, Serialize)]
pub struct Place {
    /// The multiaddrs that it listens on.
    pub listen: Vec<String>,
    /// Those at which the others dial it: other ones, if something stands between.
    pub advertise: Vec<String>,
    /// The network namespace that it runs in; this process's own if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub netns: Option<String>,
}
