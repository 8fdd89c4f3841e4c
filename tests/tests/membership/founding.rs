//! A mesh from nothing, as page 2 and README's "Join a mesh" have it: three CERTs, each with a root key and a folder that
//! `certmesh init` makes; nothing that a script has prepared.

use std::fs;
use std::path::Path;

use certmesh_tests::{Node, stop_nodes_in, wait_until};
use serde_json::Value;
use tempfile::TempDir;

use crate::desk::{all_hold, free_port, free_soc_port, publish, run_in};

/// The members' codes, and the names of their CERTs.
const MEMBERS: [(&str, &str); 3] = [("sg", "SingCERT"), ("my", "MyCERT"), ("vn", "VNCERT/CC")];

/// All the machines of the three CERTs; the nodes stop with it.
struct Machines(TempDir);

impl Machines {
    #[track_caller]
    fn ok(&self, words: &str) -> String {
        run_in(self.0.path(), words).done()
    }

    fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for Machines {
    fn drop(&mut self) {
        stop_nodes_in(self.path());
    }
}

#[test]
fn three_certs_found_a_mesh() {
    let machines = Machines(tempfile::Builder::new().prefix("certmesh-").tempdir().unwrap());
    fs::write(machines.path().join("passphrase"), "seven words that nobody puts together\n").unwrap();
    for (code, cert) in MEMBERS {
        let root =
            machines.ok(&format!("key new {code}-root.key --encrypt --passphrase-file passphrase --json"));
        let root: Value = serde_json::from_str(&root).unwrap();
        let (member, root) = (code.to_uppercase(), root["public_key"].as_str().unwrap());
        machines.ok(&format!("init --dir {code} --member {member} --cert {cert} --root-key {root}"));
    }
    // One collects the requests; each signs a copy.
    let requests = MEMBERS.map(|(code, _)| format!("--add {code}/member-request.toml"));
    let mesh = machines.ok(&format!("roster new roster.cbor --name asean {}", requests.join(" ")));
    let mesh = mesh.trim();
    assert!(machines.ok("roster show roster.cbor").contains(mesh), "what the members compare");
    for (code, _) in MEMBERS {
        fs::copy(machines.path().join("roster.cbor"), machines.path().join(format!("from-{code}.cbor")))
            .unwrap();
        machines
            .ok(&format!("roster sign from-{code}.cbor --key {code}-root.key --passphrase-file passphrase"));
    }
    machines.ok("roster merge from-sg.cbor from-my.cbor from-vn.cbor --out roster.cbor");
    assert!(machines.ok("roster show roster.cbor").contains("by all 3 members"));
    // As a member that joins, from its step 3 on.
    for (code, _) in MEMBERS {
        let (member, port) = (code.to_uppercase(), free_port());
        machines.ok(&format!("init --dir {code} --mesh {mesh} --host 127.0.0.1 --port {port}"));
        free_soc_port(&machines.path().join(code));
        machines.ok(&format!(
            "manifest new {member}.cbor --roster roster.cbor --member {member} --key {code}-root.key \
             --node {code}/node-request.toml --passphrase-file passphrase"
        ));
    }
    let nodes = MEMBERS.map(|(code, _)| {
        let home = machines.path().join(code);
        fs::copy(machines.path().join("roster.cbor"), home.join("roster.cbor")).unwrap();
        for (other, _) in MEMBERS {
            let file = format!("{}.cbor", other.to_uppercase());
            fs::copy(machines.path().join(&file), home.join("manifests").join(&file)).unwrap();
        }
        Node::in_folder(&code.to_uppercase(), &home)
    });
    nodes.iter().for_each(Node::start);
    for node in &nodes {
        node.wait_to_answer();
        node.run(["node", "vouch"]).done();
    }
    let objects = nodes.iter().zip(0..).map(|(node, seed)| publish(node, seed, 2)).sum();
    all_hold(&nodes.each_ref(), objects);
    wait_until("each to have its roster confirmed by both others", || {
        nodes.iter().all(|node| node.status().roster_confirmed_by == 2 && node.status().alarms.is_empty())
    });
    assert!(!nodes[0].status().exercise, "a mesh is real unless somebody says that it is an exercise");
}
