//! The settings that contain the signing secrets.

use cronozen_webhook::signature::{MAX_SECRETS, Secrets, SecretsError};

use super::reader::Reader;

/// Reads `CRONOZEN_SIGNING_SECRET` and `CRONOZEN_SIGNING_SECRET_NEXT`, which contains newer secrets. The second setting
/// may be absent or blank: with it, a secret can be added without knowing the others.
pub(super) fn read(reader: &mut Reader<'_>) -> Option<Secrets> {
    let expected = format!("1 to {MAX_SECRETS} secrets separated by white space");
    let current = reader.read("CRONOZEN_SIGNING_SECRET", &expected, |text| {
        Secrets::parse(text.unwrap_or_default()).map_err(found)
    });
    let expected = format!("at most {MAX_SECRETS} secrets, with those of CRONOZEN_SIGNING_SECRET");
    reader.read("CRONOZEN_SIGNING_SECRET_NEXT", &expected, |text| {
        let current_count = current.as_ref().map_or(0, Secrets::count);
        match Secrets::parse(text.unwrap_or_default()) {
            Ok(next) => current.map(|current| next.followed_by(&current)).transpose(),
            Err(SecretsError::Count { found: 0 }) => Ok(current),
            Err(SecretsError::Count { found }) => {
                Err(SecretsError::Count { found: current_count + found })
            }
            Err(error) => Err(error),
        }
        .map_err(found)
    })?
}

/// Describes the wrong text. It must not be quoted.
fn found(error: SecretsError) -> String {
    let found = match error {
        SecretsError::Count { found: 0 } => "none",
        SecretsError::Count { found } => return found.to_string(),
        SecretsError::QuotationMark { .. } => "one that starts or ends with a quotation mark",
        SecretsError::InvisibleCharacter { .. } => "one with an invisible character",
        // White space separates the secrets, so none is empty or contains any.
        _ => "a different string",
    };
    found.to_owned()
}
