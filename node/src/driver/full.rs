//! A full disk: nothing is written, everything that is there can still be read, and once there is room
//! again the store is opened anew and all goes on.
//!
//! The engine ran ahead of the store by the commit that failed, so it is opened anew too. It signs at once only
//! if its logs end there where the last commit that succeeded left them; if what failed has come back, other
//! members are asked first, as after a crash.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use certmesh_engine::store::StoreError;
use certmesh_engine::{Engine, PublishFault, StopNote, last_arrival};
use certmesh_mesh::Verdict;

use super::inbox::Inputs;
use super::{Input, Shell, Taken};
use crate::Failure;

/// How often it is tried whether there is room again.
const RETRY: Duration = Duration::from_secs(2);

/// What waits for room.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct FullDisk {
    /// Names of the tokens that were revoked meanwhile. Nobody's any more, they would be again after a stop.
    pub(crate) revoked: Vec<String>,
}

/// Opens store and engine anew; nothing, if it has to be tried again later.
pub(crate) type Reopen = Box<dyn Fn(Option<&StopNote>) -> Result<Option<Engine>, Failure> + Send>;

impl Shell {
    /// Declines whatever comes until there is room on the disk again.
    ///
    /// # Errors
    /// The store or the engine can't be opened anew: the node has to end.
    pub(super) fn wait_for_room(
        &mut self,
        inputs: &mut Inputs,
        error: &StoreError,
    ) -> Result<ControlFlow<()>, Failure> {
        tracing::error!(
            "{error}; nothing is taken or published until there is room; what is here can be read"
        );
        self.show_full_disk();
        let mut tried = Instant::now();
        loop {
            let next = self.runtime.block_on(async { tokio::time::timeout(RETRY, inputs.next()).await });
            match next {
                // No note of this stop: what the failed write has left behind is not known.
                Ok(None | Some(Input::Stop)) => return Ok(ControlFlow::Break(())),
                Ok(Some(input)) => self.decline(input, error),
                Err(_) => {}
            }
            if tried.elapsed() >= RETRY {
                tried = Instant::now();
                if let Some(engine) = (self.reopen)(self.ends.as_ref())?
                    && self.go_on(engine)?
                {
                    return Ok(ControlFlow::Continue(()));
                }
            }
        }
    }

    /// Lets readers see what waits for room.
    pub(super) fn show_full_disk(&self) {
        let revoked = self.unwritten.iter().map(|token| token.terms.name.clone()).collect();
        self.full_disk.send_replace(Some(FullDisk { revoked }));
    }

    /// Whether there is room again.
    fn go_on(&mut self, engine: Engine) -> Result<bool, StoreError> {
        self.engine = engine;
        self.ends = self.engine.stop_note();
        match self.write_revoked() {
            Ok(()) => {}
            Err(error) if error.is_full() => return Ok(false),
            Err(error) => return Err(error),
        }
        self.standing.send_replace(self.engine.membership().clone());
        self.peers.follow(self.engine.membership(), self.engine.node_id());
        self.show_signing();
        self.tokens.send_replace(self.engine.tokens().clone());
        // What failed may be there all the same.
        self.arrivals.send_replace(last_arrival(&*self.store)?);
        self.full_disk.send_replace(None);
        tracing::info!("the disk has room again: all goes on");
        Ok(true)
    }

    /// Answers what can't be done now.
    fn decline(&mut self, input: Input, error: &StoreError) {
        match input {
            Input::RevokeToken { id_or_name, reply } => self.revoke_for_now(&id_or_name, reply),
            Input::Publish { reply, .. } => {
                let _ = reply.send(Err(PublishFault::Store(error.clone())));
            }
            Input::Gossip { receipt, .. } => self.judge(receipt, Verdict::Ignore),
            Input::Records { reply, .. } | Input::Bodies { reply, .. } | Input::Forks { reply, .. } => {
                let _ = reply.send(Taken::default());
            }
            Input::Told { reply, .. } => {
                let _ = reply.send(0);
            }
            Input::Arrivals { reply } => {
                let _ = reply.send(self.arrivals.subscribe());
            }
            // Whoever waits for these is told that they were not carried out.
            Input::Documents { .. }
            | Input::CreateToken { .. }
            | Input::Reindex { .. }
            | Input::Checked(_)
            | Input::Vouch { .. }
            | Input::Stop => {}
        }
    }
}
