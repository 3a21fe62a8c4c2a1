//! What a saved plan says of itself, above the plan.

use crate::plan::SavedPlan;

/// When, from what and for what it was made.
pub fn saved_head(saved: &SavedPlan) -> String {
    let mut text = format!(
        "Plan of the lab `{}`, made at {} by labctl {}",
        saved.plan.lab, saved.made_at, saved.plan.labctl_version
    );
    if saved.against != "real" {
        text += &format!(", for the lab `{}`", saved.against);
    }
    text.push('\n');
    if let Some(revision) = &saved.revision {
        let dirty = if revision.is_dirty { ", with changes that are not committed" } else { "" };
        text += &format!("from Git revision {}{dirty}\n", revision.commit);
    }
    for (ground, tools) in &saved.tools {
        let tools: Vec<String> = tools.iter().map(|(tool, version)| format!("{tool} {version}")).collect();
        text += &format!("{ground}: {}\n", tools.join(", "));
    }
    text + "\n"
}
