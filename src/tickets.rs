//! Tickets, which identify the waits for calls from outside, such as for the result of a JavaScript promise.
//!
//! A ticket is never reused. A call may come long after its wait was given up, and must then find nothing. If it found
//! another wait, a slow read of a body could be mistaken for the acknowledgement of a send.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, DefaultHasher};

/// The number of one wait. JavaScript holds it as a double, which is exact up to 2^53.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Ticket(u64);

impl Ticket {
    /// Returns the ticket with this number. The ticket need not exist.
    #[must_use]
    pub fn from_number(number: u64) -> Self {
        Self(number)
    }

    /// Returns the ticket's number, for use outside of Rust.
    #[must_use]
    pub fn number(self) -> u64 {
        self.0
    }
}

/// The present waits, by their tickets.
#[derive(Debug)]
pub struct Tickets<T> {
    waits: HashMap<Ticket, T, BuildHasherDefault<DefaultHasher>>,
    next: u64,
}

impl<T> Default for Tickets<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Tickets<T> {
    /// Returns an empty set of waits.
    #[must_use]
    pub const fn new() -> Self {
        Self { waits: HashMap::with_hasher(BuildHasherDefault::new()), next: 0 }
    }

    /// Keeps `wait` until its ticket is taken.
    pub fn give(&mut self, wait: T) -> Ticket {
        let ticket = Ticket(self.next);
        self.next += 1;
        self.waits.insert(ticket, wait);
        ticket
    }

    /// Takes the wait of this ticket. Returns `None` if it has been taken already.
    pub fn take(&mut self, ticket: Ticket) -> Option<T> {
        self.waits.remove(&ticket)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_ticket_can_be_restored_from_its_number() {
        let mut tickets = Tickets::default();
        let [first, second] = ["first", "second"].map(|wait| tickets.give(wait));
        assert_ne!(first.number(), second.number());
        for (ticket, wait) in [(second, "second"), (first, "first")] {
            assert_eq!(tickets.take(Ticket::from_number(ticket.number())), Some(wait));
        }
        assert_eq!(tickets.take(first), None);
    }

    proptest! {
        /// Some waits are settled or given up, in any order. Then every ticket that was ever given is called.
        #[test]
        fn a_late_call_never_settles_another_wait(
            steps in prop::collection::vec(any::<Option<prop::sample::Index>>(), 1..200),
        ) {
            let mut tickets = Tickets::default();
            let mut given = Vec::new();
            let mut waiting = Vec::new();
            for (wait, step) in steps.into_iter().enumerate() {
                match step {
                    Some(choice) if !waiting.is_empty() => {
                        let (ticket, wait) = waiting.swap_remove(choice.index(waiting.len()));
                        prop_assert_eq!(tickets.take(ticket), Some(wait));
                    }
                    _ => {
                        let ticket = tickets.give(wait);
                        given.push((ticket, wait));
                        waiting.push((ticket, wait));
                    }
                }
            }
            for (ticket, wait) in given {
                let expected = waiting.contains(&(ticket, wait)).then_some(wait);
                prop_assert_eq!(tickets.take(ticket), expected);
            }
        }
    }
}
