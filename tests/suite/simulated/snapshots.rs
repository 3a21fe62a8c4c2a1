//! The snapshots that labctl takes before a volume grows: never without one, and those of others stay.

use std::collections::BTreeMap;

use labctl::lab::Ground;
use labctl::plan::Step;
use labctl::transport::Transport as _;
use labctl::transport::simulated::{Fault, Moment, Trouble, World};
use serde_json::Value;

use super::bench::{Bench, wait};
use super::generated::host;

const GIB: u64 = 1 << 30;
const DAY: u64 = 24 * 60 * 60;

fn bench(size: u64) -> Bench {
    Bench::new(&host().replacen("size = \"16GiB\"", &format!("size = \"{size}GiB\""), 1))
}

/// The volume's size, and the sizes that it had when its snapshots were taken, by their names: labctl's own, others.
fn disk(world: &World) -> (u64, BTreeMap<String, u64>, BTreeMap<String, u64>) {
    let world: Value = serde_json::from_str(&world.to_json()).unwrap();
    let found = find(&world, "vms/disk").expect("the volume");
    let number = |value: &Value| value.as_str().unwrap().parse::<u64>().unwrap();
    let snapshots = found["snapshots"].as_object().cloned().unwrap_or_default();
    let is_own = |snapshot: &Value| snapshot["settings"]["labctl:before"] == "pools.vms.volumes.disk";
    let (own, others): (Vec<_>, Vec<_>) = snapshots.into_iter().partition(|(_, snapshot)| is_own(snapshot));
    let sizes = |of: Vec<(String, Value)>| of.into_iter().map(|(name, it)| (name, it["size"].as_u64().unwrap()));
    (number(&found["settings"]["volsize"]), sizes(own).collect(), sizes(others).collect())
}

fn find<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    match value {
        Value::Object(fields) => fields.get(name).or_else(|| fields.values().find_map(|value| find(value, name))),
        Value::Array(items) => items.iter().find_map(|value| find(value, name)),
        _ => None,
    }
}

fn by_hand(bench: &Bench, world: World, argv: &[&str]) -> World {
    let lab = bench.simulated(world, Vec::new());
    let step = Step::run("by hand", argv.iter().copied());
    let outcomes = wait(lab.act(&Ground::Node("n5".to_owned()), &[step]));
    assert_eq!(format!("{outcomes:?}"), "[Done]", "{argv:?}");
    lab.world()
}

#[test]
fn whatever_breaks_a_volume_has_not_grown_without_its_snapshot() {
    let found = bench(16).converge(bench(16).found(1));
    let larger = bench(32);
    let steps = larger.steps(found.clone())["n5"];
    assert!(steps >= 3, "{steps}");
    let mut grown = 0;
    for step in 1..=steps {
        for trouble in [Trouble::Fail, Trouble::Kill, Trouble::DropBefore, Trouble::DropDuring, Trouble::DropAfter] {
            let fault = Fault { node: "n5".to_owned(), at: Moment::Step(step), what: trouble };
            let (_, mut world) = larger.apply(found.clone(), vec![fault.clone()]);
            let (size, own, _) = disk(&world);
            assert!(size == 16 * GIB || own.values().any(|before| *before == 16 * GIB), "{fault:?}: {own:?}");
            grown += u32::from(size == 32 * GIB);
            world.wait(900);
            world.repair();
            let (size, own, _) = disk(&larger.converge(world));
            assert!(size == 32 * GIB && own.values().any(|before| *before == 16 * GIB), "{fault:?}: {own:?}");
        }
    }
    assert!(grown > 0, "some fault comes after it has grown");
}

#[test]
fn of_many_growths_the_newest_stay_and_so_does_what_others_took_or_hold() {
    let mut world = bench(16).converge(bench(16).found(1));
    world = by_hand(&bench(16), world, &["zfs", "snapshot", "vms/disk@mine"]);
    let mut held = String::new();
    for size in 17..=24 {
        world.wait(20 * DAY);
        world = bench(size).converge(world);
        if size == 17 {
            held = disk(&world).1.into_keys().next().unwrap();
            world = by_hand(&bench(size), world, &["zfs", "hold", "keep", &format!("vms/disk@{held}")]);
        }
    }
    let (size, own, others) = disk(&world);
    let mut sizes: Vec<u64> = own.values().map(|size| size / GIB).collect();
    sizes.sort_unstable();
    assert_eq!((size / GIB, sizes), (24, vec![16, 19, 20, 21, 22, 23]), "the held one and the newest five");
    assert!(own.contains_key(&held));
    assert_eq!(others.into_iter().collect::<Vec<_>>(), [("mine".to_owned(), 16 * GIB)]);
}

#[test]
fn a_thick_volume_whose_data_does_not_fit_twice_stays_as_it_is() {
    let mut world = bench(16).converge(bench(16).found(1));
    // What a snapshot holds is kept beside the room that is reserved for the volume.
    let (before, ..) = disk(&world);
    world = by_hand(&bench(16), world, &["zfs", "create", "-V", "4060G", "vms/filler"]);
    let plan = bench(17).plan(&bench(17).simulated(world.clone(), Vec::new()));
    let words = format!("{:?}", plan.changes.iter().filter_map(|change| change.obstacle.as_ref()).collect::<Vec<_>>());
    assert!(words.contains("no room for the snapshot"), "{words}");
    let (_, world) = bench(17).apply(world, Vec::new());
    assert_eq!(disk(&world).0, before);
}
