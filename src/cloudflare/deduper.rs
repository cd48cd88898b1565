//! Strict mode: the Worker leaves the commit of an event to one of 16 Durable Objects.

mod call;
mod object;
mod rows;

use js_sys::Object;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use worker::Env;

use super::binding::{settled, with_methods};
use super::clock::now;
use super::failure;
use crate::commit::Committed;
use crate::commit::deduper::{Deduper, place_of};
use crate::error::PlatformError;
use crate::message::Message;
use crate::settings::Budget;
use call::Call;

#[wasm_bindgen]
extern "C" {
    #[derive(Debug, Clone)]
    type DurableObjectNamespace;

    #[wasm_bindgen(method, catch, js_name = idFromName)]
    fn id_from_name(this: &DurableObjectNamespace, name: &str) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(method, catch)]
    fn get(this: &DurableObjectNamespace, id: &JsValue) -> Result<Stub, JsValue>;

    type Stub;

    #[wasm_bindgen(method, catch)]
    fn commit(this: &Stub, call: &Object) -> Result<JsValue, JsValue>;
}

/// The namespace of the class `Deduper`.
#[derive(Debug, Clone)]
pub(super) struct DeduperNamespace(DurableObjectNamespace);

impl DeduperNamespace {
    /// The namespace bound as `name`; `None` if nothing is, or something that is no namespace.
    pub(super) fn bound(env: &Env, name: &str) -> Option<Self> {
        with_methods(env, name, &["idFromName", "get"]).map(Self)
    }

    fn call(&self, place: u8, call: &Object) -> Result<JsValue, JsValue> {
        let id = self.0.id_from_name(&place.to_string())?;
        self.0.get(&id)?.commit(call)
    }
}

/// The Durable Objects, and what a delivery's settings ask of them.
#[derive(Debug)]
pub(super) struct DurableObjects {
    pub namespace: DeduperNamespace,
    pub migrate_from_kv: bool,
}

impl Deduper for DurableObjects {
    async fn commit(&self, message: Message, budget: Budget) -> Result<Committed, PlatformError> {
        let place = place_of(message.event_id());
        let call = Call {
            migrate_from_kv: self.migrate_from_kv,
            elapsed: now().since(budget.arrived()),
            deadline: budget.deadline(),
            message,
        };
        let answer = settled(self.namespace.call(place, &call.into_js())).await?;
        call::committed(answer).map_err(|thrown| failure::translate(&thrown))
    }
}
