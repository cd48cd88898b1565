//! The verifiers that are timed, each with two inputs.

use std::error::Error;
use std::fmt::Write;
use std::hint::black_box;

use cronozen_webhook::signature::{Secrets, Signature};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

const BODY: &[u8] = br#"{"eventId":"evt_1","type":"payment.completed","data":{"amount":"49.00"}}"#;

type Hash = [u8; 32];
type Verify = Box<dyn Fn(&Signature, &Hash)>;

/// A verifier, and the two signatures that it gets, in the form of each kind of verifier.
pub struct Subject {
    pub name: String,
    /// True if it must be caught.
    pub naive: bool,
    /// True if one of the signatures is right, and the other wrong.
    pub other_verdict: bool,
    inputs: [(Signature, Hash); 2],
    verify: Verify,
}

impl Subject {
    /// Returns a call with one of the inputs, which stands at the same place in the memory.
    pub fn prepare(&self, second: bool) -> impl FnOnce() {
        let [one, other] = &self.inputs;
        let input = black_box(if second { *other } else { *one });
        move || (self.verify)(&input.0, &input.1)
    }
}

/// # Errors
/// An error if a secret or a signature is not taken.
pub fn subjects() -> Result<Vec<Subject>, Box<dyn Error>> {
    let texts: Vec<String> = (1..=8).map(|number| format!("whsec_{number}")).collect();
    let [first, .., last] = texts.as_slice() else { return Err("no secrets".into()) };
    let right = mac_of(first)?;
    let wrong_at = |position: usize| {
        let mut hash = right;
        if let Some(byte) = hash.get_mut(position) {
            *byte ^= 1;
        }
        hash
    };
    let of_one = [("first", wrong_at(0)), ("last", wrong_at(31)), ("right", right)];
    let of_eight = [("secret 1", right), ("secret 8", mac_of(last)?), ("none", mac_of("other")?)];
    let one = Secrets::new(&[first])?;
    let eight = Secrets::new(&texts)?;
    let mut all = Vec::new();
    for (a, b) in [(0, 1), (1, 2), (0, 2)] {
        let other_verdict = b == 2;
        let name = format!("wrong byte: {} against {}", of_one[a].0, of_one[b].0);
        let inputs = [of_one[a].1, of_one[b].1];
        all.push(Subject { other_verdict, ..subject(&name, inputs, verifier(&one))? });
        let name = format!("matching secret: {} against {}", of_eight[a].0, of_eight[b].0);
        let inputs = [of_eight[a].1, of_eight[b].1];
        all.push(Subject { other_verdict, ..subject(&name, inputs, verifier(&eight))? });
    }
    let name = "naive, stops at the first wrong byte";
    let inputs = [wrong_at(0), wrong_at(31)];
    all.push(Subject { naive: true, ..subject(name, inputs, naive(&keys(&texts[..1])?))? });
    let name = "naive, stops at the secret that matches";
    let inputs = [right, mac_of(last)?];
    all.push(Subject { naive: true, ..subject(name, inputs, naive(&keys(&texts)?))? });
    Ok(all)
}

fn subject(name: &str, hashes: [Hash; 2], verify: Verify) -> Result<Subject, Box<dyn Error>> {
    let [one, other] = hashes;
    let inputs = [(signature_of(&one)?, one), (signature_of(&other)?, other)];
    Ok(Subject { name: name.into(), naive: false, other_verdict: false, inputs, verify })
}

/// The crate's.
fn verifier(secrets: &Secrets) -> Verify {
    let secrets = secrets.clone();
    Box::new(move |signature, _| {
        let verified = secrets.verify(black_box(BODY), *signature);
        let _ = black_box(verified);
    })
}

/// A verifier as it should not be.
fn naive(keys: &[Hmac<Sha256>]) -> Verify {
    let keys = keys.to_vec();
    Box::new(move |_, hash| {
        let matches = keys.iter().any(|key| {
            let mut mac = key.clone();
            mac.update(black_box(BODY));
            let mac: Hash = mac.finalize().into_bytes().into();
            // Each byte by itself, or the compiler might compare eight at once.
            mac.iter().zip(hash).all(|(one, other)| black_box(*one) == *other)
        });
        let _ = black_box(matches);
    })
}

fn keys(secrets: &[String]) -> Result<Vec<Hmac<Sha256>>, Box<dyn Error>> {
    secrets.iter().map(|secret| Ok(Hmac::new_from_slice(secret.as_bytes())?)).collect()
}

fn mac_of(secret: &str) -> Result<Hash, Box<dyn Error>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes())?;
    mac.update(BODY);
    Ok(mac.finalize().into_bytes().into())
}

fn signature_of(hash: &Hash) -> Result<Signature, Box<dyn Error>> {
    let mut digits = String::new();
    for byte in hash {
        write!(digits, "{byte:02x}")?;
    }
    Ok(Signature::parse(Some(digits.as_bytes()))?)
}
