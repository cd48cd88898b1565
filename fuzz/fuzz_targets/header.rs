//! The signature header: exactly 64 lowercase hexadecimal digits are accepted, they are read as these 32 bytes, and only
//! the right signature verifies.
//!
//! Input: two bytes that say which header is sent, then the header itself, or the body that is signed.

#![no_main]

use cronozen_fuzz::signing::sign;
use cronozen_webhook::signature::{MalformedSignature, Secrets, Signature, SignatureError};
use libfuzzer_sys::fuzz_target;

const SECRETS: [&str; 3] = ["whsec_newest", "whsec_older", "whsec_oldest"];

fuzz_target!(|data: &[u8]| {
    let [kind, place, rest @ ..] = data else {
        assert_eq!(Signature::parse(None).err(), Some(SignatureError::Missing));
        return;
    };
    if *kind < 0x80 {
        check_header(rest);
    } else {
        let signer = usize::from(*kind) % SECRETS.len();
        check_signature(rest, signer, usize::from(*place));
    }
});

/// Compares the reader with the definition of a signature.
fn check_header(value: &[u8]) {
    let is_signature =
        value.len() == 64 && value.iter().all(|byte| b"0123456789abcdef".contains(byte));
    match Signature::parse(Some(value)) {
        Ok(signature) => {
            assert!(is_signature, "accepted: {value:?}");
            let text = std::str::from_utf8(value).unwrap();
            assert_eq!(signature.to_string(), text);
            let bytes: Vec<u8> = (0..32)
                .map(|byte| u8::from_str_radix(&text[2 * byte..2 * byte + 2], 16).unwrap())
                .collect();
            let mac: [u8; 32] = bytes.try_into().unwrap();
            assert_eq!(signature.position_in(&[mac]), Ok(0));
            assert_eq!(signature.position_in(&[mac.map(|byte| !byte), mac, mac]), Ok(1));
            for bit in 0..256 {
                let mut other = mac;
                other[bit / 8] ^= 1 << (bit % 8);
                assert!(signature.position_in(&[other]).is_err(), "bit {bit} does not count");
            }
            assert!(!format!("{signature:?}").contains(&text[..8]));
        }
        Err(error) => {
            assert!(!is_signature, "refused: {value:?}");
            check_error(error, value);
        }
    }
}

/// Compares the description of a mistake with the header, and checks that it does not quote the header.
fn check_error(error: SignatureError, value: &[u8]) {
    let SignatureError::Malformed(mistake) = error else { panic!("{error:?}") };
    let hexadecimal = |byte: &u8| byte.is_ascii_hexdigit();
    match mistake {
        MalformedSignature::Empty => assert!(value.is_empty()),
        MalformedSignature::UpperCase => {
            assert!(value.len() == 64 && value.iter().all(hexadecimal));
        }
        MalformedSignature::Character { position } => {
            assert!(value.len() == 64 && value[..position].iter().all(hexadecimal));
            assert!(!hexadecimal(&value[position]));
        }
        MalformedSignature::Length { found } => assert!(found == value.len() && found != 64),
        MalformedSignature::Surrounded => assert!(value.len() > 64),
        MalformedSignature::Base64 => assert!(matches!(value.len(), 43 | 44)),
        MalformedSignature::Prefix => assert!(value.len() > 43 && value.contains(&b'=')),
        other => panic!("{other:?}"),
    }
    let text = format!("{error} {error:?}");
    for part in value.windows(24).filter_map(|part| std::str::from_utf8(part).ok()) {
        assert!(part.trim().len() < 12 || !text.contains(part), "quotes the header: {text}");
    }
}

/// Signs a body as the sender does. The signature verifies with the signer's position, and not with another digit at
/// `place`, another body or without the signer's secret.
fn check_signature(body: &[u8], signer: usize, place: usize) {
    let secrets = Secrets::new(&SECRETS).unwrap();
    let header = sign(body, SECRETS[signer]);
    let verify = |secrets: &Secrets, body: &[u8], header: &str| {
        let signature = Signature::parse(Some(header.as_bytes())).unwrap();
        secrets
            .verify(body, signature)
            .map(|verified| (usize::from(verified.key()), verified.body().to_vec()))
    };
    let mismatch = Err(SignatureError::Mismatch);
    assert_eq!(verify(&secrets, body, &header), Ok((signer, body.to_vec())));

    let others: Vec<&str> =
        SECRETS.into_iter().filter(|secret| *secret != SECRETS[signer]).collect();
    assert_eq!(verify(&Secrets::new(&others).unwrap(), body, &header), mismatch);

    let mut digits: Vec<char> = header.chars().collect();
    let digit = &mut digits[place % 64];
    *digit = if *digit == '0' { '1' } else { '0' };
    assert_eq!(verify(&secrets, body, &String::from_iter(digits)), mismatch);

    let longer = [body, &[0]].concat();
    assert_eq!(verify(&secrets, &longer, &header), mismatch);
    if !body.is_empty() {
        let mut changed = body.to_vec();
        changed[place % body.len()] ^= 1 << (place % 8);
        assert_eq!(verify(&secrets, &changed, &header), mismatch);
        assert_eq!(verify(&secrets, &body[1..], &header), mismatch);
    }
}
