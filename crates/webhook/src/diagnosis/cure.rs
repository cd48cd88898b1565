//! The cures of the mistakes.

use super::mistake::{Mistake, Party};
use crate::signature::MalformedSignature;

impl Mistake {
    /// Returns what to do about it, in a few short sentences.
    #[must_use]
    pub fn cure(self) -> &'static str {
        match self {
            Self::SignatureMissing | Self::SignatureMalformed(MalformedSignature::Empty) => {
                "Pass the value of the request's header x-cronozen-signature. If a proxy removes it, let it pass."
            }
            Self::SignatureMalformed(malformed) => malformed_cure(malformed),
            Self::SignatureBase64OfDigits => "Send the hexadecimal digits themselves.",
            Self::SignatureRepeated => {
                "Find what sets the header a second time, a proxy or the sending program, and let one value through."
            }
            Self::SecretMissing { .. } => {
                "Set CRONOZEN_SIGNING_SECRET to the signing secret that Cronozen showed at the registration."
            }
            Self::SecretCount { .. } => {
                "Remove the oldest secrets. Those after the eighth were not tried."
            }
            Self::SecretList { word: Some(_), .. } => {
                "Pass each secret as a text of its own, the newest first: split the text at white space and commas."
            }
            Self::SecretList { word: None, .. } => {
                "Pass each secret as a text of its own, the newest first. If it is one secret that a terminal has \
                 wrapped, remove the white space from it."
            }
            Self::SecretWrapped { .. } => {
                "Remove the white space from the secret: a terminal or an editor has wrapped it."
            }
            Self::SecretAssignment { .. } => {
                "Configure what follows the = alone, without the name before it."
            }
            Self::SecretWhiteSpace { party: Party::Receiver, .. } => {
                "Trim the secret. printf %s writes no line break after it, echo does."
            }
            Self::SecretWhiteSpace { party: Party::Signer, .. } => {
                "Trim the secret where the body is signed: a file usually ends with a line break."
            }
            Self::SecretQuoted { party: Party::Receiver, .. } => {
                "Remove the quotation marks from the setting's value."
            }
            Self::SecretQuoted { party: Party::Signer, .. } => {
                "Remove the quotation marks from the secret where the body is signed."
            }
            Self::SecretInvisibleCharacter { party: Party::Receiver, .. } => {
                "Copy the secret again, as plain text, or type the setting anew."
            }
            Self::SecretInvisibleCharacter { party: Party::Signer, .. } => {
                "Copy the secret again, as plain text, where the body is signed."
            }
            Self::SecretDecoded { .. } => {
                "Sign with the secret's text as it is, in UTF-8. It is not decoded, although it looks like an encoding."
            }
            Self::SecretPrefixRemoved { party: Party::Receiver, .. } => {
                "Configure the whole secret, with whsec_ at its start."
            }
            Self::SecretPrefixRemoved { party: Party::Signer, .. } => {
                "Sign with the whole secret, with whsec_ at its start."
            }
            Self::SecretPrevious { .. } => {
                "If it is another registration's secret, nothing is wrong. If it is the previous one, keep it until \
                 Cronozen signs with the newest."
            }
            Self::BodyReserialised { .. } => {
                "Pass the bytes that came over the wire, before anything has parsed them. \
                 If you sign it yourself, sign the very bytes that you send."
            }
            Self::BodyTrailingNewline(_) => {
                "Pass the exact bytes. echo and editors add a line break: use printf %s or curl --data-binary. \
                 If you sign it yourself, sign the very bytes that you send."
            }
            Self::BodyLineBreaks => {
                "Pass the exact bytes. Git, editors and text modes change line breaks: treat the body as binary. \
                 If you sign it yourself, sign the very bytes that you send."
            }
            Self::BodyByteOrderMark(_) => {
                "Pass the exact bytes. Some editors and decoders of text add or remove the mark: treat the body as \
                 binary. If you sign it yourself, sign the very bytes that you send."
            }
            Self::BodyLatin1 => {
                "Pass the exact bytes, or a string that was decoded as UTF-8, and send the body in UTF-8. \
                 If you sign it yourself, sign the very bytes that you send."
            }
            Self::BodyEmpty(Party::Receiver) => {
                "Read the body once, keep its bytes, and pass them. A stream that was read before gives nothing."
            }
            Self::BodyEmpty(Party::Signer) => {
                "Sign the bytes that are sent. A stream that was read before the signing gives nothing."
            }
            Self::BodyTimestamped => {
                "Sign the body alone. Cronozen signs no time stamp, as other senders do."
            }
            Self::Unexplained { combinations: 0, .. } => {
                "Diagnose a smaller delivery that was signed in the same way."
            }
            Self::Unexplained { .. } => {
                "Pass the secrets of all registrations that send to this URL, and the bytes that came over the wire. If \
                 you are unsure about the secret, rotate it."
            }
        }
    }
}

fn malformed_cure(malformed: MalformedSignature) -> &'static str {
    match malformed {
        MalformedSignature::Prefix => "Send the 64 digits alone, without a prefix or other fields.",
        MalformedSignature::Surrounded => {
            "Send the 64 digits alone. Remove the white space and quotation marks around them."
        }
        MalformedSignature::Base64 => {
            "Send the HMAC as lowercase hexadecimal digits, such as digest(\"hex\") gives, and not as base64."
        }
        MalformedSignature::UpperCase => "Send the hexadecimal digits in lower case.",
        MalformedSignature::Empty
        | MalformedSignature::Length { .. }
        | MalformedSignature::Character { .. } => {
            "Pass the header's value as it came: it was cut off or altered, or it is another header's."
        }
    }
}
