//! A node whose `zfs get` and `zpool get` answered as in `fixtures/` (OpenZFS 2.3.9; feature flags left out): what is
//! declared against it, and what of it is another state in each case, gives steps or the words of an obstacle.

use super::*;
use crate::config::Sources;
use crate::kinds::{Declared, Goal, Kind, Task, Work, declare};
use crate::lab::{Lab, load};
use crate::observe::{Answer, Ask, Observation, Output, Reply};
use crate::plan::{Act, Guard, Mark, Obstacle, Origin, shell_line};

const DATASETS: &str = include_str!("fixtures/zfs-get-all.tsv");
const POOLS: &str = include_str!("fixtures/zpool-get-all.tsv");

const HEAD: &str = "[lab]\nname = \"mobius\"\n[nodes.n5]\naddress = \"192.168.4.5\"\n[pools.vms]\nnode = \"n5\"\n";

fn lab(tables: &str) -> Lab {
    let loaded = load(&Sources::memory([("homelab.toml", &format!("{HEAD}{tables}") as &str)]));
    let faults: Vec<String> = loaded.diagnostics.into_iter().map(|fault| fault.summary).collect();
    loaded.lab.unwrap_or_else(|| panic!("{faults:?}"))
}

/// What the node answers.
struct Host {
    datasets: String,
    pools: String,
    tree: String,
    snapshots: String,
}

impl Host {
    fn new() -> Self {
        let tree = r#"{"blockdevices":[{"path":"/dev/vdb","type":"disk","fstype":null}]}"#;
        let (datasets, pools) = (DATASETS.to_owned(), POOLS.to_owned());
        Self { datasets, pools, tree: tree.to_owned(), snapshots: String::new() }
    }

    /// Something else is said in some line.
    fn but(mut self, from: &str, to: &str) -> Self {
        assert!(self.datasets.contains(from) || self.pools.contains(from) || self.tree.contains(from), "{from}");
        self.datasets = self.datasets.replace(from, to);
        self.pools = self.pools.replace(from, to);
        self.tree = self.tree.replace(from, to);
        self
    }

    fn without_pools(mut self) -> Self {
        self.datasets.clear();
        self.pools.clear();
        self
    }

    fn reply(&self, declared: &Declared) -> Reply {
        let body = &declared.resource.body;
        let all = |asks: Vec<Ask>| asks.into_iter().map(|ask| (ask.clone(), self.answer(&ask))).collect::<Reply>();
        let mut reply = all(body.asks());
        reply.extend(all(body.further_asks(&reply)));
        reply
    }

    fn answer(&self, ask: &Ask) -> Answer {
        let Ask::Run(argv) = ask else { return Answer::Lost("not a program".to_owned()) };
        let words: Vec<&str> = argv.iter().map(String::as_str).collect();
        let output =
            |code, stdout: &str, stderr: String| Answer::Output(Output { code, stdout: stdout.into(), stderr });
        match words.as_slice() {
            ["zfs", "get", "-Hp", "-d", "1", "-t", "snapshot", ..] => output(0, &self.snapshots, String::new()),
            ["date", "+%s"] => output(0, "1800000000", String::new()),
            ["zpool", "get", ..] => output(0, &self.pools, String::new()),
            ["zfs", "get", "-Hp", "-o", _, "all", names @ ..] => {
                let is_of = |line: &&str, name: &str| line.split('\t').next() == Some(name);
                let lines = |name: &str| self.datasets.lines().filter(|line| is_of(line, name)).collect::<Vec<_>>();
                let absent = names.iter().filter(|name| lines(name).is_empty());
                let stderr: String = absent
                    .map(|name| format!("cannot open '{name}': dataset does not exist"))
                    .collect::<Vec<_>>()
                    .join("\n");
                let found: Vec<&str> = names.iter().flat_map(|name| lines(name)).collect();
                output(u32::from(!stderr.is_empty()), &found.join("\n"), stderr)
            }
            ["lsblk", ..] => output(0, &self.tree, String::new()),
            ["blkid", ..] => output(2, "", String::new()),
            _ => Answer::Lost(format!("{words:?}")),
        }
    }
}

