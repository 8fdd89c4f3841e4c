//! One run: nodes, links, clocks and accidents, and one queue of everything that is to happen. What
//! happens at one time happens in the order in which it was put there.

mod accidents;
mod changes;
mod contradictions;
mod events;
mod gone;
mod links;
mod messages;
mod node;
mod settled;
mod standing;
mod theft;
mod vouching;

use std::collections::BTreeMap;

use certmesh_wire::{Audience, Checkpoint, LogId, NodeId, NodeState, Opening};

use crate::chance::{Chance, fixed};
use crate::council::Council;
use crate::founding::Founding;
use crate::life::{Around, Effect, Input, Life};
use crate::plan::Plan;
use crate::tally::Tally;
use crate::verifying::Verifier;
use crate::violation::{End, Violation};
use crate::watch::Watch;
use crate::workload::Workload;
use events::{Event, Queue};
use gone::Gone;
use links::Links;
use node::Node;

/// When the virtual world begins, milliseconds since 1970 UTC.
const EPOCH_MS: u64 = 1_700_000_000_000;

/// How long a node that no longer counts is still connected, milliseconds.
const LAST_WORDS_MS: u64 = 1_000;
/// How often somebody looks after nodes that nobody is connected with, milliseconds.
const HELP_MS: u64 = 20_000;

/// What a run was like.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// What happened, by kind.
    pub tally: Tally,
    /// The digest of all of it.
    pub trace: [u8; 32],
    /// Virtual time, milliseconds.
    pub virtual_ms: u64,
}

/// A run under way.
pub(crate) struct World {
    plan: Plan,
    founding: Founding,
    council: Council,
    nodes: Vec<Node>,
    ids: Vec<NodeId>,
    honest: Vec<bool>,
    links: Links,
    queue: Queue,
    watch: Watch,
    verifier: Verifier,
    chance: Chance,
    workload: Workload,
    /// Accidents happen, and analysts publish.
    stormy: bool,
    /// What members have vouched for.
    vouched: Vec<Checkpoint>,
    /// The logs of nodes that are in use no more.
    gone: Vec<Gone>,
    /// A round in which the members have signed two rosters of the next version.
    frozen: Option<u64>,
    /// Nodes whose keys were stolen, and not cut off yet.
    stolen: Vec<usize>,
}

/// Runs a mesh of so many nodes from this seed, until everyone agrees once the storm is over.
///
/// # Errors
/// The first rule that does not hold.
pub fn run(seed: u64, nodes: usize) -> Result<Outcome, Box<(Violation, Outcome)>> {
    let mut world = World::new(Plan::new(seed, nodes));
    let result = world.run();
    let outcome =
        Outcome { trace: world.watch.trace.digest(), virtual_ms: world.watch.now, tally: world.watch.tally };
    result.map(|()| outcome.clone()).map_err(|violation| Box::new((violation, outcome)))
}

impl World {
    fn new(plan: Plan) -> Self {
        let founding = Founding::new(&plan);
        let entries = |mesh, member| {
            let nodes = founding.nodes_of(member, plan.founders);
            nodes.map(|node| founding.entry(mesh, node, NodeState::Live, Vec::new())).collect()
        };
        let council = Council::found(plan.seed, plan.members, entries);
        let membership = council.bundle();
        let ids: Vec<_> = founding.keys.iter().map(|key| key.node_id()).collect();
        let honest: Vec<_> = (0..plan.nodes).map(|node| plan.is_honest(node)).collect();
        let by_key = founding.number.iter().filter(|(_, node)| honest[**node]);
        let by_key: BTreeMap<_, _> = by_key.map(|(id, node)| (*id, *node)).collect();
        let openings = (0..plan.nodes).map(|node| opening_of(&founding, node));
        let watch = Watch::new(council.mesh(), openings, by_key);
        let nodes = (0..plan.nodes).map(|node| Node::new(node, &plan, &founding, &membership)).collect();
        Self {
            nodes,
            ids,
            honest,
            links: Links::new(plan.weather),
            queue: Queue::default(),
            watch,
            verifier: Verifier::new(plan.nodes),
            chance: Chance::seeded(fixed(&[plan.seed, plan.nodes as u64, 1])),
            workload: Workload::default(),
            stormy: true,
            vouched: Vec::new(),
            gone: Vec::new(),
            frozen: None,
            stolen: Vec::new(),
            founding,
            council,
            plan,
        }
    }

