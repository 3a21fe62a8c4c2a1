//! The files that are made from the source are those that the source would make.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use labctl::{config, rules};
use serde_json::Value;

/// Compares `path` with what it must be, or writes it where `LABCTL_WRITE_GENERATED` is set.
fn is_fresh(path: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    if std::env::var_os("LABCTL_WRITE_GENERATED").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    let remedy = "is stale: run `LABCTL_WRITE_GENERATED=1 cargo test --test suite generated` and commit it";
    assert!(committed == text, "{} {remedy}", path.display());
}

#[test]
fn the_schema_is_fresh() {
    let schema = serde_json::to_string_pretty(&config::schema()).unwrap();
    is_fresh("docs/homelab.schema.json", &format!("{schema}\n"));
}

#[test]
fn the_reference_of_the_file_is_fresh() {
    is_fresh("docs/reference/file.md", &file_reference(&config::schema()));
}

#[test]
fn the_reference_of_the_rules_is_fresh() {
    let mut text = String::from(
        "# Findings\n\nWhat `labctl validate` says about a file, by code. Codes are stable across versions. \
         Made from the source: do not edit.\n\n## Shape\n",
    );
    for (_, code, name, about) in config::CODES {
        write!(text, "\n### {code} {name}\n\n{about}\n").unwrap();
    }
    for (family, rules) in rules::RULES {
        write!(text, "\n## {family}\n").unwrap();
        for rule in *rules {
            write!(text, "\n### {} {}\n\n{}\n", rule.code, rule.name, rule.about).unwrap();
        }
    }
    is_fresh("docs/reference/rules.md", &text);
}

#[test]
fn the_reference_of_the_commands_is_fresh() {
    let workspace = crate::workspace::Workspace::new("");
    let help = |arguments: &[&str]| {
        let run = workspace.labctl(arguments);
        assert_eq!(run.code, 0, "{run:#?}");
        run.stdout.lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
    };
    let overview = help(&["--help"]);
    let mut text = format!("# Commands\n\nMade from `--help`: do not edit.\n\n```\n{overview}\n```\n");
    let commands = overview.split("Commands:\n").nth(1).unwrap().split("\n\n").next().unwrap();
    for command in commands.lines().filter_map(|line| line.split_whitespace().next()).filter(|name| *name != "help") {
        write!(text, "\n## {command}\n\n```\n{}\n```\n", help(&[command, "--help"])).unwrap();
    }
    is_fresh("docs/reference/commands.md", &text);
}

#[test]
fn the_reference_of_the_services_is_fresh() {
    let mut text = String::from(
        "# Services\n\nThe kinds of service, and what others may need of each. Their keys: [file.md](file.md). Made from the \
         source: do not edit.\n\n| kind | what it is | provides |\n|---|---|---|\n",
    );
    for kind in labctl::services::SERVICES {
        let name = |word: &&str| if word.ends_with(':') { format!("`{word}NAME`") } else { format!("`{word}`") };
        let provides: Vec<String> = kind.provides.iter().map(name).collect();
        writeln!(text, "| `{}` | {} | {} |", kind.name, kind.about, provides.join(", ")).unwrap();
    }
    is_fresh("docs/reference/services.md", &text);
}

#[test]
fn the_reference_of_the_kinds_is_fresh() {
    let mut text = String::from("# Kinds\n\nThe types of resource. Made from the source: do not edit.\n\n");
    text.push_str("| kind | what it is | when it leaves the file |\n|---|---|---|\n");
    for kind in labctl::kinds::KINDS {
        let leaving = match kind.leaving() {
            labctl::kinds::Leaving::Destroyed => "made by labctl: removed; adopted: forgotten",
            labctl::kinds::Leaving::Ended => "removed, whoever made it",
            labctl::kinds::Leaving::Forgotten => "forgotten: it stays",
        };
        writeln!(text, "| `{}` | {} | {leaving} |", kind.name(), kind.about()).unwrap();
    }
    is_fresh("docs/reference/kinds.md", &text);
}

/// The keys of every resource's table: they are explained once.
const SHARED: [&str; 4] = ["adopt", "after", "hold", "moved"];

fn file_reference(schema: &Value) -> String {
    let mut text = String::from(
        "# homelab.toml\n\nEvery table and key of the file. NAME stands for a name that you choose. Editors show the same \
         with `#:schema docs/homelab.schema.json` in the first line. Made from the source: do not edit.\n",
    );
    section(&mut text, schema, "", schema);
    text.push_str("\n## Every resource\n\nThe tables of resources have these keys too.\n");
    rows(&mut text, schema, &schema["definitions"]["PoolTable"], |key| SHARED.contains(&key));
    text
}

/// A section for the table `table` at `path`, then one for each table below it.
fn section(text: &mut String, schema: &Value, path: &str, table: &Value) {
    // The tables below one of a kind of service stand as they are in the file, and with the kind.
    let title = match path.split_once("], ") {
        _ if path.is_empty() => "At the top".to_owned(),
        None => format!("`[{path}]`"),
        Some((table, kind)) => match kind.split_once("\".") {
            None => format!("`[{table}]` with `{kind}`"),
            Some((kind, below)) => format!("`[{table}.{below}]` with `{kind}\"`"),
        },
    };
    write!(text, "\n## {title}\n\n{}\n", sentence(table)).unwrap();
    let is_resource = table["properties"].get("adopt").is_some();
    let mut below = rows(text, schema, table, |key| !is_resource || !SHARED.contains(&key));
    if is_resource {
        text.push_str("\nAnd `adopt`, `after`, `hold` and `moved`, as [every resource](#every-resource).\n");
    }
    if let Some(other) = table.get("additionalProperties").filter(|other| other.is_object()) {
        below.extend(shape(schema, other).table.map(|table| ("NAME".to_owned(), table)));
    }
    for (key, table) in below {
        let path = if path.is_empty() { key } else { format!("{path}.{key}") };
        if path == "services.NAME" {
            each_kind_of_service(text, schema);
            continue;
        }
        // The defaults of nodes are the table of nodes: it stands once.
        if path != "defaults.nodes" {
            section(text, schema, &path, table);
        }
    }
}

