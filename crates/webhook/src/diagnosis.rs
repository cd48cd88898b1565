//! The reason why a signature does not verify, for people who hold the secret.
//!
//! [`diagnose`] tries the usual mistakes, alone and together, until the signature matches. Never use it to answer a
//! sender: its work is hundreds of times a verifier's, and its findings help an attacker.
//!
//! ```
//! use cronozen_webhook::diagnosis::diagnose;
//! # use cronozen_webhook::signature::Secrets;
//! let body = b"{\"eventId\":\"evt_1\"}\n";
//! # let signature = Secrets::parse("whsec_test")?.sign(b"{\"eventId\":\"evt_1\"}").to_string();
//! let diagnosis = diagnose(body, Some(signature.as_bytes()), &["whsec_test"]);
//! let finding = diagnosis.findings().first().ok_or("no finding")?;
//! assert_eq!(finding.code(), "body_trailing_newline");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub use json_style::JsonStyle;
pub use mistake::{Difference, KeyEncoding, Mistake, Party};
pub use proof::Proof;
pub use work::MAX_WORK_BYTES;

mod body;
mod cleaning;
mod cure;
mod decode;
mod header;
mod json;
mod json_style;
mod json_text;
mod json_writer;
mod message;
mod mistake;
mod proof;
mod search;
mod secret;
mod work;

use crate::signature::{MAX_SECRETS, Secrets, Signature};
use header::Header;
use search::Search;
use secret::{has_limit, keys_of, mistake_in};

/// Returns the mistakes that explain why a signature does not verify.
///
/// `signature` is the header's value. `secrets` are the texts as they are configured, newest first, which may be unusable
/// as secrets; only the first [`MAX_SECRETS`] count. The search does at most [`MAX_WORK_BYTES`] of work, so not all
/// combinations are tried for large bodies.
#[must_use]
pub fn diagnose(body: &[u8], signature: Option<&[u8]>, secrets: &[impl AsRef<str>]) -> Diagnosis {
    let texts: Vec<&str> = secrets.iter().map(AsRef::as_ref).take(MAX_SECRETS).collect();
    let header = Header::read(signature);
    let keys = keys_of(&texts);
    let search = if header.found.is_empty() {
        Search::default()
    } else {
        Search::run(&header.found, header.timestamp, &keys, body)
    };

    let has_left_out = header.is_cut_short
        || secrets.len() > MAX_SECRETS
        || texts.iter().any(|text| has_limit(text));
    let verified = verified(body, signature, secrets);

    let proof = search.proof;
    let proven = |mistake| Finding { mistake, proof };
    let mistakes = header.mistakes(proof.map(|proof| proof.reading()));
    let mut findings: Vec<Finding> = mistakes.into_iter().map(proven).collect();
    if secrets.len() > MAX_SECRETS {
        let mistake = Mistake::SecretCount { found: secrets.len() };
        findings.push(Finding { mistake, proof: None });
    }
    findings.extend(secret_findings(&texts, proof, verified));
    if let Some(proof) = proof {
        findings.extend(proof.body_change().mistakes(body).map(proven));
    }
    let rest = match proof {
        Some(_) => None,
        None if verified.is_some() || header.found.is_empty() || keys.is_empty() => None,
        None if body.is_empty() => Some(Mistake::BodyEmpty(Party::Receiver)),
        None => Some(Mistake::Unexplained {
            combinations: search.combinations,
            all: !search.work.is_cut_short() && !has_left_out,
        }),
    };
    findings.extend(rest.map(proven));
    Diagnosis { findings, verified, proof, work: search.work.done() }
}

/// The result of [`diagnose`].
#[derive(Debug, Clone)]
pub struct Diagnosis {
    findings: Vec<Finding>,
    verified: Option<usize>,
    proof: Option<Proof>,
    work: u64,
}

impl Diagnosis {
    /// Returns the findings: first those of the header, then those of the secrets, then those of the body. A right
    /// signature of the newest secret has none, if no other secret is wrong or looks wrong.
    #[must_use]
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// Returns the position of the secret with which the verifier accepts the signature as it is, counted from 0. The
    /// verifier accepts nothing if one of the secrets is not valid, or if there are too many.
    #[must_use]
    pub fn verified(&self) -> Option<usize> {
        self.verified
    }

    /// Returns the combination with which the signature matches.
    #[must_use]
    pub fn proof(&self) -> Option<&Proof> {
        self.proof.as_ref()
    }

    /// Returns the work of the search, at most [`MAX_WORK_BYTES`].
    #[must_use]
    pub fn work(&self) -> u64 {
        self.work
    }
}

/// A mistake, and the proof of it.
#[derive(Debug, Clone, Copy)]
pub struct Finding {
    mistake: Mistake,
    proof: Option<Proof>,
}

impl Finding {
    /// Returns the mistake, whose text is the message.
    #[must_use]
    pub fn mistake(&self) -> Mistake {
        self.mistake
    }

    /// Returns the stable name of the mistake.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.mistake.code()
    }

    /// Returns what to do about it, in a few short sentences.
    #[must_use]
    pub fn cure(&self) -> &'static str {
        self.mistake.cure()
    }

    /// Returns the combination with which the signature matches, if the finding is a part of it. A finding without a
    /// proof is a fact of the header or of a secret, or says that nothing was found.
    #[must_use]
    pub fn proof(&self) -> Option<&Proof> {
        self.proof.as_ref()
    }
}

/// Asks the verifier itself, which refuses the whole list if one secret is not valid.
fn verified(body: &[u8], signature: Option<&[u8]>, secrets: &[impl AsRef<str>]) -> Option<usize> {
    let signature = Signature::parse(signature).ok()?;
    let secrets = Secrets::new(secrets).ok()?;
    secrets.verify(body, signature).ok().map(|verified| verified.key().into())
}

fn secret_findings(texts: &[&str], proof: Option<Proof>, verified: Option<usize>) -> Vec<Finding> {
    let mut findings = Vec::new();
    if texts.is_empty() {
        findings.push(Finding { mistake: Mistake::SecretMissing { position: None }, proof: None });
    }
    // Without a proof, the body was too large for a search.
    let matched = proof.map(|proof| proof.position()).or(verified);
    for (position, text) in texts.iter().enumerate() {
        let proof = proof.filter(|proof| proof.position() == position);
        let mistakes = match proof {
            // The text is right as it is, although it may look like a list.
            _ if verified == Some(position) => Vec::new(),
            Some(proof) => proof.secret_change().mistakes(text, position),
            None => mistake_in(text, position, Party::Receiver).into_iter().collect(),
        };
        // The same text before it would have matched first.
        let mut newer = texts.iter().take(position);
        let is_previous =
            matched == Some(position) && newer.any(|newer| Secrets::new(&[newer]).is_ok());
        let previous = is_previous.then_some(Mistake::SecretPrevious { position });
        let mistakes = mistakes.into_iter().chain(previous);
        findings.extend(mistakes.map(|mistake| Finding { mistake, proof }));
    }
    findings
}
