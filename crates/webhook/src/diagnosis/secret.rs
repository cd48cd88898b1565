//! The keys that a signer may have made from a secret by mistake.

use core::fmt;

use zeroize::Zeroizing;

use super::cleaning::{Cleaning, value_in, word};
use super::decode;
use super::mistake::{KeyEncoding, Mistake, Party};
use crate::signature::{MAX_SECRETS, Secret, Secrets, SecretsError};

/// The prefix of every signing secret.
const PREFIX: &str = "whsec_";

/// The longest text of a secret whose variants are tried, in bytes. Cronozen's have some tens.
const MAX_VARIED_BYTES: usize = 1024;

/// A key, ready to sign. It is zeroised when dropped.
pub(super) struct Key {
    pub(super) position: usize,
    pub(super) change: SecretChange,
    pub(super) secret: Secret,
}

/// The difference between a configured text and a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SecretChange {
    cleaning: Cleaning,
    form: Form,
}

/// The mistake with which a signer makes a key from the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    AsItIs,
    Followed(&'static str),
    Quoted(&'static str),
    WithPrefix,
    WithoutPrefix,
    Decoded(KeyEncoding),
    DecodedAfterPrefix(KeyEncoding),
}

const FORMS: [Form; 12] = [
    Form::AsItIs,
    Form::Followed("\n"),
    Form::WithoutPrefix,
    Form::DecodedAfterPrefix(KeyEncoding::Base64),
    Form::DecodedAfterPrefix(KeyEncoding::Hexadecimal),
    Form::Decoded(KeyEncoding::Base64),
    Form::Decoded(KeyEncoding::Hexadecimal),
    Form::Followed("\r\n"),
    Form::Followed(" "),
    Form::Quoted("\""),
    Form::Quoted("'"),
    Form::WithPrefix,
];

/// Returns the different keys from the secrets: first those as they are, then those of repaired texts, then the others.
pub(super) fn keys_of(texts: &[&str]) -> Vec<Key> {
    let mut changes = Vec::new();
    for (position, text) in texts.iter().enumerate().filter(|(_, text)| !text.trim().is_empty()) {
        let mut seen = Vec::new();
        for change in SecretChange::all(text) {
            let Some(key) = change.key(text) else { continue };
            if !key.is_empty() && !seen.contains(&key) {
                seen.push(key);
                changes.push((position, *text, change));
            }
        }
    }
    let ranked = (0..=SecretChange::LAST_RANK)
        .flat_map(|rank| changes.iter().filter(move |(_, _, change)| change.rank() == rank));
    // The exact room: a vector that grows would leave copies of the keys behind.
    let mut keys = Vec::with_capacity(changes.len());
    keys.extend(ranked.filter_map(|(position, text, change)| {
        let secret = Secret::from_key(&change.key(text)?)?;
        Some(Key { position: *position, change: *change, secret })
    }));
    keys
}

/// Returns true if some variants of a text are not tried.
pub(super) fn has_limit(text: &str) -> bool {
    text.len() > MAX_VARIED_BYTES || word(text, MAX_SECRETS).is_some()
}

/// Returns the mistake of a side whose text the verifier refuses, or that is clearly no secret alone.
pub(super) fn mistake_in(text: &str, position: usize, party: Party) -> Option<Mistake> {
    if value_in(text).is_some_and(|value| value.starts_with(PREFIX)) {
        return Some(Mistake::SecretAssignment { position });
    }
    let list = Mistake::SecretList { position, word: None };
    if word(text, 1).is_some_and(|word| word.starts_with(PREFIX)) {
        return Some(list);
    }
    Some(match Secrets::new(&[text]).err()? {
        SecretsError::Count { .. } | SecretsError::Empty { .. } => {
            Mistake::SecretMissing { position: Some(position) }
        }
        SecretsError::InnerWhiteSpace { .. } => list,
        SecretsError::OuterWhiteSpace { .. } => Mistake::SecretWhiteSpace { position, party },
        SecretsError::QuotationMark { .. } => Mistake::SecretQuoted { position, party },
        SecretsError::InvisibleCharacter { .. } => {
            Mistake::SecretInvisibleCharacter { position, party }
        }
    })
}

impl SecretChange {
    /// Returns the changes that may give a different key.
    fn all(text: &str) -> impl Iterator<Item = Self> {
        let limit = if text.len() > MAX_VARIED_BYTES { 1 } else { usize::MAX };
        let changes = move |cleaning: Cleaning| {
            // A text that is still no secret is not varied: it is varied after the next cleaning.
            let is_clean =
                cleaning.apply(text).is_some_and(|clean| Secrets::new(&[&*clean]).is_ok());
            let forms = if is_clean { FORMS.len() } else { 1 };
            FORMS.into_iter().take(forms).map(move |form| Self { cleaning, form })
        };
        Cleaning::all().flat_map(changes).take(limit)
    }

    /// The last rank: 0 is a key as it is configured, 1 one of a repaired text, 2 any other.
    const LAST_RANK: u8 = 2;

    fn rank(self) -> u8 {
        match self {
            Self { form: Form::AsItIs, cleaning: Cleaning::None } => 0,
            Self { form: Form::AsItIs, .. } => 1,
            _ => Self::LAST_RANK,
        }
    }

    /// Returns true if the key is the text, or the text as it should be.
    pub(super) fn is_by_receiver(self) -> bool {
        self.form == Form::AsItIs
    }

    /// Returns the key's bytes, or `None` if the change does not apply to the text.
    pub(super) fn key(self, text: &str) -> Option<Zeroizing<Vec<u8>>> {
        let clean = self.cleaning.apply(text)?;
        let joined = |parts: &[&str]| {
            // The exact room: a vector that grows would leave copies of the key behind.
            let mut key =
                Zeroizing::new(Vec::with_capacity(parts.iter().map(|part| part.len()).sum()));
            key.extend(parts.iter().flat_map(|part| part.bytes()));
            key
        };
        match self.form {
            Form::AsItIs => Some(joined(&[&clean])),
            Form::Followed(end) => Some(joined(&[&clean, end])),
            Form::Quoted(mark) => Some(joined(&[mark, &clean, mark])),
            Form::WithPrefix => (!clean.starts_with(PREFIX)).then(|| joined(&[PREFIX, &clean])),
            Form::WithoutPrefix => clean.strip_prefix(PREFIX).map(|rest| joined(&[rest])),
            Form::Decoded(encoding) => encoding.decode(&clean),
            Form::DecodedAfterPrefix(encoding) => encoding.decode(clean.strip_prefix(PREFIX)?),
        }
    }

    /// Returns the mistakes that the change stands for, in a text.
    pub(super) fn mistakes(self, text: &str, position: usize) -> Vec<Mistake> {
        let mut mistakes: Vec<Mistake> = self.cleaning.mistakes(text, position).collect();
        // Both sides use the text in this form, which the verifier refuses.
        let clean = self.cleaning.apply(text).unwrap_or_default();
        let inner = clean.trim();
        for party in [Party::Receiver, Party::Signer] {
            for text in [&*clean, inner] {
                let remaining = mistake_in(text, position, party);
                let remaining = remaining.filter(|mistake| mistake.party() == Some(party));
                mistakes.extend(remaining.filter(|mistake| !mistakes.contains(mistake)));
            }
        }
        let party = Party::Signer;
        let formed = match self.form {
            Form::AsItIs => None,
            Form::Followed(_) => Some(Mistake::SecretWhiteSpace { position, party }),
            Form::Quoted(_) => Some(Mistake::SecretQuoted { position, party }),
            Form::WithPrefix => {
                Some(Mistake::SecretPrefixRemoved { position, party: Party::Receiver })
            }
            Form::WithoutPrefix => Some(Mistake::SecretPrefixRemoved { position, party }),
            Form::Decoded(encoding) | Form::DecodedAfterPrefix(encoding) => {
                Some(Mistake::SecretDecoded { position, encoding })
            }
        };
        mistakes.extend(formed);
        mistakes
    }
}

/// Writes the change as a part of a proof's text.
impl fmt::Display for SecretChange {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.cleaning.fmt(formatter)?;
        formatter.write_str(match self.form {
            Form::AsItIs => "",
            Form::Followed("\n") => ", followed by LF",
            Form::Followed("\r\n") => ", followed by CRLF",
            Form::Followed(_) => ", followed by a space",
            Form::Quoted(_) => ", in quotation marks",
            Form::WithPrefix => ", with whsec_ before it",
            Form::WithoutPrefix => ", without its prefix",
            Form::Decoded(KeyEncoding::Base64) => ", decoded from base64",
            Form::Decoded(KeyEncoding::Hexadecimal) => ", decoded from hexadecimal digits",
            Form::DecodedAfterPrefix(KeyEncoding::Base64) => {
                ", decoded from base64 after its prefix"
            }
            Form::DecodedAfterPrefix(KeyEncoding::Hexadecimal) => {
                ", decoded from hexadecimal digits after its prefix"
            }
        })
    }
}

impl KeyEncoding {
    fn decode(self, text: &str) -> Option<Zeroizing<Vec<u8>>> {
        match self {
            Self::Base64 => decode::base64(text.as_bytes()),
            Self::Hexadecimal => decode::hexadecimal(text.as_bytes()),
        }
    }
}
