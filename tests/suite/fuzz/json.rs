//! Changes of JSON that leave it JSON: bytes changed at random seldom get behind its syntax.

use serde_json::{Map, Value, json};

use super::mutation::{self, Dice, NUMBERS};

/// The value with one of its parts changed.
pub(super) fn mutated(dice: &mut Dice, value: &mut Value, words: &[&str]) {
    for _ in 0..=dice.below(3) {
        let copy = part(dice, value).clone();
        let part = part(dice, value);
        change(dice, part, copy, words);
    }
}

/// One of its parts.
fn part<'a>(dice: &mut Dice, value: &'a mut Value) -> &'a mut Value {
    let length = match &*value {
        Value::Array(items) => items.len(),
        Value::Object(fields) => fields.len(),
        _ => 0,
    };
    if length == 0 || dice.one_in(6) {
        return value;
    }
    let at = dice.below(length);
    match value {
        Value::Array(items) => part(dice, &mut items[at]),
        Value::Object(fields) => part(dice, fields.iter_mut().nth(at).expect("it has so many").1),
        other => other,
    }
}

fn change(dice: &mut Dice, value: &mut Value, copy: Value, words: &[&str]) {
    match (dice.below(8), &mut *value) {
        (0, _) => *value = copy,
        (1, _) => *value = odd(dice),
        (2, Value::Object(fields)) if !fields.is_empty() => {
            let key = key(dice, fields);
            fields.remove(&key);
        }
        (3, Value::Object(fields)) if !fields.is_empty() => {
            let key = key(dice, fields);
            let name = String::from_utf8_lossy(&mutation::mutated(dice, key.as_bytes(), b"", words)).into_owned();
            let taken = fields.remove(&key).unwrap_or_default();
            fields.insert(name, taken);
        }
        (4, Value::Array(items)) => {
            for _ in 0..*dice.of(&[1, 2, 50]) {
                items.push(copy.clone());
            }
        }
        (5, _) => {
            let inner = std::mem::take(value);
            *value = if dice.one_in(2) { json!([inner]) } else { json!({ "a": inner }) };
        }
        (_, Value::String(text)) => {
            let bytes = mutation::mutated(dice, text.as_bytes(), copy.as_str().unwrap_or_default().as_bytes(), words);
            *text = String::from_utf8_lossy(&bytes).into_owned();
        }
        _ => *value = odd(dice),
    }
}

fn key(dice: &mut Dice, fields: &Map<String, Value>) -> String {
    fields.keys().nth(dice.below(fields.len())).cloned().unwrap_or_default()
}

/// A value of a kind that is seldom meant.
fn odd(dice: &mut Dice) -> Value {
    let number = *dice.of(&NUMBERS);
    match dice.below(9) {
        0 => Value::Null,
        1 => json!(true),
        2 => serde_json::from_str(number).unwrap_or(Value::Null),
        3 => json!(number),
        4 => json!(""),
        5 => json!([]),
        6 => json!({}),
        7 => json!("x".repeat(3000)),
        _ => (0..*dice.of(&[3, 100])).fold(json!(1), |inner, _| json!([inner])),
    }
}