    /// The storm, the calm after it, and, if there are forks, the calm after members have settled them.
    fn run(&mut self) -> Result<(), Violation> {
        self.begin();
        self.run_until(self.plan.stormy_ms)?;
        self.calm_down();
        self.end_changes();
        self.run_until_settled()?;
        if let Some(restarted_ms) = self.vouch() {
            self.run_until(restarted_ms)?;
            self.run_until_settled()?;
            self.check_vouched()?;
        }
        self.watch.tally.add_many("virtual seconds", self.watch.now / 1_000);
        Ok(())
    }

    fn begin(&mut self) {
        for node in 0..self.plan.founders {
            let after_ms = self.chance.below(2_000);
            self.queue.put(after_ms, Event::Start { node });
            if !self.honest[node] {
                self.queue.put(3_000 + self.chance.below(3_000), Event::Act { node });
            }
        }
        for node in self.plan.publishers.clone() {
            self.queue.put(2_000 + self.chance.around(self.plan.publish_ms), Event::Publish { node });
        }
        for (fault, mean_ms) in self.plan.faults.clone() {
            self.queue.put(3_000 + self.chance.around(mean_ms), Event::Fault { fault, mean_ms });
        }
        if let Some(mean_ms) = self.plan.change_ms {
            self.queue.put(5_000 + self.chance.around(mean_ms), Event::Change { mean_ms });
            self.queue.put(HELP_MS, Event::Help);
        }
        if let Some(node) = self.plan.left_behind {
            self.leave_behind(node);
        }
    }

    /// Lets everything happen that is to happen before this time.
    fn run_until(&mut self, end_ms: u64) -> Result<(), Violation> {
        while let Some((at_ms, event)) = self.queue.take_before(end_ms) {
            self.watch.now = at_ms;
            self.happen(event)?;
        }
        self.watch.now = end_ms;
        Ok(())
    }

    fn happen(&mut self, event: Event) -> Result<(), Violation> {
        match event {
            Event::Turn { node, life } => self.turn(node, life),
            Event::Checked { node, life } => self.with_life_of(node, life, |life, around| {
                life.checked(around);
                Ok(())
            }),
            Event::WakePeer { node, life, peer, token } => {
                self.with_life_of(node, life, |life, around| life.woken(peer, token, around))
            }
            Event::Expire { node, life, peer, pull } => {
                self.with_life_of(node, life, |life, around| life.timed_out(peer, pull, around))
            }
            Event::Deliver { to, from, epoch, message } => self.deliver(to, from, epoch, message),
            Event::Connect { one, other } => self.connect(one, other),
            Event::Start { node } => self.start(node),
            Event::Restart { node } => self.restart(node),
            Event::Hand { node, documents } => self.with_life(node, |life, around| {
                life.give(Input::Documents(None, documents), around);
                Ok(())
            }),
            Event::Publish { node } => self.publish(node),
            Event::Act { node } => self.act(node),
            Event::Fault { fault, mean_ms } => self.fault(fault, mean_ms),
            Event::Change { mean_ms } => self.change(mean_ms),
            Event::Follow { node, life } => self.follow(node, life),
            Event::Steal { node } => self.steal(node),
            Event::CutThief { node } => {
                self.cut_thief(node);
                Ok(())
            }
            Event::Help => {
                self.help();
                Ok(())
            }
            Event::SwitchOff { node, away_ms } => self.switch_off(node, away_ms),
            Event::Replace { node } => {
                self.replace(self.founding.code_of(node), Some(node));
                Ok(())
            }
            Event::EndPartition { cut } => {
                self.links.heal(cut);
                Ok(())
            }
        }
    }

    fn turn(&mut self, node: usize, life: u64) -> Result<(), Violation> {
        let mut stopped = false;
        self.with_life_of(node, life, |life, around| {
            stopped = life.turn(around)?;
            Ok(())
        })?;
        if stopped {
            self.stopped(node)?;
        }
        self.interrupt(node)
    }

    fn publish(&mut self, node: usize) -> Result<(), Violation> {
        if !self.stormy {
            return Ok(());
        }
        let after_ms = self.chance.around(self.plan.publish_ms);
        self.queue.put(self.watch.now + after_ms, Event::Publish { node });
        self.publish_now(node)
    }

