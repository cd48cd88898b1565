//! The isolate of one delivery: where it dies, and the work that it does after the answer.

use std::cell::RefCell;
use std::future::pending;
use std::rc::Rc;

use cronozen_gateway::runtime::Background;
use tokio::task::AbortHandle;

use crate::clock::{Ms, SECOND, pass};
use crate::fate::Step;
use crate::faults::Fault;
use crate::history::Recorder;
use crate::life::Life;

/// The longest that a Worker may run after its answer.
const AFTER_ANSWER_LIMIT: Ms = 30 * SECOND;

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