/// A section for the table of each kind of service.
fn each_kind_of_service(text: &mut String, schema: &Value) {
    let kinds = schema["definitions"]["ServiceTable"]["anyOf"].as_array().unwrap();
    for (kind, table) in labctl::services::SERVICES.iter().zip(kinds) {
        let table = follow(schema, table);
        assert_eq!(table["properties"]["kind"]["const"], kind.name);
        section(text, schema, &format!("services.NAME], kind = \"{}\"", kind.name), table);
    }
}

/// The keys of `table` as rows; returns the tables among their values with their paths.
fn rows<'a>(
    text: &mut String,
    schema: &'a Value,
    table: &'a Value,
    is_shown: impl Fn(&str) -> bool,
) -> Vec<(String, &'a Value)> {
    let properties = table["properties"].as_object().unwrap();
    let required: Vec<&str> = table["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    text.push_str("\n| key | value | |\n| --- | --- | --- |\n");
    let mut below = Vec::new();
    for (key, value) in properties.iter().filter(|(key, _)| is_shown(key)) {
        let shape = shape(schema, value);
        let needed = if required.contains(&key.as_str()) { "**Required.** " } else { "" };
        let words = sentence(value).replace('|', "\\|");
        writeln!(text, "| `{key}` | {} | {needed}{words} |", shape.words).unwrap();
        below.extend(shape.table.map(|table| (format!("{key}{}", shape.suffix), table)));
    }
    below
}

/// What a value looks like, and the table that it is or holds.
struct Shape<'a> {
    words: String,
    table: Option<&'a Value>,
    suffix: &'static str,
}

fn shape<'a>(schema: &'a Value, value: &'a Value) -> Shape<'a> {
    if let Some(keys) = small(value) {
        return Shape { words: keys.to_owned(), table: None, suffix: "" };
    }
    let value = follow(schema, value);
    let plain = |words: &str| Shape { words: words.to_owned(), table: None, suffix: "" };
    if let Some(options) = value.get("anyOf").or(value.get("oneOf")).and_then(Value::as_array) {
        let shapes: Vec<Shape<'_>> =
            options.iter().filter(|option| option["type"] != "null").map(|option| shape(schema, option)).collect();
        let mut words: Vec<String> = shapes.iter().map(|shape| shape.words.clone()).collect();
        words.dedup();
        let table = shapes.iter().find_map(|shape| Some((shape.table?, shape.suffix)));
        return Shape { words: words.join(" or "), table: table.map(|t| t.0), suffix: table.map_or("", |t| t.1) };
    }
    if let Some(word) = value["const"].as_str() {
        return plain(&format!("`\"{word}\"`"));
    }
    if let Some(words) = value["enum"].as_array() {
        let words: Vec<String> = words.iter().filter_map(Value::as_str).map(|word| format!("`\"{word}\"`")).collect();
        return plain(&words.join(", "));
    }
    let types: Vec<&str> = match &value["type"] {
        Value::String(one) => vec![one],
        many => many.as_array().into_iter().flatten().filter_map(Value::as_str).filter(|one| *one != "null").collect(),
    };
    match types.as_slice() {
        ["object"] if value.get("properties").is_some() => {
            Shape { words: "table".into(), table: Some(value), suffix: "" }
        }
        ["object"] if value.get("additionalProperties").is_none() => plain("table"),
        ["object"] => {
            let inner = shape(schema, &value["additionalProperties"]);
            let suffix = if inner.table.is_some() { ".NAME" } else { "" };
            Shape { words: format!("by name: {}", inner.words), table: inner.table, suffix }
        }
        ["array"] => {
            let inner = shape(schema, &value["items"]);
            Shape { words: format!("list of {}", inner.words), ..inner }
        }
        ["string"] => plain("text"),
        ["string", "integer"] => plain("text or number"),
        ["integer"] => plain("number"),
        ["boolean"] => plain("`true` or `false`"),
        other => panic!("the reference has no words for {other:?}: {value}"),
    }
}

/// Tables of one or two keys are shown where they are used.
fn small(value: &Value) -> Option<&'static str> {
    let options = value["anyOf"].as_array().map(Vec::as_slice).unwrap_or_default();
    let target = reference(value).or_else(|| options.iter().filter(|_| options.len() == 1).find_map(reference))?;
    match target.rsplit('/').next() {
        Some("SecretReference") => Some("`{ secret = \"NAME\" }`"),
        Some("HoldTable") => Some("`{ because = \"…\", until = 2027-01-31 }`, `until` optional"),
        _ => None,
    }
}

fn reference(value: &Value) -> Option<&str> {
    value.get("$ref").or_else(|| value["allOf"][0].get("$ref")).and_then(Value::as_str)
}

fn follow<'a>(schema: &'a Value, value: &'a Value) -> &'a Value {
    reference(value).map_or(value, |target| schema.pointer(target.trim_start_matches('#')).unwrap())
}

fn sentence(value: &Value) -> String {
    value["description"].as_str().unwrap_or_default().replace('\n', " ")
}
