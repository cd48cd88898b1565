//! The messages of the mistakes.

use core::fmt;

use super::mistake::{Difference, KeyEncoding, Mistake, Party};
use crate::signature::{SecretsError, SignatureError};

/// Writes the mistake in one sentence, the failure first.
impl fmt::Display for Mistake {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SignatureMissing => SignatureError::Missing.fmt(formatter),
            Self::SignatureMalformed(malformed) => {
                SignatureError::Malformed(*malformed).fmt(formatter)
            }
            Self::SecretMissing { position: None } => {
                formatter.write_str("no secret: the list is empty")
            }
            Self::SecretCount { found } => SecretsError::Count { found: *found }.fmt(formatter),
            Self::SecretPrevious { position } => {
                write!(
                    formatter,
                    "signed with the secret at position {position}, not with the newest"
                )
            }
            Self::BodyReserialised { style } => {
                write!(formatter, "body parsed and serialised again: the signed body is {style}")
            }
            Self::Unexplained { combinations: 0, .. } => {
                formatter.write_str("signature unexplained: the body is too large to search")
            }
            Self::Unexplained { combinations, all } => {
                let extent = if *all { "all" } else { "not all, because the search is limited" };
                write!(
                    formatter,
                    "signature unexplained after {combinations} combinations ({extent}): most likely another \
                     registration's secret, or a body whose numbers or order of keys changed"
                )
            }
            _ => {
                if let Some(position) = self.position() {
                    write!(formatter, "secret at position {position} ")?;
                }
                formatter.write_str(self.fact())?;
                // The other facts say the side.
                formatter.write_str(match (self, self.party()) {
                    (Self::BodyEmpty(_) | Self::SecretDecoded { .. }, _) => "",
                    (_, Some(Party::Receiver)) if self.position().is_some() => " in your settings",
                    (_, Some(Party::Signer)) if self.position().is_some() => {
                        " where the body was signed"
                    }
                    _ => "",
                })
            }
        }
    }
}

impl Mistake {
    /// Returns the part of the message that does not depend on the position or the side.
    fn fact(self) -> &'static str {
        match self {
            Self::SignatureBase64OfDigits => {
                "signature malformed: base64 of the hexadecimal digits (the digits are expected)"
            }
            Self::SignatureRepeated => {
                "signature repeated: the header holds several values: something between sets it twice"
            }
            Self::SecretMissing { .. } => "is empty or blank",
            Self::SecretList { word: None, .. } => "is several secrets, or one that was wrapped,",
            Self::SecretList { word: Some(_), .. } => "is several secrets",
            Self::SecretWrapped { .. } => "is broken by white space",
            Self::SecretAssignment { .. } => "is a whole line: a name and = stand before it",
            Self::SecretWhiteSpace { .. } => "has white space around it",
            Self::SecretQuoted { .. } => "has quotation marks around it",
            Self::SecretInvisibleCharacter { .. } => "contains an invisible character",
            Self::SecretDecoded { encoding: KeyEncoding::Base64, .. } => {
                "was decoded from base64 for signing"
            }
            Self::SecretDecoded { encoding: KeyEncoding::Hexadecimal, .. } => {
                "was decoded from hexadecimal digits for signing"
            }
            Self::SecretPrefixRemoved { .. } => "lacks its prefix whsec_",
            Self::BodyTrailingNewline(Difference::Added) => {
                "line break added at the end of the body: the signed body has none"
            }
            Self::BodyTrailingNewline(Difference::Lost) => {
                "line break lost at the end of the body: the signed body has one"
            }
            Self::BodyLineBreaks => {
                "line breaks of the body changed: the signed body has others (LF or CRLF)"
            }
            Self::BodyByteOrderMark(Difference::Added) => {
                "byte order mark added before the body: the signed body has none"
            }
            Self::BodyByteOrderMark(Difference::Lost) => {
                "byte order mark lost before the body: the signed body has one"
            }
            Self::BodyLatin1 => {
                "encoding of the body changed: UTF-8 and Latin-1 were taken for each other"
            }
            Self::BodyEmpty(Party::Receiver) => "body empty: nothing was read",
            Self::BodyEmpty(Party::Signer) => {
                "body not signed: the signature is that of an empty body"
            }
            Self::BodyTimestamped => {
                "time stamp signed with the body: only the body must be signed"
            }
            // Those that `Display` writes whole.
            Self::SignatureMissing
            | Self::SignatureMalformed(_)
            | Self::SecretCount { .. }
            | Self::SecretPrevious { .. }
            | Self::BodyReserialised { .. }
            | Self::Unexplained { .. } => "",
        }
    }
}
