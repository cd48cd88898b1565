//! The search for the combination of a key and a body that gives the signature.

use super::body::{BodyChange, Candidate, length};
use super::header::Reading;
use super::json::Document;
use super::proof::Proof;
use super::secret::Key;
use crate::signature::Signature;

/// The most work of a search, in terms of hashed bytes. It is enough for all combinations of a usual event, and takes less
/// than 50 ms on a server's processor for any body of up to 1 MiB.
pub const MAX_WORK_BYTES: u64 = 40 * 1024 * 1024;

/// The bytes that an HMAC hashes besides the body: two blocks.
const HMAC_BYTES: u64 = 128;

/// The work of taking a JSON text apart, in terms of hashed bytes for each byte.
const PARSING: u64 = 4;

/// The result of a search, and its extent.
#[derive(Default)]
pub(super) struct Search {
    pub(super) proof: Option<Proof>,
    pub(super) combinations: u32,
    pub(super) work: u64,
    /// True if a limit has left out some combinations.
    pub(super) is_cut_short: bool,
}

impl Search {
    /// Searches single changes first, the cheap ones before the costly ones. Then it searches pairs.
    pub(super) fn run(
        found: (Reading, Signature),
        timestamp: Option<u64>,
        keys: &[Key],
        body: &[u8],
    ) -> Self {
        let mut search = Self::default();
        let configured = keys.partition_point(|key| key.change.is_by_receiver());
        let (as_configured, by_signer) = keys.split_at(configured);
        let unchanged = BodyChange::None.apply(body, None);
        if unchanged.is_some_and(|candidate| search.has_found(found, as_configured, &candidate)) {
            return search;
        }
        let document = search.spend(PARSING * length(body)).and_then(|()| Document::parse(body));
        let document = document.as_ref();
        let changes: Vec<_> = BodyChange::all(document, timestamp).collect();
        let first_costly = changes.partition_point(|change| change.is_cheap());
        let (cheap, costly) = changes.split_at(first_costly);
        let parts = [
            (cheap, as_configured),
            (&[BodyChange::None], by_signer),
            (costly, as_configured),
            (&changes, by_signer),
        ];
        for (changes, keys) in parts {
            for change in changes {
                let candidate = change.apply(body, document);
                if candidate.is_some_and(|candidate| search.has_found(found, keys, &candidate)) {
                    return search;
                }
            }
        }
        search.is_cut_short |= document.is_some_and(Document::is_cut_short);
        search
    }

    /// Tries a candidate with each key. Returns true when the search is over.
    fn has_found(
        &mut self,
        found: (Reading, Signature),
        keys: &[Key],
        candidate: &Candidate<'_>,
    ) -> bool {
        if self.spend(candidate.work()).is_none() {
            return true;
        }
        for key in keys {
            if self.spend(HMAC_BYTES + length(candidate.bytes())).is_none() {
                return true;
            }
            self.combinations += 1;
            self.proof = Proof::check(found, key, candidate);
            if self.proof.is_some() {
                return true;
            }
        }
        false
    }

    /// Takes work from what is left. Returns `None` if too little is left.
    fn spend(&mut self, work: u64) -> Option<()> {
        if self.work + work > MAX_WORK_BYTES {
            self.is_cut_short = true;
            return None;
        }
        self.work += work;
        Some(())
    }
}