fn find(lab: &Lab, name: &str) -> Declared {
    declare(lab).into_iter().find(|it| it.resource.name == name).expect("declared")
}

/// What is done about the resource of that real name, as commands, or why nothing is.
fn decide(tables: &str, name: &str, host: &Host) -> Result<Vec<String>, String> {
    let work = work(tables, name, host)?;
    match work.obstacle {
        Some(Obstacle::Protected(why)) => Err(format!("protected: {why}")),
        Some(Obstacle::Refused(why)) => Err(format!("refused: {why}")),
        Some(other) => Err(format!("{other:?}")),
        None => Ok(work.steps.iter().map(|step| command(&step.act)).collect()),
    }
}

fn work(tables: &str, name: &str, host: &Host) -> Result<Work, String> {
    let lab = lab(tables);
    let declared = find(&lab, name);
    let (resource, reply) = (&declared.resource, host.reply(&declared));
    let mark = Mark::new(&lab.name, &resource.address, Origin::Made, &resource.body.desired());
    let observation = resource.body.observe(&reply);
    let goal = match &observation {
        Observation::Unknown(why) => return Err(format!("unknown: {why}")),
        Observation::Absent => Goal::Create,
        Observation::Present(observed) => {
            let differences = resource.body.compare(observed, &reply);
            let goal = Goal::Update { observed, differences: &differences };
            return Ok(if differences.is_empty() {
                Work::default()
            } else {
                resource.body.work(&Task { goal, mark: &mark, reply: &reply })
            });
        }
    };
    Ok(resource.body.work(&Task { goal, mark: &mark, reply: &reply }))
}

/// The command, its marks left out.
fn command(act: &Act) -> String {
    let Act::Run { argv, .. } = act else { panic!("{act:?}") };
    if let [_, _, script, _, lock, dataset, before] = &argv[..] {
        assert!(script.contains("zfs snapshot") && lock == "/var/lib/labctl/lock", "{argv:?}");
        return format!("snapshot of {dataset} before {before}");
    }
    let mut words: Vec<&str> = argv.iter().map(String::as_str).collect();
    while let Some(at) = words.iter().position(|word| word.starts_with("labctl:")) {
        words.remove(at);
        if words[at - 1].eq_ignore_ascii_case("-o") {
            words.remove(at - 1);
        }
    }
    shell_line(words)
}

#[test]
fn what_is_as_declared_in_other_words_is_not_touched() {
    let pool = "properties = { compression = \"on\", atime = \"no\", autotrim = \"true\", ashift = 9 }";
    assert_eq!(decide(pool, "vms", &Host::new()), Ok(Vec::new()));
    for properties in [
        "compression = \"lz4\"",
        "recordsize = \"128K\", quota = \"none\", refquota = \"0\", mountpoint = \"/vms/a/b\"",
        "xattr = \"sa\", checksum = \"fletcher4\", snapshot_limit = \"none\"",
    ] {
        let tables = format!("[pools.vms.datasets.\"a/b\"]\nproperties = {{ {properties} }}");
        assert_eq!(decide(&tables, "vms/a/b", &Host::new()), Ok(Vec::new()), "{properties}");
    }
    let thick = "[pools.vms.volumes.v]\nsize = \"100MiB\"\nproperties = { refreservation = \"auto\" }";
    assert_eq!(decide(thick, "vms/v", &Host::new()), Ok(Vec::new()));
}

