//! Decoders of hexadecimal digits and base64. What they return may be a key, so it is zeroised when dropped.

use zeroize::Zeroizing;

/// Decodes hexadecimal digits in upper or lower case. Returns `None` for any other text, and for an empty one.
pub(super) fn hexadecimal(text: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let (pairs, rest) = text.as_chunks();
    if pairs.is_empty() || !rest.is_empty() {
        return None;
    }
    let mut bytes = Zeroizing::new(Vec::with_capacity(pairs.len()));
    for [high, low] in pairs {
        bytes.push(hexadecimal_digit(*high)? << 4 | hexadecimal_digit(*low)?);
    }
    Some(bytes)
}

/// Decodes base64 or base64url, with or without padding. Returns `None` for any other text, and for an empty one.
pub(super) fn base64(text: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let digits = text.strip_suffix(b"=").unwrap_or(text);
    let digits = digits.strip_suffix(b"=").unwrap_or(digits);
    if digits.len() < 2 || digits.len() % 4 == 1 {
        return None;
    }
    // The exact room: a vector that grows would leave copies of the key behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(digits.len() * 3 / 4));
    for four in digits.chunks(4) {
        let mut bits = 0;
        for digit in four {
            bits = bits << 6 | base64_digit(*digit)?;
        }
        let [_, first, second, third] = (bits << (6 * (4 - four.len()))).to_be_bytes();
        bytes.extend([first, second, third].into_iter().take(four.len() - 1));
    }
    Some(bytes)
}

fn hexadecimal_digit(character: u8) -> Option<u8> {
    char::from(character).to_digit(16).and_then(|digit| digit.try_into().ok())
}

fn base64_digit(character: u8) -> Option<u32> {
    let digit = match character {
        b'A'..=b'Z' => character - b'A',
        b'a'..=b'z' => character - b'a' + 26,
        b'0'..=b'9' => character - b'0' + 52,
        b'+' | b'-' => 62,
        b'/' | b'_' => 63,
        _ => return None,
    };
    Some(digit.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_that_of_rfc_4648() {
        for (text, bytes) in [
            ("Zg==", "f"),
            ("Zg", "f"),
            ("Zm8=", "fo"),
            ("Zm9v", "foo"),
            ("Zm9vYg==", "foob"),
            ("Zm9vYmFy", "foobar"),
        ] {
            assert_eq!(*base64(text.as_bytes()).unwrap(), bytes.as_bytes(), "{text}");
        }
        assert_eq!(base64(b"-_-_"), base64(b"+/+/"));
        for text in ["", "=", "Z", "Zm9vY", "Zm 9", "Zm9v===", "\u{e9}\u{e9}"] {
            assert_eq!(base64(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn only_pairs_of_hexadecimal_digits_are_decoded() {
        assert_eq!(*hexadecimal(b"00fFa1").unwrap(), [0, 0xff, 0xa1]);
        for text in ["", "0", "000", "0g", "+1"] {
            assert_eq!(hexadecimal(text.as_bytes()), None, "{text}");
        }
    }
}
