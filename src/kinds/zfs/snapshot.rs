//! The snapshot before a change that could cost data: `DATASET@labctl-RUN`.
//!
//! It is named after the run that takes it, by the id in the lock that this run holds on the node, so that a plan is the
//! same whoever carries it out, and a run that looks again finds its own. A property of its own makes it labctl's, and
//! those alone are ever pruned.

use super::mounts;
use super::read::{self, Live, complaint};
use super::wanted::about;
use crate::lab::{Address, Lab, Node};
use crate::observe::{Ask, Reply};
use crate::plan::{Guard, Step, lock};

/// How many of a dataset's stay whatever their age: the newest.
const KEPT: usize = 5;

/// How many days each one stays.
const DAYS: u64 = 14;

/// What makes a snapshot labctl's: the address of what was about to be changed. It has all of its dataset's properties
/// by inheritance, so that a local value alone counts.
const BEFORE: &str = "labctl:before";

/// What is asked of each: which it is, who holds it, who cloned it, whose it is, how old it is.
const ASKED: &str = "guid,userrefs,clones,labctl:before,creation,createtxg";

/// LOCK DATASET ADDRESS. Without a lock (a person runs the steps of a plan) it is named after the time. One that is
/// there already was taken by the same run, before it began.
const TAKE: &str = r#"{ read -r run <"$1"; } 2>/dev/null || run=$(date -u +%Y%m%dT%H%M%SZ); at=$2@labctl-$run; zfs list -H -t snapshot -o name "$at" 2>/dev/null || zfs snapshot -o "labctl:before=$3" "$at""#;

/// SNAPSHOT GUID. What is gone, is another one or is held or cloned by now is left as it is: that is no failure. Never `-r`,
/// `-R` or `-d`: ZFS itself refuses what is held or cloned in that very moment.
const PRUNE: &str = r#"case $(echo $(zfs get -Hp -o value guid,userrefs,clones "$1" 2>/dev/null)) in "$2 0" | "$2 0 -") zfs destroy "$1" ;; esac"#;

/// The snapshots of one dataset or volume that labctl takes.
#[derive(Debug, Clone)]
pub(in super::super) struct Snapshots {
    /// Where the lock of the node lies.
    lock: String,
    dataset: String,
    /// What must be so for the data to lie there.
    guard: Option<Guard>,
}

impl Snapshots {
    pub(super) fn of(lock: &str, dataset: &str) -> Self {
        Self { lock: lock.to_owned(), dataset: dataset.to_owned(), guard: None }
    }

    /// Those of the declared dataset that a folder lies in.
    pub(in super::super) fn around(lab: &Lab, node: &Node, folder: &str) -> Option<Self> {
        let mount = mounts::above(lab, node, &format!("{folder}/"))?;
        Some(Self { guard: Some(mount.guard()), ..Self::of(&lock::path(node), mount.name()) })
    }

    /// What to know before one is taken: those that are there, and the node's time.
    pub(in super::super) fn asks(&self) -> Vec<Ask> {
        vec![self.list(), now()]
    }

    fn list(&self) -> Ask {
        let head = ["zfs", "get", "-Hp", "-d", "1", "-t", "snapshot", "-o", "name,property,value,source"];
        Ask::run(head.into_iter().chain([ASKED, self.dataset.as_str()]))
    }

    /// Takes one before what lies at that address is changed. Where it can't, nothing that comes after it is done.
    pub(in super::super) fn take(&self, address: &Address) -> Step {
        let argv = ["sh", "-c", TAKE, "labctl-snapshot", &self.lock, &self.dataset, &address.to_string()];
        // Two changes of one run whose data lies in one dataset share a snapshot: one after the other looks for it.
        let step = Step::run(format!("take a snapshot of {}", self.dataset), argv);
        let step = step.exclusive(format!("snapshot {}", self.dataset));
        self.guard.iter().cloned().fold(step, Step::guarded)
    }

    /// Ends those that are too old, when all else is done, and what there is to say of it.
    pub(in super::super) fn prune(&self, reply: &Reply) -> (Vec<Step>, Vec<String>) {
        let first = format!("first takes the snapshot `{}@labctl-RUN`, RUN being the run's id", self.dataset);
        match self.outdated(reply) {
            Ok(outdated) => {
                let end = |(name, guid): &(String, String)| {
                    Step::run(format!("prune {name}"), ["sh", "-c", PRUNE, "labctl-prune", name, guid])
                };
                let told = outdated.iter().map(|(name, _)| format!("prunes labctl's snapshot `{name}`"));
                (outdated.iter().map(end).collect(), [first].into_iter().chain(told).collect())
            }
            Err(why) => (Vec::new(), vec![first, format!("no older snapshot is pruned: {why}")]),
        }
    }

