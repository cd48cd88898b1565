//! Invariant 5: a copy of an event has a cause.

use std::collections::BTreeMap;

use super::Check;
use crate::causes::{Cause, cause};
use crate::history::Trail;

impl Check<'_> {
    /// Invariant 5.
    pub(super) fn copies_have_causes(&mut self) {
        let mut by_event: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (number, copy) in self.history.copies.iter().enumerate() {
            let trail = &self.history.trails[copy.delivery];
            let earlier = by_event.entry(trail.event).or_default();
            earlier.push(number);
        }
        for copies in by_event.values_mut() {
            // In the order of their leases or sends: a send that is issued first may be stored last.
            copies.sort_by_key(|copy| {
                let Trail { lease, sent, .. } =
                    &self.history.trails[self.history.copies[*copy].delivery];
                (lease.map(|lease| lease.at), sent.map(|sent| sent.at), *copy)
            });
            for (position, later) in copies.iter().enumerate().skip(1) {
                self.copy_has_a_cause(&copies[..position], *later);
            }
        }
    }

    /// Checks that `later` has a cause with regard to every earlier copy. Only the cause with regard to the last one is
    /// counted.
    fn copy_has_a_cause(&mut self, earlier: &[usize], later: usize) {
        let later = &self.history.copies[later];
        let event = self.history.trails[later.delivery].event;
        let interruptions = self.interruptions(event);
        let mut last = None;
        for copy in earlier {
            let before = self.history.copies[*copy].delivery;
            let trails = (&self.history.trails[before], &self.history.trails[later.delivery]);
            last = cause(self.mode, trails.0, trails.1, &interruptions)
                .filter(|cause| before != later.delivery && cause.applies(self.mode));
            if last.is_none() {
                let description = self.describe(before);
                let what = format!("a copy without a cause, after {description}");
                return self.violated(5, later.delivery, what);
            }
        }
        self.findings.causes.extend(last);
        let expected = match last {
            Some(Cause::LookInDoubt) => r#""dedupe":"unknown""#,
            Some(Cause::Outside) if self.plan.events[event].dated => r#""window":"outside""#,
            _ => return,
        };
        if !later.text.contains(expected) {
            self.violated(5, later.delivery, format_args!("the message does not say {expected}"));
        }
    }
}