#[test]
fn what_differs_is_set_in_one_command_and_marked_in_another() {
    let tables = "[pools.vms.datasets.\"a/b\"]\nproperties = { recordsize = \"1M\", quota = \"1GiB\", atime = \"on\" }";
    let steps = decide(tables, "vms/a/b", &Host::new()).unwrap();
    assert_eq!(steps, ["zfs set 'atime=on' 'quota=1073741824' 'recordsize=1048576' vms/a/b", "zfs set vms/a/b"]);
    let work = work(tables, "vms/a/b", &Host::new()).unwrap();
    assert!(work.notes.iter().any(|note| note.contains("inherited from `vms`")), "{:?}", work.notes);
    let argv = ["zfs", "get", "-Hp", "-o", "value", "quota,type", "vms/a/b"].map(str::to_owned).to_vec();
    // `recordsize` has its default as long as nothing above has one: it may change with the parent in the same apply.
    assert_eq!(work.steps[0].guards, [Guard::Output { argv, stdout: "0\nfilesystem".to_owned() }]);

    let pool = "properties = { compression = \"zstd\", autotrim = \"off\", failmode = \"continue\" }";
    assert_eq!(
        decide(pool, "vms", &Host::new()).unwrap(),
        [
            "zpool set 'autotrim=off' vms",
            "zpool set 'failmode=continue' vms",
            "zfs set 'compression=zstd' vms",
            "zfs set vms"
        ]
    );
}

#[test]
fn what_is_inherited_and_about_to_change_above_gets_a_value_of_its_own() {
    let below = "[pools.vms.datasets.\"a/b\"]\nproperties = { atime = \"off\" }";
    let pool = |atime: &str| format!("properties = {{ atime = \"{atime}\" }}\n{below}");
    assert_eq!(decide(&pool("off"), "vms/a/b", &Host::new()), Ok(Vec::new()));
    assert_eq!(
        decide(&pool("on"), "vms/a/b", &Host::new()).unwrap(),
        ["zfs set 'atime=off' vms/a/b", "zfs set vms/a/b"]
    );
    let between = "properties = { atime = \"off\" }\n[pools.vms.datasets.a]\nproperties = { atime = \"on\" }\n";
    let steps = decide(&format!("{between}{below}"), "vms/a/b", &Host::new()).unwrap();
    assert_eq!(steps, ["zfs set 'atime=off' vms/a/b", "zfs set vms/a/b"]);
    // Nobody inherits a quota.
    let quota = "properties = { quota = \"1GiB\" }\n[pools.vms.datasets.\"a/b\"]\nproperties = { quota = \"none\" }";
    assert_eq!(decide(quota, "vms/a/b", &Host::new()), Ok(Vec::new()));
}

#[test]
fn what_is_absent_is_made_with_its_mark_and_its_parents() {
    for (tables, name, commands) in [
        ("[pools.vms.datasets.new]", "vms/new", vec!["zfs create vms/new"]),
        ("[pools.vms.datasets.\"x/y/z\"]", "vms/x/y/z", vec!["zfs create -p vms/x/y", "zfs create vms/x/y/z"]),
        (
            "[pools.vms.datasets.x]\n[pools.vms.datasets.\"x/y\"]\nproperties = { quota = \"1GiB\" }",
            "vms/x/y",
            vec!["zfs create -o 'quota=1073741824' vms/x/y"],
        ),
        (
            "[pools.vms.volumes.\"a b\"]\nsize = \"1GiB\"\nproperties = { refreservation = \"none\" }",
            "vms/a b",
            vec!["zfs create -V 1073741824 -o 'refreservation=none' 'vms/a b'"],
        ),
    ] {
        assert_eq!(decide(tables, name, &Host::new()).unwrap(), commands, "{tables}");
    }
    let blank = Host::new().without_pools();
    let pool = "devices = [\"/dev/vdb\", \"/dev/vdc\"]\nlayout = \"mirror\"\n\
                properties = { autotrim = \"on\", atime = \"off\" }";
    let command = "zpool create -o 'autotrim=on' -O 'atime=off' vms mirror /dev/vdb /dev/vdc";
    assert_eq!(decide(pool, "vms", &blank).unwrap(), [command]);
    let in_it = format!("{pool}\n[pools.vms.datasets.x]");
    assert_eq!(decide(&in_it, "vms/x", &blank).unwrap(), ["zfs create vms/x"], "its pool is made before it");
}

