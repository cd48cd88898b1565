//! The life of a Worker's isolate, or of an object between two restarts.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use tokio::task::{AbortHandle, spawn_local};

use crate::clock::{Ms, VirtualClock};

/// The number of tasks above which the finished ones are removed.
const MANY_TASKS: usize = 32;

/// A life. All of its tasks end with it.
pub struct Life {
    clock: VirtualClock,
    died: Cell<Option<Ms>>,
    tasks: RefCell<Vec<AbortHandle>>,
}

impl Life {
    pub fn new(clock: VirtualClock) -> Rc<Self> {
        Rc::new(Self { clock, died: Cell::default(), tasks: RefCell::default() })
    }

    pub fn died(&self) -> Option<Ms> {
        self.died.get()
    }

    /// Runs a task until it is done or the life ends. Returns `None` if the life has already ended.
    pub fn spawn(&self, task: impl Future<Output = ()> + 'static) -> Option<AbortHandle> {
        if self.died.get().is_some() {
            return None;
        }
        let handle = spawn_local(task).abort_handle();
        let mut tasks = self.tasks.borrow_mut();
        if tasks.len() > MANY_TASKS {
            tasks.retain(|task| !task.is_finished());
        }
        tasks.push(handle.clone());
        Some(handle)
    }

    /// Ends the life. A task that ends its own life must stop after that: see [`Host::step`](crate::host::Host::step).
    pub fn end(&self) {
        if self.died.get().is_none() {
            self.died.set(Some(self.clock.ms()));
        }
        for task in self.tasks.take() {
            task.abort();
        }
    }
}
