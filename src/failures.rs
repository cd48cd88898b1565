//! The rate limiter of failed signatures, which Cloudflare keeps for each of its locations.

use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use worker::Env;

use super::binding::{await_call, with_methods};
use cronozen_gateway::failures::FailureLimiter;
use cronozen_gateway::runtime::PlatformError;

#[wasm_bindgen(raw_module = "./calls.js")]
extern "C" {
    /// Counts a failure. The promise's result is true if the limit is not exhausted.
    #[wasm_bindgen(catch, js_name = countFailure)]
    fn count_failure(limiter: &JsValue, address: &str) -> Result<JsValue, JsValue>;
}

#[derive(Debug)]
pub(super) struct RateLimiter(JsValue);

impl RateLimiter {
    /// Returns the limiter bound as `name`, or `None` if nothing is bound or it is not a rate limiter.
    pub(super) fn from_binding(env: &Env, name: &str) -> Option<Self> {
        with_methods(env, name, &["limit"]).map(Self)
    }
}

impl FailureLimiter for RateLimiter {
    async fn allows(&self, address: &str) -> Result<bool, PlatformError> {
        await_call(count_failure(&self.0, address)).await.map(|allowed| allowed.is_truthy())
    }
}
