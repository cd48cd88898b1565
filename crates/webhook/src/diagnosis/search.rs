//! The search for the combination of a key and a body that gives the signature.

use super::body::{BodyChange, Candidate};
use super::header::Reading;
use super::json::Document;
use super::proof::Proof;
use super::secret::Key;
use super::work::{Work, length};
use crate::signature::Signature;

/// The bytes that an HMAC hashes besides the body: two blocks.
const HMAC_BYTES: u64 = 128;

/// The result of a search, and its extent.
#[derive(Default)]
pub(super) struct Search {
    pub(super) proof: Option<Proof>,
    pub(super) combinations: u32,
    pub(super) work: Work,
}

impl Search {
    /// Searches single changes first, the cheap ones before the costly ones. Then it searches pairs.
    pub(super) fn run(
        found: &[(Reading, Signature)],
        timestamp: Option<u64>,
        keys: &[Key],
        body: &[u8],
    ) -> Self {
        let mut search = Self::default();
        let configured = keys.partition_point(|key| key.change.is_by_receiver());
        let (as_configured, by_signer) = keys.split_at(configured);
        let unchanged = Candidate::unchanged(body);
        search.try_keys(found, as_configured, &unchanged);
        if search.proof.is_some() {
            return search;
        }
        let document = Document::parse(body, &mut search.work);
        let document = document.as_ref();
        let mut changes: Vec<_> = BodyChange::all(document, timestamp).collect();
        let mut costly = changes.split_off(changes.partition_point(|change| change.is_cheap()));
        // A change that does not apply is not tried again with the other keys.
        changes.retain(|change| search.applies(found, as_configured, body, document, *change));
        search.try_keys(found, by_signer, &unchanged);
        costly.retain(|change| search.applies(found, as_configured, body, document, *change));
        changes.append(&mut costly);
        for change in changes {
            search.applies(found, by_signer, body, document, change);
        }
        search
    }

    /// Tries a changed body with each key. Returns false if the change does not apply, or the search is over.
    fn applies(
        &mut self,
        found: &[(Reading, Signature)],
        keys: &[Key],
        body: &[u8],
        document: Option<&Document<'_>>,
        change: BodyChange,
    ) -> bool {
        if self.proof.is_some() {
            return false;
        }
        let candidate = change.apply(body, document, &mut self.work);
        candidate.is_some_and(|candidate| {
            self.try_keys(found, keys, &candidate);
            true
        })
    }

    /// Tries a body with each key, until one matches or too little work is left.
    fn try_keys(
        &mut self,
        found: &[(Reading, Signature)],
        keys: &[Key],
        candidate: &Candidate<'_>,
    ) {
        for key in keys {
            let cost = HMAC_BYTES.saturating_add(length(candidate.bytes()));
            if self.proof.is_some() || self.work.spend(cost).is_none() {
                return;
            }
            self.combinations += 1;
            self.proof = Proof::check(found, key, candidate);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::diagnosis::work::{MAX_WORK_BYTES, meter};
    use crate::diagnosis::{Finding, Mistake, diagnose};

    const MIB: usize = 1024 * 1024;

    /// Returns the bytes that a search in vain has hashed, written and sorted, and whether it has tried everything.
    fn done(body: &str) -> (u64, bool) {
        meter::take();
        let diagnosis = diagnose(body.as_bytes(), Some(&[b'0'; 64]), &["whsec_00", "whsec_11"]);
        let mut mistakes = diagnosis.findings().iter().map(Finding::mistake);
        let all = mistakes
            .next_back()
            .is_some_and(|mistake| matches!(mistake, Mistake::Unexplained { all: true, .. }));
        (meter::take().try_into().unwrap(), all)
    }

    #[test]
    fn the_work_that_is_done_stays_within_the_limit() {
        let nested = |depth| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        let fields = (0..50_000)
            .rev()
            .fold(String::new(), |fields, key| fields + &format!("\"{key:05}</\u{e9}\":0,"));
        for body in [
            "x".repeat(MIB),
            "\u{e9}".repeat(MIB),
            format!("[{}0]", "0,".repeat(100_000)),
            format!("{{{fields}\"a\":0}}"),
            // Their indentation is too long, or nearly.
            format!("{{\"b\":\"\u{e9}/<\",\"a\":[{}0]}}", format!("{},", nested(120)).repeat(300)),
            format!("{{\"b\":\"\u{e9}/<\",\"a\":[{}0]}}", format!("{},", nested(120)).repeat(130)),
            // Their escapes are too long.
            format!("[\"{}\"]", "\u{e9}".repeat(MIB)),
            format!("[\"</{}\"]", "'".repeat(MIB)),
        ] {
            let (bytes, all) = done(&body);
            assert!(!all && bytes <= MAX_WORK_BYTES, "{bytes} for {} bytes", body.len());
            // The limit is used.
            assert!(bytes >= MAX_WORK_BYTES / 8, "{bytes} for {} bytes", body.len());
        }
        let (bytes, all) = done("{\"b\":\"\u{e9}/<\",\"a\":[1,2]}");
        assert!(all && bytes < MAX_WORK_BYTES / 100, "{bytes}");
    }
}
