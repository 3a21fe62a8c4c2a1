//! The steps of an armed change, whatever it is: a network applied, or taken away.
//!
//! `/run/labctl/network` holds all that the host needs to go on alone: the script, the facts, what was there before.
//! In order, with what a cut at that moment leaves behind:
//!
//! 1. script, facts and new file are put there; netplan checks them; what is there is noted. *Nothing has changed.*
//! 2. The timer is armed. *It puts back what has not changed: networking restarts, no more.*
//! 3. The new file is staged in `/run/netplan`, where it hides the old ones, and `netplan apply` runs in a unit of its
//!    own, which no lost connection kills. *The timer puts the old network back; so does a power cut, for `/run` is
//!    gone then.*
//! 4. Over a fresh connection everything is looked at: addresses, routes, gateways, what others have set.
//! 5. The folder `decided` is made: `mkdir` lets exactly one of labctl and the timer make it, and the other gives up.
//!    From here on nothing puts the old network back but a power cut. *The new network runs, confirmed; the next plan
//!    sees that it is only staged.*
//! 6. The file is written to `/etc/netplan`, then the replaced ones are renamed. *In between both are there and netplan
//!    joins them: the node has its old and its new addresses. The other order would leave a moment without any.*
//! 7. The staged files go, the timer is stopped, the folder is removed. *The next plan sees what was left and runs
//!    the change once more, which changes nothing.*

use crate::lab::{Content, Mode};
use crate::plan::{Act, Guard, Step};

use super::netplan::{ASIDE, ETC, FOLDERS, OWN};

/// Where the host keeps what it needs to go on alone.
pub(super) const HERE: &str = "/run/labctl/network";

/// Seconds allowed to `netplan apply`, before the time to confirm begins.
const APPLY: u64 = 45;

/// Seconds that the timer leaves to labctl after the time to confirm is over, for its own decision.
const GRACE: u64 = 20;

/// Seconds that a put-back takes at most: `netplan apply` twice on a slow host.
const PUT_BACK: u64 = 120;

const SCRIPT: &str = include_str!("network.sh");

/// What is to be done, decided already.
#[derive(Debug, Default)]
pub(super) struct Plan {
    /// What must still be as it was seen.
    pub(super) guards: Vec<Guard>,
    /// Lines of the script's file of facts.
    pub(super) facts: Vec<String>,
    /// labctl's new file; none to take it away.
    pub(super) file: Option<String>,
    /// Files of `/etc/netplan` that are renamed.
    pub(super) aside: Vec<String>,
    /// Files of `/etc/netplan` that were renamed once and get their names back.
    pub(super) back: Vec<String>,
    /// Files in `/run/netplan` that a change which was cut off has left.
    pub(super) staged: Vec<String>,
    /// Seconds.
    pub(super) confirm_within: u64,
}

fn verb<'a>(about: &str, words: impl IntoIterator<Item = &'a str>) -> Step {
    let script = format!("{HERE}/network.sh");
    let argv = ["sh", &script].into_iter().map(str::to_owned).chain(words.into_iter().map(str::to_owned));
    Step::run(about, argv.collect::<Vec<_>>())
}

fn put(about: &str, path: String, text: &str, mode: u32) -> Step {
    let content = Content::text(text);
    Step::new(about, Act::Put { path, content, mode: Some(Mode(mode)), owner: None, group: None })
}

impl Plan {
    /// The steps, in order.
    pub(super) fn steps(&self) -> Vec<Step> {
        let mut steps = self.prepare();
        steps.extend(self.apply());
        steps.extend(self.keep());
        steps
    }

    fn prepare(&self) -> Vec<Step> {
        let mut first = Step::run("make room for the change", ["rm", "-rf", "--", HERE]);
        first.guards.clone_from(&self.guards);
        let mut facts = self.facts.clone();
        facts.push(format!("hidden {OWN}"));
        facts.extend(self.aside.iter().chain(&self.back).map(|name| format!("hidden {name}")));
        let within = self.confirm_within.to_string();
        let mut steps = vec![
            first,
            put("put the script there that guards it", format!("{HERE}/network.sh"), SCRIPT, 0o600),
            put("put its facts there", format!("{HERE}/facts"), &(facts.join("\n") + "\n"), 0o600),
            Step::run("make a folder for the new files", ["mkdir", "-p", "--", &format!("{HERE}/staged")]),
        ];
        if let Some(text) = &self.file {
            steps.push(put("put the new netplan file there", format!("{HERE}/staged/{OWN}"), text, 0o600));
        }
        for name in &self.back {
            let (from, to) = (format!("{ETC}/{name}{ASIDE}"), format!("{HERE}/staged/{name}"));
            steps.push(Step::run(format!("take {name} up again"), ["cp", "--", &from, &to]));
        }
        steps.push(verb("have netplan check it in a root of its own", ["check", "/run/labctl/netplan-check"]));
        steps.push(verb("note what is there", ["save", &within, &APPLY.to_string(), &GRACE.to_string()]));
        steps
    }

