//! `certmesh node request`: a node asks to be on its member's manifest.

use std::path::PathBuf;

use certmesh_wire::{Consent, MemberCode, MeshId};
use clap::Args;

use crate::commands::key;
use crate::error::CommandError;
use crate::passphrase::PassphraseSource;
use crate::request::{NodeRequest, check_addresses};
use crate::session::{Session, talk};

/// Prints a node's request to be on its member's manifest (offline, on the node)
///
/// It holds the node's public key, its addresses, and its signature that it agrees to be this member's. Bring it to the
/// holder of the member's root key, for `certmesh manifest new --node` or `manifest next --add`.
#[derive(Args)]
#[command(after_help = "Example:
  certmesh node request node.key --mesh MESHID --member SG \\
      --address /dns4/mesh.cert.example/udp/7400/quic-v1 --address /dns4/mesh.cert.example/tcp/7400 > node-request.toml")]
pub(crate) struct Request {
    /// The node's secret key
    key: PathBuf,
    /// The mesh id, in hex
    #[arg(long, value_name = "HEX")]
    mesh: MeshId,
    /// Whose node it is to be
    #[arg(long, value_name = "CODE")]
    member: MemberCode,
    /// Where the node can be reached
    #[arg(long, value_name = "ADDRESS", required = true)]
    address: Vec<String>,
    #[command(flatten)]
    passphrase: PassphraseSource,
}

impl Request {
    pub(crate) fn run(self, session: &mut Session) -> Result<(), CommandError> {
        check_addresses(&self.address)?;
        let key = key::read(&self.key, &self.passphrase)?;
        let request = NodeRequest {
            mesh: self.mesh,
            member: self.member,
            node: key.node_id(),
            addresses: self.address,
            consent: Consent::sign(self.mesh, self.member, &key),
        };
        session.line(request.text().trim_end())?;
        talk(format_args!(
            "for the holder of the root key of {}: it goes on the manifest as node {}",
            self.member, request.node
        ));
        Ok(())
    }
}
