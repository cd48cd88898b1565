//! Lives: each is the isolate of a Worker, or an object between two restarts.

use std::cell::{Cell, RefCell};
use std::future::pending;
use std::rc::Rc;

use cronozen_gateway::runtime::Background;
use tokio::task::{AbortHandle, spawn_local};

use crate::clock::{Ms, SECOND, VirtualClock, pass};
use crate::fate::Step;
use crate::faults::Fault;
use crate::history::Recorder;

/// The longest that a Worker may run after its answer.
const AFTER_ANSWER_LIMIT: Ms = 30 * SECOND;

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

    /// Ends the life. A task that ends its own life must stop after that: see [`Host::step`].
    pub fn end(&self) {
        if self.died.get().is_none() {
            self.died.set(Some(self.clock.ms()));
        }
        for task in self.tasks.take() {
            task.abort();
        }
    }
}

/// The isolate that serves one delivery, and the step of the delivery at which it dies.
#[derive(Clone)]
pub struct Host {
    pub life: Rc<Life>,
    pub recorder: Recorder,
    pub fatal: Option<Step>,
    /// Returns the fault to record for a death at a step.
    pub fault: fn(Step) -> Fault,
}

impl Host {
    /// Reaches a step. At the fatal one, ends the life and never returns.
    pub async fn step(&self, step: Step) {
        if self.end_at(step) {
            pending::<()>().await;
        }
    }

    /// Ends the life if the step is the fatal one, and returns true if it did. For code that runs outside of the life.
    pub fn end_at(&self, step: Step) -> bool {
        let ends = self.fatal == Some(step) && self.life.died().is_none();
        if ends {
            self.recorder.strike((self.fault)(step));
            self.life.end();
        }
        ends
    }
}

/// The tasks that a Worker keeps running after the answer to one delivery.
#[derive(Clone)]
pub struct BackgroundWork {
    life: Rc<Life>,
    kept: Rc<RefCell<Vec<AbortHandle>>>,
}

impl BackgroundWork {
    pub fn new(life: &Rc<Life>) -> Self {
        Self { life: Rc::clone(life), kept: Rc::default() }
    }

    /// Waits for 30 s after the answer, and cuts off the tasks that still run. They break a rule: a task must end by
    /// itself before that.
    pub async fn cut_off(&self, recorder: &Recorder, delivery: usize) {
        if self.kept.borrow().is_empty() {
            return;
        }
        pass(AFTER_ANSWER_LIMIT).await;
        for task in self.kept.take() {
            if !task.is_finished() {
                recorder.broken_rule(delivery, "its work after the answer was cut off after 30 s");
                task.abort();
            }
        }
    }
}

impl Background for BackgroundWork {
    fn keep(&self, future: impl Future<Output = ()> + 'static) {
        self.kept.borrow_mut().extend(self.life.spawn(future));
    }
}
