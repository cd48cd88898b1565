//! A bucket for bodies that are too large for a message.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use cronozen_gateway::bodies::BodyStore;
use cronozen_gateway::runtime::{Clock, PlatformError};
use cronozen_webhook::message::StoredBody;
use cronozen_webhook::time::Timestamp;

use crate::platform::{Behaviour, FakeClock};

#[derive(Clone)]
pub struct FakeBucket {
    clock: FakeClock,
    pub put: Rc<Cell<Behaviour>>,
    pub head: Rc<Cell<Behaviour>>,
    pub stored: Rc<RefCell<BTreeMap<String, Vec<u8>>>>,
    /// The time at which each body was last stored.
    pub uploaded: Rc<RefCell<BTreeMap<String, Timestamp>>>,
    /// The number of calls of `put`.
    pub puts: Rc<Cell<usize>>,
    /// The number of calls of `holds`.
    pub checks: Rc<Cell<usize>>,
}

impl FakeBucket {
    pub fn working(clock: &FakeClock) -> Self {
        Self {
            clock: clock.clone(),
            put: Rc::new(Cell::new(Behaviour::Works(5))),
            head: Rc::new(Cell::new(Behaviour::Works(5))),
            stored: Rc::default(),
            uploaded: Rc::default(),
            puts: Rc::default(),
            checks: Rc::default(),
        }
    }
}

impl BodyStore<Vec<u8>> for FakeBucket {
    async fn put(&self, body: &StoredBody, held: Vec<u8>) -> Result<(), PlatformError> {
        self.puts.set(self.puts.get() + 1);
        let write = || {
            self.uploaded.borrow_mut().insert(body.key(), self.clock.now());
            self.stored.borrow_mut().insert(body.key(), held);
        };
        self.put.get().perform(write).await
    }

    async fn holds(&self, body: &StoredBody, since: Timestamp) -> Result<bool, PlatformError> {
        self.checks.set(self.checks.get() + 1);
        let look = || {
            let fresh = self.uploaded.borrow().get(&body.key()).is_some_and(|at| *at >= since);
            let stored = self.stored.borrow();
            fresh && stored.get(&body.key()).is_some_and(|stored| stored.len() == body.bytes())
        };
        self.head.get().perform(look).await
    }
}
