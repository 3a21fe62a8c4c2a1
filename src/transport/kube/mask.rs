//! Masks in the place of what must not leave transport.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::Value;
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::kubernetes::LAST_APPLIED_ANNOTATION;

/// Makes masks: equal for equal values within one run, and good for nothing outside of it.
pub(in crate::transport) struct Masks(Zeroizing<[u8; 32]>);

impl Masks {
    /// With a key that nobody knows and nothing keeps.
    pub(super) fn new() -> Result<Self, String> {
        let mut key = Zeroizing::new([0; 32]);
        getrandom::fill(&mut *key).map_err(|error| format!("no random numbers here: {error}"))?;
        Ok(Self(key))
    }

    /// With a key that is the same for the same number: for a simulated lab, whose runs are all alike.
    pub(in crate::transport) fn of_seed(seed: u64) -> Self {
        let mut key = Zeroizing::new([0; 32]);
        key[..8].copy_from_slice(&seed.to_be_bytes());
        Self(key)
    }

    /// The mask of a value as it is before base64.
    pub(in crate::transport) fn mask(&self, value: &[u8]) -> String {
        // A key of any length will do for HMAC (RFC 2104).
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&*self.0) else { return "masked".to_owned() };
        mac.update(value);
        let digest = mac.finalize().into_bytes();
        let mut half = [0; 16];
        half.copy_from_slice(&digest[..16]);
        format!("masked:{:032x}", u128::from_be_bytes(half))
    }

    /// The mask of a value in the form of a Secret's `data`.
    pub(super) fn mask_encoded(&self, text: &str) -> String {
        match STANDARD.decode(text) {
            Ok(value) => self.mask(&Zeroizing::new(value)),
            Err(_) => self.mask(text.as_bytes()),
        }
    }

    /// Hides what an object holds in secret.
    pub(in crate::transport) fn hide(&self, object: &mut Value) {
        let is = |field: &str, wanted: &str| object.get(field).and_then(Value::as_str) == Some(wanted);
        if !(is("kind", "Secret") && is("apiVersion", "v1")) {
            return;
        }
        let memory = object.pointer_mut("/metadata/annotations").and_then(|all| all.get_mut(LAST_APPLIED_ANNOTATION));
        if let Some(memory) = memory {
            *memory = Value::String(emptied(memory.as_str().unwrap_or_default()));
        }
        if let Some(Value::Object(data)) = object.get_mut("data") {
            for value in data.values_mut() {
                let mask = self.mask_encoded(value.as_str().unwrap_or_default());
                *value = Value::String(mask);
            }
        }
        if let Some(Value::Object(data)) = object.get_mut("stringData") {
            for value in data.values_mut() {
                let mask = self.mask(value.as_str().unwrap_or_default().as_bytes());
                *value = Value::String(mask);
            }
        }
    }
}

/// What `kubectl apply` remembers of a Secret, without its values: only the names of its fields are needed.
fn emptied(memory: &str) -> String {
    let Ok(mut object) = serde_json::from_str::<Value>(memory) else { return String::new() };
    for table in ["data", "stringData"] {
        match object.get_mut(table) {
            Some(Value::Object(data)) => data.values_mut().for_each(|value| *value = Value::String(String::new())),
            Some(value) => *value = Value::Null,
            None => {}
        }
    }
    object.to_string()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Masks;

    #[test]
    fn equal_values_have_equal_masks_within_one_run_alone() {
        let (masks, others) = (Masks::new().unwrap(), Masks::new().unwrap());
        assert_eq!(masks.mask(b"geheim"), masks.mask_encoded("Z2VoZWlt"));
        assert_ne!(masks.mask(b"geheim"), masks.mask(b"offen"));
        assert_ne!(masks.mask(b"geheim"), others.mask(b"geheim"));
    }

    #[test]
    fn nothing_of_a_secret_is_left_and_the_rest_of_it_is() {
        let mut secret = json!({
            "apiVersion": "v1", "kind": "Secret",
            "metadata": { "name": "s", "annotations": {
                "kubectl.kubernetes.io/last-applied-configuration": "{\"data\":{\"a\":\"Z2VoZWlt\"}}", "other": "stays",
            } },
            "data": { "a": "Z2VoZWlt", "b": "" }, "stringData": { "c": "geheim" }, "type": "Opaque",
        });
        let masks = Masks::new().unwrap();
        masks.hide(&mut secret);
        let text = secret.to_string();
        assert!(!text.contains("Z2VoZWlt") && !text.contains("geheim"), "{text}");
        assert_eq!(secret["data"]["a"], secret["stringData"]["c"]);
        assert_eq!(secret["data"]["b"], json!(masks.mask(b"")));
        let memory = &secret["metadata"]["annotations"]["kubectl.kubernetes.io/last-applied-configuration"];
        assert_eq!(memory, r#"{"data":{"a":""}}"#, "the names of what was applied");
        assert_eq!(secret["metadata"]["annotations"]["other"], "stays");
        assert_eq!(secret["type"], "Opaque");
    }

    #[test]
    fn what_is_no_secret_keeps_its_data() {
        let map = json!({ "apiVersion": "v1", "kind": "ConfigMap", "data": { "a": "b" } });
        let mut hidden = map.clone();
        Masks::new().unwrap().hide(&mut hidden);
        assert_eq!(hidden, map);
    }
}
