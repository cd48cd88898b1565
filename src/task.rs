//! The executor of futures. It runs them whenever JavaScript calls the instance.
//!
//! `spawn_local` of the wasm-bindgen project schedules a microtask at each wake. Here, a future is woken only by a call
//! from JavaScript, at its end, so the future can continue at once.

use core::cell::{Cell, RefCell};
use core::task::{Context, Waker};
use std::collections::VecDeque;
use std::sync::Arc;
use std::task::Wake;

use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use slab::Slab;

thread_local! {
    /// The tasks that have not ended. Each is taken out while it runs.
    static TASKS: RefCell<Slab<Option<LocalBoxFuture<'static, ()>>>> = const { RefCell::new(Slab::new()) };

    static READY: RefCell<VecDeque<usize>> = const { RefCell::new(VecDeque::new()) };

    static RUNNING: Cell<bool> = const { Cell::new(false) };
}

/// The waker of the task with this key. It may wake a later task with the same key, which does no harm: a future may be
/// woken for nothing.
struct Key(usize);

impl Wake for Key {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        READY.with_borrow_mut(|ready| ready.push_back(self.0));
    }
}

/// Starts a future. It is boxed, so that the module has one kind of task, not one for each kind of future.
pub(super) fn spawn(future: impl Future<Output = ()> + 'static) {
    let future = future.boxed_local();
    let key = TASKS.with_borrow_mut(|tasks| tasks.insert(Some(future)));
    READY.with_borrow_mut(|ready| ready.push_back(key));
    run();
}

/// Runs all tasks that are ready. The tasks that a running task spawns or wakes run after it.
pub(super) fn run() {
    if RUNNING.replace(true) {
        return;
    }
    while let Some(key) = READY.with_borrow_mut(VecDeque::pop_front) {
        poll(key);
    }
    RUNNING.set(false);
}

fn poll(key: usize) {
    let task = TASKS.with_borrow_mut(|tasks| tasks.get_mut(key).and_then(Option::take));
    let Some(mut task) = task else { return };
    let waker = Waker::from(Arc::new(Key(key)));
    if task.as_mut().poll(&mut Context::from_waker(&waker)).is_ready() {
        TASKS.with_borrow_mut(|tasks| tasks.try_remove(key));
        return;
    }
    TASKS.with_borrow_mut(|tasks| {
        if let Some(place) = tasks.get_mut(key) {
            *place = Some(task);
        }
    });
}
