//! The mistakes that a diagnosis can find, in words.

use core::fmt;

use super::json_style::JsonStyle;
use crate::signature::{MalformedSignature, SignatureError};

/// The side that has made a mistake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Party {
    /// The program that checks the signature: its setting holds the mistake.
    Receiver,
    /// The program that has signed: it is usually a script or a test, because Cronozen signs as documented.
    Signer,
}

/// The difference of the received bytes from the signed ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Difference {
    /// The received body has more than was signed.
    Added,
    /// The received body lacks something that was signed.
    Lost,
}

/// The encoding from which a key was decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyEncoding {
    /// Base64 or base64url.
    Base64,
    /// Hexadecimal digits.
    Hexadecimal,
}

/// A mistake, or another reason to act. Positions are those of secrets in the list, counted from 0. No text of it holds a
/// secret, a signature or a part of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Mistake {
    /// The request has no signature header.
    SignatureMissing,
    /// The header's value is not 64 lowercase hexadecimal digits.
    SignatureMalformed(MalformedSignature),
    /// There is no secret, or the one at this position is blank.
    SecretMissing {
        /// The position of the blank secret; none without any secret.
        position: Option<usize>,
    },
    /// One text holds several secrets.
    SecretList {
        /// The position of the text.
        position: usize,
    },
    /// White space surrounds a secret.
    SecretWhiteSpace {
        /// The position of the secret.
        position: usize,
        /// The side whose secret has the white space.
        party: Party,
    },
    /// Quotation marks surround a secret.
    SecretQuoted {
        /// The position of the secret.
        position: usize,
        /// The side whose secret has the quotation marks.
        party: Party,
    },
    /// A secret contains an invisible character.
    SecretInvisibleCharacter {
        /// The position of the secret.
        position: usize,
        /// The side whose secret has the character.
        party: Party,
    },
    /// The signer has decoded the secret.
    SecretDecoded {
        /// The position of the secret.
        position: usize,
        /// The encoding from which it was decoded.
        encoding: KeyEncoding,
    },
    /// A secret lacks its prefix `whsec_`.
    SecretPrefixRemoved {
        /// The position of the secret.
        position: usize,
        /// The side whose secret lacks the prefix.
        party: Party,
    },
    /// A secret that is not the newest has signed the body.
    SecretPrevious {
        /// The position of the secret.
        position: usize,
    },
    /// The body was parsed, and serialised again in another style than the signed one.
    BodyReserialised {
        /// The style of the signed body.
        style: JsonStyle,
    },
    /// The line break at the body's end was added or lost.
    BodyTrailingNewline(Difference),
    /// Line feeds have become carriage returns with line feeds, or the other way round.
    BodyLineBreaks,
    /// The byte order mark was added or lost.
    BodyByteOrderMark(Difference),
    /// The body was read as Latin-1 (ISO 8859-1), or written in it.
    BodyLatin1,
    /// The received body, or the signed one, is empty.
    BodyEmpty(Party),
    /// A time stamp and a full stop were signed before the body.
    BodyTimestamped,
    /// No known mistake explains the signature.
    Unexplained {
        /// The number of combinations of a key and a body that were tried.
        combinations: u32,
        /// True if all combinations were tried. Those of large bodies, and of many secrets, would take too long.
        all: bool,
    },
}

impl Mistake {
    /// Returns the stable name of the mistake.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::SignatureMissing => "signature_missing",
            Self::SignatureMalformed(malformed) => match malformed {
                MalformedSignature::Empty => "signature_empty",
                MalformedSignature::Prefix => "signature_prefix",
                MalformedSignature::Surrounded => "signature_surrounded",
                MalformedSignature::Base64 => "signature_base64",
                MalformedSignature::UpperCase => "signature_upper_case",
                MalformedSignature::Length { .. } => "signature_length",
                MalformedSignature::Character { .. } => "signature_character",
            },
            Self::SecretMissing { .. } => "secret_missing",
            Self::SecretList { .. } => "secret_list",
            Self::SecretWhiteSpace { .. } => "secret_white_space",
            Self::SecretQuoted { .. } => "secret_quoted",
            Self::SecretInvisibleCharacter { .. } => "secret_invisible_character",
            Self::SecretDecoded { .. } => "secret_decoded",
            Self::SecretPrefixRemoved { .. } => "secret_prefix_removed",
            Self::SecretPrevious { .. } => "secret_previous",
            Self::BodyReserialised { .. } => "body_reserialised",
            Self::BodyTrailingNewline(_) => "body_trailing_newline",
            Self::BodyLineBreaks => "body_line_breaks",
            Self::BodyByteOrderMark(_) => "body_byte_order_mark",
            Self::BodyLatin1 => "body_latin1",
            Self::BodyEmpty(_) => "body_empty",
            Self::BodyTimestamped => "body_timestamped",
            Self::Unexplained { .. } => "unexplained",
        }
    }

    /// Returns the side that has made the mistake, if it is known. The bytes of a body may change on any side.
    #[must_use]
    pub fn party(self) -> Option<Party> {
        match self {
            Self::SecretMissing { .. } | Self::SecretList { .. } => Some(Party::Receiver),
            Self::SecretWhiteSpace { party, .. }
            | Self::SecretQuoted { party, .. }
            | Self::SecretInvisibleCharacter { party, .. }
            | Self::SecretPrefixRemoved { party, .. }
            | Self::BodyEmpty(party) => Some(party),
            Self::SignatureMalformed(
                MalformedSignature::Prefix
                | MalformedSignature::Base64
                | MalformedSignature::UpperCase,
            )
            | Self::SecretDecoded { .. }
            | Self::BodyTimestamped => Some(Party::Signer),
            _ => None,
        }
    }

    /// Returns the position of the secret, if the mistake is one of a secret.
    #[must_use]
    pub fn position(self) -> Option<usize> {
        match self {
            Self::SecretMissing { position } => position,
            Self::SecretList { position }
            | Self::SecretWhiteSpace { position, .. }
            | Self::SecretQuoted { position, .. }
            | Self::SecretInvisibleCharacter { position, .. }
            | Self::SecretDecoded { position, .. }
            | Self::SecretPrefixRemoved { position, .. }
            | Self::SecretPrevious { position } => Some(position),
            _ => None,
        }
    }
}