    fn apply(&self) -> Vec<Step> {
        let script = format!("{HERE}/network.sh");
        let seconds = APPLY + self.confirm_within + GRACE;
        let arm = [
            "systemd-run",
            "--quiet",
            "--collect",
            "--unit=labctl-put-back",
            &format!("--on-active={seconds}s"),
            // The default is a minute late.
            "--timer-property=AccuracySec=100ms",
            "sh",
            &script,
            "put-back",
        ];
        let run =
            ["systemd-run", "--quiet", "--collect", "--no-block", "--unit=labctl-network", "sh", &script, "apply"];
        let applied = format!("{HERE}/applied");
        let within = APPLY + self.confirm_within;
        vec![
            Step::run(format!("arm the timer that puts the old network back in {seconds} s"), arm),
            verb("stage the new files in /run/netplan", ["stage"]),
            Step::run("run netplan apply, detached from the connection", run),
            reconnect("reach the node after the change", within, vec!["test".into(), "-e".into(), applied], false),
            reconnect("connect afresh", GRACE, Vec::new(), false),
            verb("see addresses, routes and gateways in place", ["confirm"]).limit(within + 60),
            verb("confirm the new network", ["keep"]),
        ]
    }

    fn keep(&self) -> Vec<Step> {
        let own = format!("{ETC}/{OWN}");
        let mut steps = vec![match &self.file {
            Some(text) => put(&format!("write {own}"), own, text, 0o600),
            None => {
                // First back, then away: never a moment without any.
                return self.keep_without(own);
            }
        }];
        steps.extend(self.aside.iter().map(|name| rename(name, &format!("{name}{ASIDE}"))));
        steps.extend(self.clear());
        steps
    }

    fn keep_without(&self, own: String) -> Vec<Step> {
        let mut steps: Vec<Step> = self.back.iter().map(|name| rename(&format!("{name}{ASIDE}"), name)).collect();
        steps.push(Step::new(format!("remove {own}"), Act::Remove { path: own }));
        steps.extend(self.clear());
        steps
    }

    fn clear(&self) -> Vec<Step> {
        let mut steps = vec![Step::run("flush the names to the disk", ["sync", "--", ETC])];
        let names =
            [OWN].into_iter().chain(self.aside.iter().chain(&self.back).chain(&self.staged).map(String::as_str));
        for name in names.collect::<std::collections::BTreeSet<_>>() {
            let path = format!("{}/{name}", FOLDERS[0]);
            steps.push(Step::new(format!("remove {path}"), Act::Remove { path }));
        }
        steps.push(Step::run("disarm the timer", ["systemctl", "stop", "labctl-put-back.timer"]));
        steps.push(Step::run("clear up", ["rm", "-rf", "--", HERE]));
        steps
    }

    /// The steps after a failure: the old network is put back at once where the host can still be reached, otherwise by
    /// the timer, and labctl waits for it.
    pub(super) fn put_back(&self) -> Vec<Step> {
        // Before the script is there, nothing has been done.
        let guarded = |word: &str| {
            let line = r#"! test -e "$0" || sh "$0" "$1""#;
            ["sh", "-c", line, &format!("{HERE}/network.sh"), word].map(str::to_owned).to_vec()
        };
        let until_timer = APPLY + self.confirm_within + GRACE + PUT_BACK;
        vec![
            reconnect("wait until the host can be reached", until_timer, Vec::new(), true),
            Step::run("have the host put the old network back", guarded("undo")),
            reconnect("wait until the old network is back", until_timer, guarded("settled"), true),
            reconnect("connect afresh", GRACE, Vec::new(), true),
            Step::run("see that it is", guarded("undone")),
        ]
    }
}

fn rename(from: &str, to: &str) -> Step {
    let about = format!("rename {ETC}/{from} to {to}");
    Step::run(about, ["mv", "-f", "-T", "--", &format!("{ETC}/{from}"), &format!("{ETC}/{to}")])
}

fn reconnect(about: &str, within: u64, until: Vec<String>, anywhere: bool) -> Step {
    Step::new(about, Act::Reconnect { within, until, anywhere })
}
