//! A lease between the Worker that holds it and the object that granted it.

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
use crate::objects::Write;
use crate::world::World;

/// The Worker's end. The lease is disposed of when this is dropped.
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
    /// Commits. The answer comes if the row is durable, and is dropped if the call has failed.
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

/// The object's end.
pub struct Session {
    pub world: Rc<World>,
    pub shard: usize,
    /// That of the object which granted the lease.
    pub life: Rc<Life>,
    /// That of the instance which granted the lease.
    pub generation: u32,
    pub delivery: usize,
    pub event_id: EventId,
    pub fate: Rc<Fate>,
    pub lease: LeaseId,
}

impl Session {
    /// Opens the session, and returns the Worker's end of it.
    pub fn open(self) -> LeaseHandle {
        let (commits, received) = unbounded_channel();
        let handle =
            LeaseHandle { commits, recorder: self.world.recorder.clone(), delivery: self.delivery };
        spawn_local(self.serve(received));
        handle
    }

    /// Hands what the Worker sends to the object, in its order: a disposal never overtakes a commit.
    async fn serve(self, mut commits: UnboundedReceiver<Commit>) {
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

    /// A commit arrives.
    fn commit(&self, Commit { ends, answer }: Commit) {
        if self.life.died().is_some() {
            return self.strike(Fault::CommitAfterRestart);
        }
        if self.world.objects.generation(self.shard) != self.generation {
            self.strike(Fault::CommitByOldHandle);
        }
        let (done, written) = oneshot::channel();
        let write = Write {
            delivery: self.delivery,
            event_id: self.event_id.clone(),
            ends,
            lease: Some(self.lease),
            takes: self.fate.row,
        };
        self.world.objects.write(&self.world, self.shard, write, done);
        let (fate, recorder) = (Rc::clone(&self.fate), self.world.recorder.clone());
        // On the wire.
        spawn_local(async move {
            let Ok(()) = written.await else { return };
            match fate.commit {
                CallFate::Works { back } => {
                    pass(back).await;
                    // The Worker may have gone.
                    let _nobody = answer.send(());
                }
                _ => recorder.strike(Fault::CommitAnswerLost),
            }
        });
    }

    fn strike(&self, fault: Fault) {
        self.world.recorder.strike(fault);
    }
}