/// Writes the mistake in one sentence, the failure first.
impl fmt::Display for Mistake {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let party = |party| match party {
            Party::Receiver => "in your settings",
            Party::Signer => "where the body was signed",
        };
        match self {
            Self::SignatureMissing => SignatureError::Missing.fmt(formatter),
            Self::SignatureMalformed(malformed) => {
                SignatureError::Malformed(*malformed).fmt(formatter)
            }
            Self::SecretMissing { position: None } => {
                formatter.write_str("no secret: the list is empty")
            }
            Self::SecretMissing { position: Some(position) } => {
                write!(formatter, "secret at position {position} is empty or blank")
            }
            Self::SecretList { position } => {
                write!(
                    formatter,
                    "secret at position {position} contains white space: it is several secrets"
                )
            }
            Self::SecretWhiteSpace { position, party: at } => {
                write!(
                    formatter,
                    "secret at position {position} has white space around it {}",
                    party(*at)
                )
            }
            Self::SecretQuoted { position, party: at } => {
                write!(
                    formatter,
                    "secret at position {position} has quotation marks around it {}",
                    party(*at)
                )
            }
            Self::SecretInvisibleCharacter { position, party: at } => {
                write!(
                    formatter,
                    "secret at position {position} contains an invisible character {}",
                    party(*at)
                )
            }
            Self::SecretDecoded { position, encoding } => {
                let encoding = match encoding {
                    KeyEncoding::Base64 => "base64",
                    KeyEncoding::Hexadecimal => "hexadecimal digits",
                };
                write!(
                    formatter,
                    "secret at position {position} was decoded from {encoding} for signing"
                )
            }
            Self::SecretPrefixRemoved { position, party: at } => {
                write!(
                    formatter,
                    "secret at position {position} lacks its prefix whsec_ {}",
                    party(*at)
                )
            }
            Self::SecretPrevious { position } => {
                write!(
                    formatter,
                    "signed with the secret at position {position}, not with the newest"
                )
            }
            Self::BodyReserialised { style } => {
                write!(formatter, "body parsed and serialised again: the signed body is {style}")
            }
            Self::BodyTrailingNewline(Difference::Added) => formatter
                .write_str("line break added at the end of the body: the signed body has none"),
            Self::BodyTrailingNewline(Difference::Lost) => formatter
                .write_str("line break lost at the end of the body: the signed body has one"),
            Self::BodyLineBreaks => formatter.write_str(
                "line breaks of the body changed: the signed body has others (LF or CRLF)",
            ),
            Self::BodyByteOrderMark(Difference::Added) => formatter
                .write_str("byte order mark added before the body: the signed body has none"),
            Self::BodyByteOrderMark(Difference::Lost) => {
                formatter.write_str("byte order mark lost before the body: the signed body has one")
            }
            Self::BodyLatin1 => formatter.write_str(
                "encoding of the body changed: UTF-8 and Latin-1 were taken for each other",
            ),
            Self::BodyEmpty(Party::Receiver) => formatter.write_str("body empty: nothing was read"),
            Self::BodyEmpty(Party::Signer) => {
                formatter.write_str("body not signed: the signature is that of an empty body")
            }
            Self::BodyTimestamped => {
                formatter.write_str("time stamp signed with the body: only the body must be signed")
            }
            Self::Unexplained { combinations, all } => {
                let extent = if *all { "all" } else { "not all, because the work is limited" };
                write!(
                    formatter,
                    "signature unexplained after {combinations} combinations ({extent}): most likely another \
                     registration's secret, or a body whose numbers or order of keys changed"
                )
            }
        }
    }
}