#[test]
fn data_is_sacred() {
    let volume = |size: &str| format!("[pools.vms.volumes.v]\nsize = {size:?}");
    let quota = |properties: &str| format!("[pools.vms.datasets.\"a/b\"]\nproperties = {{ {properties} }}");
    for (tables, name, words) in [
        (volume("64MiB"), "vms/v", "protected: `vms/v` would shrink from 100MiB to 64MiB; 56.0KiB of it hold data"),
        (quota("quota = \"64KiB\""), "vms/a/b", "protected: `quota` of `vms/a/b` would be 64KiB, and 96.0KiB are used"),
        (quota("refquota = \"64KiB\""), "vms/a/b", "protected: `refquota`"),
        (quota("casesensitivity = \"mixed\""), "vms/a/b", "refused: `casesensitivity` is `sensitive`"),
        (quota("encryption = \"on\""), "vms/a/b", "refused: `encryption` is `off`"),
        (quota("keyformat = \"raw\""), "vms/a/b", "refused: `keyformat` is `none`"),
        (quota("volblocksize = \"8K\""), "vms/a/b", "refused: this node's OpenZFS knows no property `volblocksize`"),
        (quota("version = \"4\""), "vms/a/b", "refused: `version` is changed by an upgrade"),
        (quota("autotrim = \"on\""), "vms/a/b", "refused: `autotrim` is a property of pools"),
    ] {
        let why = decide(&tables, name, &Host::new()).unwrap_err();
        assert!(why.starts_with(words), "{words}\n{why}");
    }
    let grown = decide(&volume("1GiB"), "vms/v", &Host::new()).unwrap();
    assert_eq!(
        grown,
        ["snapshot of vms/v before pools.vms.volumes.v", "zfs set 'volsize=1073741824' vms/v", "zfs set vms/v"]
    );
}

#[test]
fn states_that_are_neither_present_nor_absent() {
    let dataset = "[pools.vms.datasets.\"a/b\"]\nproperties = { atime = \"on\" }";
    let member = r#""fstype":"zfs_member","label":"vms""#;
    for (name, host, words) in [
        (
            "vms/a/b",
            Host::new().but("vms\thealth\tONLINE", "vms\thealth\tSUSPENDED"),
            "unknown: the pool `vms` is SUSPENDED",
        ),
        ("vms", Host::new().but("vms\thealth\tONLINE", "vms\thealth\tFAULTED"), "unknown: the pool `vms` is FAULTED"),
        (
            "vms/a/b",
            Host::new().but("vms\treadonly\toff\t-", "vms\treadonly\ton\t-"),
            "refused: the pool `vms` is imported",
        ),
        ("vms/a/b", Host::new().without_pools().but("\"fstype\":null", member), "unknown: the pool `vms` is exported"),
        ("vms", Host::new().without_pools().but("\"fstype\":null", member), "unknown: the pool `vms` is exported"),
        ("vms", Host::new().without_pools(), "refused: n5 has no pool `vms`"),
        (
            "vms/a/b",
            Host::new().but("vms/a/b\ttype\tfilesystem", "vms/a/b\ttype\tvolume"),
            "unknown: `vms/a/b` is a volume",
        ),
        (
            "vms/a/b",
            Host::new().but("vms/a/b\tkeyformat", "vms/a/b\tkeystatus\tunavailable\t-\nvms/a/b\tkeyformat"),
            "refused: its key is not loaded",
        ),
    ] {
        let why = decide(dataset, name, &host).unwrap_err();
        assert!(why.starts_with(words), "{words}\n{why}");
    }
}

