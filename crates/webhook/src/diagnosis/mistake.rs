//! The mistakes that a diagnosis can find.

use super::json_style::JsonStyle;
use crate::signature::MalformedSignature;

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

/// A mistake, or another reason to act. Positions are those of secrets in the list, counted from 0. No text of it holds
/// a secret, a signature or a part of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Mistake {
    /// The request has no signature header.
    SignatureMissing,
    /// The header's value is not 64 lowercase hexadecimal digits.
    SignatureMalformed(MalformedSignature),
    /// The header's value is base64 of the 64 digits.
    SignatureBase64OfDigits,
    /// The header holds several values.
    SignatureRepeated,
    /// There is no secret, or the one at this position is blank.
    SecretMissing {
        /// The position of the blank secret; none without any secret.
        position: Option<usize>,
    },
    /// There are more secrets than the verifier takes.
    SecretCount {
        /// The number of secrets.
        found: usize,
    },
    /// One text holds several secrets, or perhaps one that was wrapped.
    SecretList {
        /// The position of the text.
        position: usize,
        /// The position of the word that is a secret, if one has signed the body.
        word: Option<usize>,
    },
    /// A secret holds white space, because a terminal has wrapped it.
    SecretWrapped {
        /// The position of the secret.
        position: usize,
    },
    /// A text is a line such as `CRONOZEN_SIGNING_SECRET=whsec_…`, and not only its value.
    SecretAssignment {
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
    /// A secret that is not the newest has signed the body: the previous one, or another registration's.
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
        /// True if all combinations were tried. Those of large bodies, and of many or long secrets, would take
        /// too long.
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
            Self::SignatureBase64OfDigits => "signature_base64",
            Self::SignatureRepeated => "signature_repeated",
            Self::SecretMissing { .. } => "secret_missing",
            Self::SecretCount { .. } => "secret_count",
            Self::SecretList { .. } => "secret_list",
            Self::SecretWrapped { .. } => "secret_wrapped",
            Self::SecretAssignment { .. } => "secret_assignment",
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
            Self::SecretMissing { .. }
            | Self::SecretCount { .. }
            | Self::SecretList { .. }
            | Self::SecretWrapped { .. }
            | Self::SecretAssignment { .. } => Some(Party::Receiver),
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
            | Self::SignatureBase64OfDigits
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
            Self::SecretList { position, .. }
            | Self::SecretWrapped { position }
            | Self::SecretAssignment { position }
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
