//! The reader of the vectors in tests/vectors.

use serde::Deserialize;
use serde::de::DeserializeOwned;

#[derive(Deserialize)]
struct File<V> {
    vectors: Vec<V>,
}

/// A part of a body, repeated `times` times.
#[derive(Deserialize)]
pub struct Part {
    text: Option<String>,
    hex: Option<String>,
    #[serde(default = "one")]
    times: usize,
}

fn one() -> usize {
    1
}

/// Returns the vectors in a file's JSON. Panics if there are none.
pub fn read<V: DeserializeOwned>(json: &str) -> Vec<V> {
    let file: File<V> = serde_json::from_str(json).expect("a file of vectors");
    assert!(!file.vectors.is_empty(), "a file without vectors tests nothing");
    file.vectors
}

/// Joins parts into a body.
pub fn body(parts: &[Part]) -> Vec<u8> {
    parts
        .iter()
        .flat_map(|part| match (&part.text, &part.hex) {
            (Some(text), None) => text.as_bytes().repeat(part.times),
            (None, Some(hex)) => bytes(hex).repeat(part.times),
            _ => panic!("a part is either text or hex"),
        })
        .collect()
}

/// Decodes hexadecimal digits.
pub fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> =
        hex.chars().map(|digit| u8::try_from(digit.to_digit(16).unwrap()).unwrap()).collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}