    /// labctl's own that are neither among the newest nor young, and that nobody needs: name and guid.
    fn outdated(&self, reply: &Reply) -> Result<Vec<(String, String)>, String> {
        let output = reply.output(&self.list())?;
        if output.code != 0 {
            return Err(complaint("zfs get", output));
        }
        let now: u64 = reply.output(&now())?.text().trim().parse().map_err(|_| "the node does not tell its time")?;
        let head = format!("{}@labctl-", self.dataset);
        let is_own = |live: &Live| live.setting(BEFORE).is_some_and(|setting| setting.source == "local");
        let mut own: Vec<(String, Live)> = read::all(output).into_iter().collect();
        own.retain(|(name, live)| name.starts_with(&head) && is_own(live));
        own.sort_by_key(|(_, live)| std::cmp::Reverse(live.number("createtxg")));
        let is_old = |live: &Live| {
            live.number("creation").is_some_and(|creation| now.saturating_sub(creation) > DAYS * 24 * 60 * 60)
        };
        let is_free =
            |live: &Live| live.number("userrefs") == Some(0) && matches!(live.value("clones"), Some("" | "-"));
        // The one that is about to be taken is the newest.
        let outdated = own.into_iter().skip(KEPT - 1).filter(|(_, live)| is_old(live) && is_free(live));
        Ok(outdated.filter_map(|(name, live)| Some((name, live.value("guid")?.to_owned()))).collect())
    }
}

/// That none is taken before an upgrade, and why.
pub(in super::super) fn no_snapshot(folder: &str) -> String {
    format!("no snapshot is taken first: `{folder}` lies on no dataset of this file")
}

fn now() -> Ask {
    Ask::run(["date", "+%s"])
}

/// Why there is no room for a snapshot of a thick volume: ZFS keeps room for all of it to be written anew (`zfsprops(7)`,
/// `refreservation`), so that what it holds must fit once more.
pub(super) fn room_fault(name: &str, live: &Live) -> Option<String> {
    let needed = live.number("usedbydataset")?.min(live.number("refreservation")?);
    let free = live.number("available")?.saturating_sub(live.number("usedbyrefreservation").unwrap_or(0));
    (needed > free).then(|| {
        format!(
            "there is no room for the snapshot that is taken first: `{name}` is thick, so that its {} must fit once more, \
             and {} are free. Free some; or change it by hand without one, and apply finds it as declared",
            about(needed),
            about(free)
        )
    })
}

#[cfg(test)]
mod tests {
    use super::{Snapshots, room_fault};
    use crate::config::Sources;
    use crate::kinds::zfs::read;
    use crate::lab::load;
    use crate::observe::{Answer, Output, Reply};
    use crate::plan::Act;

    const DAY: u64 = 24 * 60 * 60;
    const NOW: u64 = 1_800_000_000;

    fn snapshots() -> Snapshots {
        let text = "[lab]\nname='x'\n[nodes.n5]\naddress='192.168.4.5'\n[pools.tank]\nnode='n5'\n\
                    [pools.tank.datasets.k0s]\nproperties={mountpoint='/var/lib/k0s'}\n";
        let lab = load(&Sources::memory([("homelab.toml", text)])).lab.unwrap();
        assert!(Snapshots::around(&lab, &lab.nodes["n5"], "/var/lib/k0sx").is_none());
        Snapshots::around(&lab, &lab.nodes["n5"], "/var/lib/k0s").unwrap()
    }

    /// One snapshot, as `zfs get` lists it.
    struct Seen {
        name: &'static str,
        days: u64,
        held: u64,
        clones: &'static str,
        source: &'static str,
    }

    const OWN: Seen = Seen { name: "labctl-1", days: 100, held: 0, clones: "-", source: "local" };

    fn pruned(seen: &[Seen]) -> (Vec<String>, Vec<String>) {
        let mut text = String::new();
        for (at, Seen { name, days, held, clones, source }) in seen.iter().enumerate() {
            let created = NOW - days * DAY;
            for (property, value, source) in [
                ("guid", format!("{at}"), "-"),
                ("userrefs", held.to_string(), "-"),
                ("clones", (*clones).to_owned(), "-"),
                ("labctl:before", "pools.tank".to_owned(), *source),
                ("creation", created.to_string(), "-"),
                ("createtxg", created.to_string(), "-"),
            ] {
                text += &format!("tank/k0s@{name}\t{property}\t{value}\t{source}\n");
            }
        }
        told(&text, &NOW.to_string(), 0)
    }

