//! What the tables of rules must be.

use super::RULES;
use crate::config::CODES;

#[test]
fn codes_rise_and_none_is_used_twice() {
    let rules = RULES.iter().flat_map(|(_, rules)| *rules).map(|rule| rule.code);
    let all: Vec<&str> = CODES.iter().map(|row| row.1).chain(rules).collect();
    assert!(all.is_sorted_by(|a, b| a < b), "{all:?}");
}

#[test]
fn every_rule_says_what_it_is_about_in_sentences() {
    for rule in RULES.iter().flat_map(|(_, rules)| *rules) {
        assert!(rule.about.ends_with('.') && rule.about.len() > 40, "{}", rule.code);
        assert!(rule.name.chars().all(|c| c.is_ascii_lowercase() || c == '-'), "{}", rule.code);
    }
}