    fn publish_now(&mut self, node: usize) -> Result<(), Violation> {
        let by = self.founding.code_of(node);
        let texts = self.workload.publication(by, self.plan.batch, &mut self.chance);
        self.with_life(node, |life, around| {
            life.give(Input::Publish(texts), around);
            Ok(())
        })
    }

    /// Does something with a node's process if it still is in this life.
    fn with_life_of(
        &mut self,
        node: usize,
        number: u64,
        act: impl FnOnce(&mut Life, &mut Around<'_>) -> Result<(), End>,
    ) -> Result<(), Violation> {
        let same = self.nodes[node].life.as_ref().is_some_and(|life| life.number == number);
        if same { self.with_life(node, act) } else { Ok(()) }
    }

    /// Does something with a node's process, if it runs, and then what it wants done.
    fn with_life(
        &mut self,
        node: usize,
        act: impl FnOnce(&mut Life, &mut Around<'_>) -> Result<(), End>,
    ) -> Result<(), Violation> {
        let clock_ms = self.clock_of(node);
        let state = &mut self.nodes[node];
        let Some(life) = &mut state.life else { return Ok(()) };
        let mut around = Around {
            node,
            store: &state.disk,
            clock_ms,
            ids: &self.ids,
            honest: &self.honest,
            reader: &mut state.reader,
            watch: &mut self.watch,
            verifier: &mut self.verifier,
            chance: &mut self.chance,
            effects: Vec::new(),
        };
        let result = act(life, &mut around);
        let (effects, number) = (around.effects, life.number);
        let misused = state.disk.misused();
        for effect in effects {
            self.carry_out(node, number, effect)?;
        }
        if misused {
            let what = "it was written again after a commit had failed".to_owned();
            return Err(self.watch.violation(node, "a disk that failed is opened anew first", what));
        }
        match result {
            Ok(()) => Ok(()),
            Err(End::Violated(violation)) => Err(violation),
            Err(End::Disk) => self.died(node, "lives ended in a commit"),
            Err(End::Died) => self.died(node, "lives ended after a commit"),
        }
    }

    fn carry_out(&mut self, node: usize, life: u64, effect: Effect) -> Result<(), Violation> {
        let now = self.watch.now;
        match effect {
            Effect::Turn { after_ms } => self.queue.put(now + after_ms, Event::Turn { node, life }),
            Effect::Checked { after_ms } => self.queue.put(now + after_ms, Event::Checked { node, life }),
            Effect::WakePeer { peer, token, after_ms } => {
                self.queue.put(now + after_ms, Event::WakePeer { node, life, peer, token });
            }
            Effect::Gossip(payload) => self.gossip(node, None, &payload),
            Effect::Relay(receipt) => self.gossip(node, Some(receipt.from), &receipt.payload),
            Effect::Ask { peer, pull, bytes } => self.question(node, life, peer, pull, bytes),
            Effect::HangUp { peer } => return self.hang_up(node, peer),
            Effect::Follow => self.queue.put(now + LAST_WORDS_MS, Event::Follow { node, life }),
        }
        Ok(())
    }

    /// The time by a node's own clock, milliseconds since 1970 UTC.
    fn clock_of(&self, node: usize) -> u64 {
        (EPOCH_MS + self.watch.now).saturating_add_signed(self.nodes[node].clock_offset_ms)
    }

    /// The log of a node for all members.
    fn log_of(&self, node: usize) -> LogId {
        opening_of(&self.founding, node).log_id()
    }

    /// Whether a machine is a node of the mesh, as the members have decided.
    fn is_live(&self, node: usize) -> bool {
        self.council.is_live(self.founding.code_of(node), self.ids[node])
    }

    /// The nodes that keep the rules and are in use.
    fn honest_nodes(&self) -> Vec<usize> {
        (0..self.plan.nodes).filter(|node| self.honest[*node] && self.is_live(*node)).collect()
    }
}

/// The log of a node for all members.
fn opening_of(founding: &Founding, node: usize) -> Opening {
    let key = founding.keys[node].node_id();
    Opening { member: founding.code_of(node), node: key, audience: Audience::All }
}