    fn told(list: &str, now: &str, code: u32) -> (Vec<String>, Vec<String>) {
        let snapshots = snapshots();
        let answer = |text: &str, code| Answer::Output(Output { stdout: text.into(), stderr: String::new(), code });
        let asks = snapshots.asks();
        let answers = [answer(list, code), answer(now, 0)];
        let reply: Reply = asks.into_iter().zip(answers).collect();
        let (steps, notes) = snapshots.prune(&reply);
        let name = |act: &Act| match act {
            Act::Run { argv, .. } => argv[3..].join(" "),
            _ => panic!("{act:?}"),
        };
        (steps.iter().map(|step| name(&step.act)).collect(), notes)
    }

    /// Four that are newer than all others: with the one that is taken, those that stay in any case.
    const NEWER: [Seen; 4] = [
        Seen { name: "labctl-a", days: 20, ..OWN },
        Seen { name: "labctl-b", days: 21, ..OWN },
        Seen { name: "labctl-c", days: 22, ..OWN },
        Seen { name: "labctl-d", days: 23, ..OWN },
    ];

    fn with_newer(others: Vec<Seen>) -> Vec<String> {
        pruned(&NEWER.into_iter().chain(others).collect::<Vec<_>>()).0
    }

    #[test]
    fn the_newest_stay_however_old_they_are_and_the_young_however_many_there_are() {
        assert!(with_newer(Vec::new()).is_empty());
        assert_eq!(with_newer(vec![OWN]), ["labctl-prune tank/k0s@labctl-1 4"]);
        let young = || Seen { days: 14, ..OWN };
        assert!(pruned(&[young(), young(), young(), young(), young(), young(), young()]).0.is_empty());
        assert!(pruned(&[Seen { days: 15, ..OWN }]).0.is_empty());
    }

    #[test]
    fn what_somebody_else_took_holds_or_cloned_stays() {
        for spared in [
            Seen { name: "by-hand", ..OWN },
            Seen { source: "-", ..OWN },
            Seen { source: "received", ..OWN },
            Seen { source: "inherited from tank/k0s", ..OWN },
            Seen { held: 1, ..OWN },
            Seen { clones: "tank/copy", ..OWN },
        ] {
            let name = format!("{} {} {} {}", spared.name, spared.source, spared.held, spared.clones);
            assert!(with_newer(vec![spared]).is_empty(), "{name}");
        }
    }

    #[test]
    fn what_can_not_be_read_is_not_pruned_and_that_is_said() {
        for (list, now, code) in [("", "x", 0), ("", "1", 1)] {
            let (steps, notes) = told(list, now, code);
            assert!(steps.is_empty() && notes[1].starts_with("no older snapshot is pruned: "), "{notes:?}");
        }
        let (steps, notes) = snapshots().prune(&Reply::default());
        assert!(steps.is_empty() && notes.len() == 2, "{notes:?}");
    }

    #[test]
    fn it_is_taken_only_where_the_data_lies_there() {
        let step = snapshots().take(&"clusters.home/controller/n5".parse().unwrap());
        let guards: Vec<String> = step.guards.iter().map(crate::plan::Guard::words).collect();
        assert_eq!(guards, ["zfs get -H -o value mounted tank/k0s"]);
        let Act::Run { argv, .. } = step.act else { panic!("a program") };
        assert_eq!(argv[4..], ["/var/lib/labctl/lock", "tank/k0s", "clusters.home/controller/n5"]);
    }

    #[test]
    fn a_thick_volume_whose_data_does_not_fit_twice_is_told_before_anything_is_done() {
        let rows = |available: u64| {
            format!(
                "v\tusedbydataset\t100\t-\nv\trefreservation\t500\tlocal\nv\tavailable\t{available}\t-\n\
                 v\tusedbyrefreservation\t400\t-\n"
            )
        };
        let fault = |available| {
            let output = Output { stdout: rows(available).into(), ..Output::default() };
            room_fault("v", &read::all(&output)["v"])
        };
        assert_eq!(fault(500), None);
        assert!(fault(499).unwrap().contains("no room for the snapshot"));
    }
}
