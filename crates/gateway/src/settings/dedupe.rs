//! The setting that chooses the dedupe store.

use serde::{Serialize, Serializer};

use super::reader::Reader;

/// The way in which duplicates are recognised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DedupeMode {
    /// A marker in Workers KV.
    Kv,
    /// Strict: a row in the Durable Object that leases the event.
    DurableObject {
        /// True if an event without a row is looked up in Workers KV, too.
        migrate_from_kv: bool,
    },
}

impl DedupeMode {
    /// Returns the word for the mode in the setting and in the answer of the health check.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Kv => "kv",
            Self::DurableObject { .. } => "durable-object",
        }
    }

    /// Reads `DEDUPE` and, in strict mode, `MIGRATE_FROM_KV`.
    pub(crate) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let strict = Self::DurableObject { migrate_from_kv: false };
        let choices = [Self::Kv, strict].map(|mode| (mode.as_str(), mode));
        let mode = reader.choice("DEDUPE", &choices, Self::Kv)?;
        if mode == Self::Kv {
            return Some(mode);
        }
        let migrate_from_kv =
            reader.choice("MIGRATE_FROM_KV", &[("true", true), ("false", false)], false)?;
        Some(Self::DurableObject { migrate_from_kv })
    }
}

impl Serialize for DedupeMode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}
