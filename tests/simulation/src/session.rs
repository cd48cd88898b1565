//! The session between the Worker that holds a lease and the object that granted it.

use std::rc::Rc;

use cronozen_gateway::dedupe::lease::LeaseId;
use cronozen_webhook::event::EventId;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;
use tokio::task::spawn_local;

use crate::clock::{Ms, SECOND, pass};
use crate::fate::{CallFate, DisposalFate, Fate};
use crate::faults::Fault;
use crate::history::Recorder;
use crate::life::Life;
use crate::objects::RowWrite;
use crate::world::World;

/// The Worker's side. Dropping it disposes of the lease.
pub struct LeaseHandle {
    commits: UnboundedSender<Commit>,
    recorder: Recorder,
    delivery: usize,
}

/// The call that marks the event.
struct Commit {
    ends: Ms,
    answer: oneshot::Sender<()>,
}

impl LeaseHandle {
    /// Sends a commit. The answer arrives when the row is durable. If the call fails, the receiver is closed without one.
    pub fn commit(&self, ends: Ms) -> oneshot::Receiver<()> {
        let (answer, answered) = oneshot::channel();
        // If the session is broken, the answer is dropped with the call.
        let _broken = self.commits.send(Commit { ends, answer });
        answered
    }
}

impl Drop for LeaseHandle {
    fn drop(&mut self) {
        self.recorder.record(self.delivery, "lease disposed of", |trail, now| {
            if let Some(lease) = &mut trail.lease {
                lease.disposed = Some(now);
            }
        });
    }
}

/// The object's side.
pub struct Session {
    pub world: Rc<World>,
    pub shard: usize,
    /// The life of the object that granted the lease.
    pub life: Rc<Life>,
    /// The generation of the instance that granted the lease.
    pub generation: u32,
    pub delivery: usize,
    pub event_id: EventId,
    pub fate: Rc<Fate>,
    pub lease: LeaseId,
}

impl Session {
    /// Opens the session, and returns the Worker's side of it.
    pub fn open(self) -> LeaseHandle {
        let (commits, received) = unbounded_channel();
        let handle =
            LeaseHandle { commits, recorder: self.world.recorder.clone(), delivery: self.delivery };
        spawn_local(self.serve(received));
        handle
    }

    /// Passes the Worker's calls to the object in their order: a disposal never overtakes a commit.
    async fn serve(self, mut commits: UnboundedReceiver<Commit>) {
        // A lost commit is kept, so that its receiver stays open and the call hangs.
        let mut lost = Vec::new();
        while let Some(commit) = commits.recv().await {
            match self.fate.commit {
                CallFate::Lost => {
                    self.strike(Fault::CommitLost);
                    lost.push(commit);
                }
                CallFate::Refused => {
                    self.strike(Fault::CommitRefused);
                    break;
                }
                CallFate::Works { .. } | CallFate::AnswerLost => {
                    pass(self.fate.call_there).await;
                    self.commit(commit);
                }
            }
        }
        drop(commits);
        match self.fate.disposal {
            DisposalFate::Never => return self.strike(Fault::NeverDisposed),
            DisposalFate::After(ms) => {
                if ms >= SECOND {
                    self.strike(Fault::DisposedLate);
                }
                pass(ms).await;
            }
        }
        if self.life.died().is_none() {
            self.world.objects.release(&self.world, &self);
        }
    }

    /// Passes a commit that has arrived to the object.
    fn commit(&self, Commit { ends, answer }: Commit) {
        if self.life.died().is_some() {
            return self.strike(Fault::CommitAfterRestart);
        }
        if self.world.objects.generation(self.shard) != self.generation {
            self.strike(Fault::CommitByOldHandle);
        }
        let (done, written) = oneshot::channel();
        let write = RowWrite {
            delivery: self.delivery,
            event_id: self.event_id.clone(),
            ends,
            lease: Some(self.lease),
            takes: self.fate.row_delay,
        };
        self.world.objects.write(&self.world, self.shard, write, done);
        let (fate, recorder) = (Rc::clone(&self.fate), self.world.recorder.clone());
        // The answer is on the wire, so it needs neither the session nor the Worker's isolate.
        spawn_local(async move {
            let Ok(()) = written.await else { return };
            match fate.commit {
                CallFate::Works { back } => {
                    pass(back).await;
                    // The Worker may have died or stopped waiting.
                    let _ignored = answer.send(());
                }
                _ => recorder.strike(Fault::CommitAnswerLost),
            }
        });
    }

    fn strike(&self, fault: Fault) {
        self.world.recorder.strike(fault);
    }
}
