//! One kubeconfig put into another.

use serde_json::{Value, json};

/// Its lists, and what is in their items.
const LISTS: [(&str, &str); 3] = [("clusters", "cluster"), ("users", "user"), ("contexts", "context")];

/// The kubeconfig `there` with the entries of `new` in it, everything else as it was. Why not, where an entry of the same
/// name is another cluster's.
pub fn merged(there: &Value, new: &Value) -> Result<Value, String> {
    let mut merged = if there.is_null() { json!({ "apiVersion": "v1", "kind": "Config" }) } else { there.clone() };
    if !merged.is_object() {
        return Err("it is no kubeconfig".to_owned());
    }
    for (list, _) in LISTS {
        for item in items(new, list) {
            let name = item["name"].as_str().unwrap_or_default();
            let is_taken = items(there, list).any(|known| known["name"] == item["name"]);
            if is_taken && !is_same(there, new, name) {
                let what = list.trim_end_matches('s');
                let server = server(there, name).unwrap_or("nowhere that it says");
                return Err(format!("it has a {what} `{name}` already, which leads elsewhere ({server})"));
            }
            let list = &mut merged[list];
            if !list.is_array() {
                *list = json!([]);
            }
            let Some(list) = list.as_array_mut() else { continue };
            match list.iter_mut().find(|known| known["name"] == item["name"]) {
                Some(known) => *known = item.clone(),
                None => list.push(item.clone()),
            }
        }
    }
    if merged["current-context"].as_str().is_none_or(str::is_empty) {
        merged["current-context"] = new["current-context"].clone();
    }
    Ok(merged)
}

fn items<'v>(kubeconfig: &'v Value, list: &str) -> impl Iterator<Item = &'v Value> + use<'v> {
    kubeconfig[list].as_array().into_iter().flatten()
}

/// The cluster that a name stands for.
fn cluster<'v>(kubeconfig: &'v Value, name: &str) -> Option<&'v Value> {
    items(kubeconfig, "clusters").find(|item| item["name"] == name).map(|item| &item["cluster"])
}

fn server<'v>(kubeconfig: &'v Value, name: &str) -> Option<&'v str> {
    cluster(kubeconfig, name)?["server"].as_str()
}

/// Whether a name stands for one cluster in both: its CA is the same.
fn is_same(there: &Value, new: &Value, name: &str) -> bool {
    const AUTHORITY: &str = "certificate-authority-data";
    match (cluster(there, name), cluster(new, name)) {
        (Some(there), Some(new)) if new[AUTHORITY].is_string() => there[AUTHORITY] == new[AUTHORITY],
        (Some(there), Some(new)) => there["server"] == new["server"],
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::merged;

    fn kubeconfig(name: &str, server: &str, authority: &str, key: &str) -> Value {
        json!({
            "apiVersion": "v1", "kind": "Config", "current-context": name,
            "clusters": [{"name": name, "cluster": {"server": server, "certificate-authority-data": authority}}],
            "users": [{"name": name, "user": {"client-key-data": key}}],
            "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
        })
    }

    #[test]
    fn a_cluster_is_added_and_everything_else_stays() {
        let mut there = kubeconfig("work", "https://work", "A", "k");
        there["preferences"] = json!({"colors": true});
        let both = merged(&there, &kubeconfig("home", "https://home", "B", "k")).unwrap();
        assert_eq!(both["clusters"].as_array().unwrap().len(), 2);
        assert_eq!(both["current-context"], "work");
        assert_eq!(both["preferences"], there["preferences"]);
        assert_eq!(merged(&Value::Null, &there).unwrap()["current-context"], "work");
    }

    #[test]
    fn the_same_cluster_gets_its_new_credentials_and_another_of_its_name_is_refused() {
        let there = kubeconfig("home", "https://home", "A", "old");
        let again = merged(&there, &kubeconfig("home", "https://127.0.0.1:4711", "A", "new")).unwrap();
        assert_eq!(again, kubeconfig("home", "https://127.0.0.1:4711", "A", "new"));
        let why = merged(&there, &kubeconfig("home", "https://other", "B", "k")).unwrap_err();
        assert!(why.contains("`home` already") && why.contains("https://home"), "{why}");
        let users = json!({"users": [{"name": "home", "user": {}}]});
        assert!(merged(&users, &there).unwrap_err().contains("a user `home` already"));
        assert!(merged(&json!([]), &there).is_err());
    }
}