#[test]
fn nothing_is_made_below_a_dataset_that_should_be_mounted_and_is_not() {
    let host = || Host::new().but("vms/a\tmounted\tyes", "vms/a\tmounted\tno");
    let why = decide("[pools.vms.datasets.\"a/new\"]", "vms/a/new", &host()).unwrap_err();
    assert!(why.starts_with("refused: `vms/a` above it is not mounted at `/vms/a`"), "{why}");
    for tables in [
        "[pools.vms.datasets.\"a/new\"]\nproperties = { mountpoint = \"none\" }",
        "[pools.vms.volumes.\"a/new\"]\nsize = \"1GiB\"",
    ] {
        assert!(decide(tables, "vms/a/new", &host()).is_ok(), "{tables}");
    }
    let meant = host().but("vms/a\tcanmount\ton", "vms/a\tcanmount\toff");
    assert!(decide("[pools.vms.datasets.\"a/new\"]", "vms/a/new", &meant).is_ok());
}

#[test]
fn all_resources_of_a_node_ask_the_same() {
    let lab = lab(
        "devices = [\"/dev/vdb\"]\n[pools.vms.datasets.x]\n[pools.vms.volumes.y]\nsize = \"1GiB\"\n[pools.tank]\nnode = \"n5\"",
    );
    let asks: Vec<_> = declare(&lab).iter().map(|it| it.resource.body.asks()).collect();
    assert_eq!(asks.len(), 4);
    assert!(asks.iter().all(|ask| *ask == asks[0]));
}

#[test]
fn edges_lead_to_the_pool_the_nearest_declared_parent_the_key_and_zfs_itself() {
    let tables = "[pools.vms.datasets.a]\n[pools.vms.datasets.\"a/b/c\"]\nproperties = { keylocation = \"file:///etc/key\" }\n\
                  [nodes.n5.packages]\nzfsutils-linux = \"present\"\n[nodes.n5.modules]\nzfs = \"loaded\"\n\
                  [nodes.n5.files.\"/etc/key\"]\ncontent = \"x\"\n";
    let lab = lab(tables);
    let needs = |name: &str| -> Vec<String> {
        find(&lab, name).resource.needs.iter().map(|need| need.value.to_string()).collect()
    };
    assert_eq!(needs("vms"), ["nodes.n5.packages.zfsutils-linux", "nodes.n5.modules.zfs"]);
    assert_eq!(needs("vms/a"), ["pools.vms"]);
    assert_eq!(needs("vms/a/b/c"), ["pools.vms", "pools.vms.datasets.a", "nodes.n5.files.\"/etc/key\""]);
}

#[test]
fn what_goes_into_the_survey_is_what_the_thing_has_of_its_own() {
    let lab = lab("");
    let node = &lab.nodes["n5"];
    let host = Host::new();
    let own: Vec<&str> = DATASETS.lines().filter(|line| line.ends_with("\tlocal")).collect();
    let own = own.join("\n");
    let reply: Reply = Pools
        .survey_asks(node)
        .into_iter()
        .map(|ask| {
            let answer = match &ask {
                Ask::Run(argv) if argv[0] == "zpool" => host.answer(&ask),
                Ask::Run(argv) if argv.contains(&"-s".to_owned()) => {
                    Answer::Output(Output { stdout: own.clone().into(), ..Output::default() })
                }
                _ => Answer::Output(Output { stdout: DATASETS.into(), ..Output::default() }),
            };
            (ask, answer)
        })
        .collect();
    let kinds: [&dyn Kind; 3] = [&Pools, &Datasets, &Volumes];
    let shown: Vec<String> = kinds
        .iter()
        .flat_map(|kind| kind.survey(&lab, node, &reply).unwrap())
        .map(|it| format!("{} {}", it.address, it.entry))
        .collect();
    assert_eq!(
        shown,
        [
            r#"pools.tank { node = "n5" }"#,
            r#"pools.vms { node = "n5", properties = { ashift = "9", autotrim = "on", atime = "off", compression = "lz4", mountpoint = "/vms" } }"#,
            "pools.vms.datasets.a {}",
            r#"pools.vms.datasets."a/b" {}"#,
            r#"pools.vms.volumes.thin { size = "64MiB", properties = { refreservation = "none" } }"#,
            r#"pools.vms.volumes.v { size = "100MiB" }"#,
        ]
    );
}
