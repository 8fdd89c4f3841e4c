//! A node key's word that it is a member's: no manifest can name a key whose holder did not agree.
//!
//! Without it a member could put another member's node on its own manifest, and the two manifests could not
//! stand together. It is an ed25519 signature by the node key, that of the COSE_Sign1 whose payload is the
//! array `[member]`, with the aad `certmesh/node/1` ‖ mesh id.

use crate::audience::MemberCode;
use crate::codec;
use crate::cose::Sign1;
use crate::ids::{MeshId, NodeId};
use crate::key::{BadSignature, SecretKey};

/// A node key's consent to be a member's in a mesh.
pub struct Consent;

impl Consent {
    /// The node with this key agrees to be a node of `member`.
    pub fn sign(mesh: MeshId, member: MemberCode, key: &SecretKey) -> [u8; 64] {
        Sign1::sign(payload(member), &aad(mesh), key).signature
    }

    /// Whether `node` has agreed to be a node of `member`.
    pub fn verify(
        mesh: MeshId,
        member: MemberCode,
        node: NodeId,
        signature: &[u8; 64],
    ) -> Result<(), BadSignature> {
        Sign1 { payload: payload(member), signature: *signature }.verify(&aad(mesh), &node.0)
    }
}

fn payload(member: MemberCode) -> Vec<u8> {
    codec::encode(&(member,))
}

fn aad(mesh: MeshId) -> Vec<u8> {
    [b"certmesh/node/1", &mesh.0[..]].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_for_one_mesh_one_member_and_one_key() {
        let [key, other] = [1, 2].map(|seed| SecretKey::from_seed(&[seed; 32]));
        let [sg, my]: [MemberCode; 2] = ["SG", "MY"].map(|code| code.parse().unwrap());
        let [mesh, drill] = [MeshId([1; 32]), MeshId([2; 32])];
        let consent = Consent::sign(mesh, sg, &key);
        assert_eq!(Consent::verify(mesh, sg, key.node_id(), &consent), Ok(()));
        for (mesh, member, node) in
            [(drill, sg, key.node_id()), (mesh, my, key.node_id()), (mesh, sg, other.node_id())]
        {
            assert_eq!(Consent::verify(mesh, member, node, &consent), Err(BadSignature));
        }
    }
}
