//! A model of Workers KV: eventually consistent, with cached misses and one write a second to a key.

use std::collections::BTreeMap;

use crate::clock::{Ms, SECOND};
pub use store::KvStore;

mod store;

/// The time within which KV refuses a second write to a key.
const BETWEEN_WRITES: Ms = SECOND;

struct KvWrite {
    at: Ms,
    visible: Vec<Ms>,
    ends: Ms,
}

#[derive(Clone, Copy)]
struct CachedRead {
    from: Ms,
    found: bool,
}

/// The result of a read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Read {
    pub found: bool,
    /// The time whose state was read. It is earlier than the read if the answer was cached.
    pub as_of: Ms,
    /// True if a marker exists that has not reached the location yet.
    pub hidden: bool,
    /// True if there was a marker that has expired.
    pub expired: bool,
}

/// One namespace.
pub struct Kv {
    cache: Ms,
    writes: BTreeMap<String, Vec<KvWrite>>,
    cached: BTreeMap<(String, usize), CachedRead>,
}

impl Kv {
    /// Returns a namespace whose reads are cached for `cache`.
    pub fn new(cache: Ms) -> Self {
        Self { cache, writes: BTreeMap::new(), cached: BTreeMap::new() }
    }

    /// Reads a key at a location.
    pub fn read(&mut self, key: &str, location: usize, now: Ms) -> Read {
        let writes = self.writes.get(key).map(Vec::as_slice).unwrap_or_default();
        let (live, expired): (Vec<&KvWrite>, Vec<&KvWrite>) =
            writes.iter().partition(|write| write.ends > now);
        let hidden = live.iter().any(|write| write.visible[location] > now);
        let expired = !expired.is_empty();
        let cache_key = (key.to_owned(), location);
        if let Some(CachedRead { from, found }) = self.cached.get(&cache_key).copied()
            && now < from + self.cache
        {
            return Read { found, as_of: from, hidden, expired };
        }
        let found = live.iter().any(|write| write.visible[location] <= now);
        self.cached.insert(cache_key, CachedRead { from: now, found });
        Read { found, as_of: now, hidden, expired }
    }

    /// Writes a key at a location. Returns the time from which the write is visible, by location. Returns `None` if the
    /// last write to the key is too recent.
    pub fn write(
        &mut self,
        key: &str,
        location: usize,
        propagation: &[Ms],
        ttl: Ms,
        now: Ms,
    ) -> Option<Vec<Ms>> {
        let writes = self.writes.entry(key.to_owned()).or_default();
        if writes.last().is_some_and(|last| now < last.at + BETWEEN_WRITES) {
            return None;
        }
        let mut visible: Vec<Ms> = propagation.iter().map(|delay| now + delay).collect();
        visible[location] = now;
        writes.push(KvWrite { at: now, visible: visible.clone(), ends: now + ttl });
        self.cached.remove(&(key.to_owned(), location));
        Some(visible)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Ms = 86_400_000;

    fn found(kv: &mut Kv, location: usize, now: Ms) -> bool {
        kv.read("key", location, now).found
    }

    #[test]
    fn a_write_is_visible_at_once_here_and_later_elsewhere() {
        let mut kv = Kv::new(30_000);
        assert_eq!(kv.write("key", 0, &[9, 5000], DAY, 100), Some(vec![100, 5100]));
        assert!(found(&mut kv, 0, 100));
        assert!(kv.read("key", 1, 5099).hidden);
        // The miss is cached for 30 s.
        assert_eq!(kv.read("key", 1, 35_098).as_of, 5099);
        assert!(found(&mut kv, 1, 35_099));
        assert!(!found(&mut kv, 0, DAY + 100));
        assert!(kv.read("key", 0, DAY + 100).expired);
    }

    #[test]
    fn a_write_drops_the_cached_miss_at_its_location() {
        let mut kv = Kv::new(60_000);
        assert!(!found(&mut kv, 0, 0));
        assert!(kv.write("key", 0, &[0, 0], DAY, 10).is_some());
        assert!(found(&mut kv, 0, 10));
    }

    #[test]
    fn a_key_accepts_one_write_a_second() {
        let mut kv = Kv::new(30_000);
        assert!(kv.write("key", 0, &[0, 0], DAY, 0).is_some());
        assert!(kv.write("key", 1, &[0, 0], DAY, 999).is_none());
        assert!(kv.write("other", 1, &[0, 0], DAY, 999).is_some());
        assert!(kv.write("key", 1, &[0, 0], DAY, 1000).is_some());
    }
}
