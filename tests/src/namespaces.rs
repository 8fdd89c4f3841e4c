//! A network of real cables: a namespace for each node, joined by a bridge in a namespace of its own.
//!
//! The kernel can lose packets there (nft), slow them down (`tbf`) and cut a cable, and nobody else on
//! the machine notices. It takes root, or at least the capabilities to administer networks.

use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::places::Place;
use crate::program::Outcome;

/// What every namespace of ours is called at first; then comes the process that made it.
const PREFIX: &str = "certmesh";
/// The port of every node: they do not share an address.
const PORT: u16 = 7400;
/// A process may lay several networks.
static LAID: AtomicUsize = AtomicUsize::new(0);

/// A network. It is gone when it is dropped, and at the latest when somebody else lays one after the
/// process that made it has died.
#[derive(Debug)]
pub struct Namespaces {
    prefix: String,
    nodes: usize,
}

impl Namespaces {
    /// Lays a network for so many nodes, without a fault.
    ///
    /// # Errors
    /// Why this machine does not allow it, in the words of the tool that failed.
    pub fn lay(nodes: usize) -> Result<Self, String> {
        sweep();
        let count = LAID.fetch_add(1, Ordering::Relaxed);
        // Dropped, and so removed, if not all of it can be laid.
        let network = Self { prefix: format!("{PREFIX}-{}-{count}", std::process::id()), nodes };
        let hub = network.hub();
        ip(&format!("netns add {hub}"))?;
        ip(&format!("-n {hub} link add bridge type bridge"))?;
        ip(&format!("-n {hub} link set bridge up"))?;
        (0..nodes).try_for_each(|node| network.plug_in(node))?;
        Ok(network)
    }

    fn plug_in(&self, node: usize) -> Result<(), String> {
        let (hub, own, address) = (self.hub(), self.namespace(node), address(node));
        ip(&format!("netns add {own}"))?;
        ip(&format!("-n {hub} link add cable{node} type veth peer name eth0 netns {own}"))?;
        ip(&format!("-n {hub} link set cable{node} master bridge up"))?;
        ip(&format!("-n {own} address add {address}/16 dev eth0"))?;
        ip(&format!("-n {own} link set lo up"))?;
        ip(&format!("-n {own} link set eth0 up"))
    }

    /// Where the nodes live.
    pub fn places(&self) -> Vec<Place> {
        let place = |node| {
            let ip = address(node);
            let own = vec![format!("/ip4/{ip}/udp/{PORT}/quic-v1"), format!("/ip4/{ip}/tcp/{PORT}")];
            Place { listen: own.clone(), advertise: own, netns: Some(self.namespace(node)) }
        };
        (0..self.nodes).map(place).collect()
    }

    /// Pulls the cable of a node out of the bridge.
    #[track_caller]
    pub fn cut(&self, node: usize) {
        ip(&format!("-n {} link set cable{node} down", self.hub())).unwrap();
    }

    /// Plugs it in again.
    #[track_caller]
    pub fn heal(&self, node: usize) {
        ip(&format!("-n {} link set cable{node} up", self.hub())).unwrap();
    }

    /// Loses so many of a hundred packets that reach each node, at random.
    #[track_caller]
    pub fn lose(&self, percent: u32) {
        for node in 0..self.nodes {
            let rules = format!(
                "add table ip faults; \
                 add chain ip faults input {{ type filter hook input priority 0; }}; \
                 flush chain ip faults input; \
                 add rule ip faults input iifname eth0 numgen random mod 100 < {percent} counter drop"
            );
            self.inside(node, &["nft", &rules]).unwrap();
        }
    }

    /// Packets that the last [`Namespaces::lose`] has dropped so far at a node.
    #[track_caller]
    pub fn lost(&self, node: usize) -> u64 {
        let listed = self.inside(node, &["nft", "list chain ip faults input"]).unwrap();
        let mut words = listed.split_whitespace().skip_while(|word| *word != "packets");
        words.nth(1).and_then(|count| count.parse().ok()).expect("the rule counts")
    }

    /// Lets each node send no more than so many kilobits a second.
    #[track_caller]
    pub fn slow_down(&self, kilobits: u32) {
        for node in 0..self.nodes {
            let rate = format!("{kilobits}kbit");
            let words = ["tc", "qdisc", "replace", "dev", "eth0", "root", "tbf"];
            let limits = ["rate", &rate, "burst", "16kb", "latency", "400ms"];
            self.inside(node, &[&words[..], &limits[..]].concat()).unwrap();
        }
    }

    fn inside(&self, node: usize, words: &[&str]) -> Result<String, String> {
        let own = self.namespace(node);
        run("ip", &[&["netns", "exec", &own], words].concat())
    }

    fn namespace(&self, node: usize) -> String {
        format!("{}-{node}", self.prefix)
    }

    fn hub(&self) -> String {
        format!("{}-hub", self.prefix)
    }
}

impl Drop for Namespaces {
    fn drop(&mut self) {
        remove(|name| name.strip_prefix(&self.prefix).is_some_and(|rest| rest.starts_with('-')));
    }
}

/// Removes all that this process has laid, as before an end that runs no destructors.
pub fn remove_all() {
    let own = format!("{PREFIX}-{}-", std::process::id());
    remove(|name| name.starts_with(&own));
}

/// Removes what processes left that are no more.
fn sweep() {
    remove(|name| {
        let process = name.strip_prefix(PREFIX).and_then(|rest| rest.split('-').nth(1));
        process.is_some_and(|pid| {
            pid.parse::<u32>().is_ok() && !std::path::Path::new("/proc").join(pid).exists()
        })
    });
}

/// A namespace's cables go with it.
fn remove(is_due: impl Fn(&str) -> bool) {
    let list = run("ip", &["netns", "list"]).unwrap_or_default();
    let names = list.lines().filter_map(|line| line.split(' ').next());
    for name in names.filter(|name| is_due(name)) {
        // Nothing more can be done about one that does not go.
        let _ = run("ip", &["netns", "delete", name]);
    }
}

fn address(node: usize) -> String {
    format!("10.77.0.{}", node + 1)
}

fn ip(words: &str) -> Result<(), String> {
    run("ip", &words.split(' ').collect::<Vec<_>>()).map(drop)
}

/// Runs a tool of the system; its stdout.
fn run(tool: &str, words: &[&str]) -> Result<String, String> {
    let mut command = Command::new(tool);
    let output = command.args(words).output().map_err(|error| format!("{tool}: {error}"))?;
    match Outcome::from(output) {
        Outcome { code: Some(0), stdout, .. } => Ok(stdout),
        failed => Err(format!("{tool} {}: {}", words.join(" "), failed.stderr.trim())),
    }
}
