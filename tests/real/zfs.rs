//! ZFS on a real OpenZFS: made from blank disks, drift, refusals, what leaves the file, marks that are lost.

use crate::support::operator::Operator;
use crate::support::vm::Vm;

/// Every property that somebody set by hand or labctl did, without marks and without what ZFS measures.
const STATE: &str = "zfs get -Hp -t filesystem,volume -s local,received -o name,property,value all | grep -v labctl:; \
    zpool list -H -o name; zfs list -H -o name";

/// A plan whose long remarks stand on one line each.
fn unwrapped(plan: &str) -> String {
    plan.replace("\n  #  ", " ")
}

/// Where disks keep tables and labels, of those that no pool writes to.
const HEADS: &str = "for i in 0 1 2 3 5; do echo $i; head -c 16M /dev/disk/by-id/virtio-labdisk$i | sha256sum; done";

const VMS: &str = r#"
[pools.vms]
node = "n5"
devices = ["/dev/disk/by-id/virtio-labdisk0"]
properties = { compression = "lz4", atime = "off", autotrim = "on" }
[pools.vms.datasets.homelab]
properties = { compression = "on" }
[pools.vms.datasets."homelab/media"]
properties = { recordsize = "1M", quota = "200MiB", xattr = "sa", "com.example:note" = "a 'b' $(c)" }
[pools.vms.datasets."deep/er/still"]
[pools.vms.volumes."Home Assistant"]
size = "64MiB"
[pools.vms.volumes."thin/one"]
size = "32MiB"
properties = { refreservation = "none", volblocksize = "8KiB" }
"#;

#[test]
#[ignore = "real lab: run tests/lab/run"]
fn pools_are_made_on_blank_disks_with_all_that_lies_in_them() {
    let vm = Vm::fresh();
    let operator = Operator::of(
        &vm,
        &format!(
            "{VMS}\n[pools.tank]\nnode = \"n5\"\nlayout = \"mirror\"\n\
             devices = [\"/dev/disk/by-id/virtio-labdisk1\", \"/dev/disk/by-id/virtio-labdisk2\"]\n"
        ),
    );
    operator.apply();
    operator.expect_no_changes();
    assert_eq!(
        vm.ok("zpool get -H -o value health,autotrim vms; zpool status tank | grep -c mirror-0"),
        "ONLINE\non\n1\n"
    );
    assert_eq!(
        vm.ok("zfs get -Hp -o value,source recordsize,quota,com.example:note,atime vms/homelab/media"),
        "1048576\tlocal\n209715200\tlocal\na 'b' $(c)\tlocal\noff\tinherited from vms\n"
    );
    assert_eq!(
        vm.ok("zfs get -Hp -o value volsize,volblocksize,refreservation vms/thin/one; zfs get -Hp -o value volsize 'vms/Home Assistant'"),
        "33554432\n8192\n0\n67108864\n"
    );
    let marks = "zfs get -H -t filesystem,volume -s local -o name,value labctl:address";
    assert!(!vm.ok(marks).contains("vms/deep\t"), "a parent that is not declared carries no mark");
    assert_eq!(vm.ok(marks).lines().count(), 7);
}

#[test]
#[ignore = "real lab: run tests/lab/run"]
fn a_disk_that_holds_anything_is_refused_and_stays_as_it_is() {
    let vm = Vm::fresh();
    vm.ok(
        "cd /dev/disk/by-id; mkfs.ext4 -q virtio-labdisk0; parted -s virtio-labdisk1 mklabel gpt; \
         parted -s virtio-labdisk2 mklabel gpt mkpart data 1MiB 100%; udevadm settle; mkfs.vfat virtio-labdisk2-part1 >/dev/null; \
         zpool create old virtio-labdisk3; zpool export old; zpool create used virtio-labdisk4; \
         mkswap virtio-labdisk5 >/dev/null; udevadm settle",
    );
    let operator = Operator::of(&vm, "");
    let before = vm.ok(HEADS);
    for (disk, words) in [
        ("0", "holds `ext4`"),
        ("1", "holds a partition table (`gpt`)"),
        ("2", "holds `vfat` (on /dev/"),
        ("3", "holds a part of the pool `old`"),
        ("4", "holds a part of the pool `used`"),
        ("5", "holds `swap`"),
    ] {
        operator.declare(&format!(
            "[pools.tank]\nnode = \"n5\"\ndevices = [\"/dev/disk/by-id/virtio-labdisk{disk}\"]\n[pools.tank.datasets.x]\n"
        ));
        let plan = unwrapped(&operator.plan(8).stdout);
        assert!(plan.contains(words), "{plan}");
    }
    operator.expect(&["apply", "--auto-approve"], 8);
    operator.declare("[pools.tank]\nnode = \"n5\"\ndevices = [\"/dev/disk/by-id/nothing\"]\n");
    let plan = unwrapped(&operator.expect(&["plan"], 1).stdout);
    assert!(plan.contains("there is no `/dev/disk/by-id/nothing`"), "{plan}");
    assert_eq!(vm.ok(HEADS), before);
    assert_eq!(vm.ok("zpool list -H -o name"), "used\n");
}

#[test]
#[ignore = "real lab: run tests/lab/run"]
fn a_device_that_gets_data_between_plan_and_create_is_not_taken() {
    let vm = Vm::fresh();
    // The first pool's `zpool create` is preceded by somebody who formats the second one's disk.
    vm.ok("mv /usr/sbin/zpool /usr/sbin/zpool.real; cat > /usr/sbin/zpool <<'SH'
#!/bin/sh
case $* in create*alpha*) mkfs.ext4 -q /dev/disk/by-id/virtio-labdisk1; udevadm settle ;; esac
exec /usr/sbin/zpool.real \"$@\"
SH
chmod 755 /usr/sbin/zpool");
    let pool =
        |name, disk| format!("[pools.{name}]\nnode = \"n5\"\ndevices = [\"/dev/disk/by-id/virtio-labdisk{disk}\"]\n");
    let operator = Operator::of(&vm, &(pool("alpha", 0) + &pool("beta", 1)));
    operator.plan(0);
    let run = operator.labctl(&["apply", "--auto-approve"]);
    assert!([5, 7].contains(&run.code), "{run:#?}");
    assert_eq!(
        vm.ok("blkid -p -o value -s TYPE /dev/disk/by-id/virtio-labdisk1; zpool list -H -o name"),
        "ext4\nalpha\n",
        "{run:#?}"
    );
}

#[test]
#[ignore = "real lab: run tests/lab/run"]
fn drift_of_properties_is_mended_and_what_is_inherited_equal_stays_inherited() {
    let vm = Vm::fresh();
    let operator = Operator::of(&vm, VMS);
    operator.apply();
    vm.ok("zfs inherit compression vms/homelab; zfs inherit xattr vms/homelab/media");
    vm.ok("zfs set com.example:other=kept atime=on vms/homelab/media");
    vm.ok("zfs set quota=100M vms/homelab/media; zpool set autotrim=off vms; zfs set atime=on vms");
    let plan = unwrapped(&operator.plan(0).stdout);
    for words in ["\"100MiB\" -> \"200MiB\"", "autotrim", "# pools.vms will be updated in-place", "(lab changed)"] {
        assert!(plan.contains(words), "{words} is not in\n{plan}");
    }
    assert!(!plan.contains("pools.vms.datasets.homelab will"), "inherited lz4 is what `on` means:\n{plan}");
    operator.apply();
    operator.expect_no_changes();
    assert_eq!(
        vm.ok("zfs get -Hp -o value,source quota,atime,com.example:other vms/homelab/media; zpool get -H -o value autotrim vms; \
               zfs get -H -o source compression vms/homelab"),
        "209715200\tlocal\non\tlocal\nkept\tlocal\non\ninherited from vms\n",
        "what is not declared is not touched"
    );
}

#[test]
#[ignore = "real lab: run tests/lab/run"]
fn volumes_grow_and_nothing_shrinks_below_what_it_holds() {
    let vm = Vm::fresh();
    let operator = Operator::of(&vm, VMS);
    operator.apply();
    vm.ok("dd if=/dev/urandom of=/vms/homelab/media/film bs=1M count=50 2>/dev/null; zpool sync");

    operator.replace("size = \"64MiB\"", "size = \"96MiB\"");
    let plan = unwrapped(&operator.plan(0).stdout);
    assert!(plan.contains("\"64MiB\" -> \"96MiB\"") && plan.contains("virsh blockresize"), "{plan}");
    operator.apply();
    operator.expect_no_changes();
    assert_eq!(vm.ok("zfs get -Hp -o value volsize 'vms/Home Assistant'"), "100663296\n");

    let before = vm.ok(STATE);
    for (from, to, words, code) in [
        ("size = \"96MiB\"", "size = \"48MiB\"", "would shrink from 96MiB to 48MiB", 8),
        ("quota = \"200MiB\"", "quota = \"20MiB\"", "`quota` of `vms/homelab/media` would be 20MiB, and 50.", 8),
        ("volblocksize = \"8KiB\"", "volblocksize = \"16KiB\"", "ZFS sets it when `vms/thin/one` is made", 1),
        ("recordsize = \"1M\"", "casesensitivity = \"insensitive\"", "or migrate:", 1),
        ("recordsize = \"1M\"", "colour = \"red\"", "knows no property `colour`", 1),
        ("recordsize = \"1M\"", "used = \"1\"", "what ZFS measures", 1),
    ] {
        operator.replace(from, to);
        let plan = unwrapped(&operator.expect(&["plan"], code).stdout);
        assert!(plan.contains(words), "{words} is not in\n{plan}");
        operator.expect(&["apply", "--auto-approve"], code);
        operator.replace(to, from);
    }
    assert_eq!(vm.ok(STATE), before);
    operator.expect_no_changes();
}

#[test]
#[ignore = "real lab: run tests/lab/run"]
fn a_volume_that_grows_has_a_snapshot_and_only_labctls_old_ones_are_pruned() {
    let vm = Vm::fresh();
    let operator = Operator::of(&vm, VMS);
    operator.apply();
    // What udev makes of the space.
    let device = "/dev/zvol/vms/Home+Assistant";
    let write = |words: &str| vm.ok(&format!("printf %s {words} | dd of={device} conv=fsync 2>/dev/null; zpool sync"));
    let own = || vm.ok("zfs get -Hp -d 1 -t snapshot -s local -o name labctl:before 'vms/Home Assistant'");
    write("old");
    vm.ok("zfs snapshot 'vms/Home Assistant@labctl-of-somebody'; zfs snapshot 'vms/Home Assistant@mine'");
    // Time goes by between one growth and the next; the first snapshot is held.
    vm.ok("timedatectl set-ntp false 2>/dev/null; date -s '-200 days' >/dev/null");
    for size in 65..=71 {
        operator.replace(&format!("size = \"{}MiB\"", size - 1), &format!("size = \"{size}MiB\""));
        let plan = unwrapped(&operator.labctl(&["plan", "--show-steps"]).stdout);
        assert!(plan.contains("first takes the snapshot `vms/Home Assistant@labctl-RUN`"), "{plan}");
        assert!(plan.contains("zfs snapshot -o"), "{plan}");
        assert_eq!(plan.contains("prunes labctl's snapshot `"), size == 71, "{plan}");
        operator.apply();
        operator.expect_no_changes();
        if size == 65 {
            write("new");
            vm.ok(
                "zfs hold keep \"$(zfs get -Hp -d 1 -t snapshot -s local -o name labctl:before 'vms/Home Assistant')\"",
            );
        }
        vm.ok("date -s '+20 days' >/dev/null");
    }
    // Seven were taken: the newest five stay, and the first, which is held.
    let names = own();
    assert_eq!(names.lines().count(), 6, "{names}");
    assert!(names.lines().all(|name| name.starts_with("vms/Home Assistant@labctl-")), "{names}");
    let before = "zfs get -Hp -d 1 -t snapshot -s local -o value labctl:before 'vms/Home Assistant' | sort -u";
    assert_eq!(vm.ok(before), "pools.vms.volumes.\"Home Assistant\"\n");
    let of_others = vm.ok("zfs list -H -o name -t snapshot -r vms");
    for name in ["vms/Home Assistant@labctl-of-somebody", "vms/Home Assistant@mine"] {
        assert!(of_others.lines().any(|line| line == name), "{of_others}");
    }

    // What was there before the first growth is read from its snapshot, and comes back with its size.
    let first = names.lines().next().unwrap();
    vm.ok(&format!("zfs clone -o volmode=dev '{first}' vms/back; udevadm settle"));
    assert_eq!(vm.ok("head -c 3 /dev/zvol/vms/back; zfs get -Hp -o value volsize vms/back"), "old67108864\n");
    vm.ok("zfs destroy vms/back");
    assert_eq!(vm.ok(&format!("head -c 3 {device}")), "new");
    let last = names.lines().last().unwrap();
    vm.ok(&format!("zfs rollback '{last}'"));
    assert_eq!(vm.ok("zfs get -Hp -o value volsize 'vms/Home Assistant'"), format!("{}\n", 70 << 20));
}

#[test]
#[ignore = "real lab: run tests/lab/run"]
fn a_growth_whose_snapshot_can_not_be_taken_does_not_happen() {
    let vm = Vm::fresh();
    let operator = Operator::of(&vm, VMS);
    operator.apply();
    operator.replace("size = \"64MiB\"", "size = \"96MiB\"");
    vm.ok("mv /usr/sbin/zfs /usr/sbin/zfs.real; cat > /usr/sbin/zfs <<'SH'
#!/bin/sh
case $1 in snapshot) echo 'cannot create snapshot: out of space' >&2; exit 1 ;; esac
exec /usr/sbin/zfs.real \"$@\"
SH
chmod 755 /usr/sbin/zfs");
    let run = operator.labctl(&["apply", "--auto-approve"]);
    assert!(run.code == 1 || run.code == 7, "{run:#?}");
    assert_eq!(vm.ok("zfs get -Hp -o value volsize 'vms/Home Assistant'"), "67108864\n");
    vm.ok("mv /usr/sbin/zfs.real /usr/sbin/zfs");

    // A thick volume is full, and its data does not fit into the pool once more: that is said by the plan.
    vm.ok("dd if=/dev/urandom of=/dev/zvol/vms/Home+Assistant bs=1M count=64 conv=fsync 2>/dev/null; zpool sync");
    let free = vm.ok("zfs get -Hp -o value available vms/thin/one");
    let leave = free.trim().parse::<u64>().unwrap() - (48 << 20);
    vm.ok(&format!("zfs create -o reservation={leave} vms/filler"));
    let plan = unwrapped(&operator.expect(&["plan"], 1).stdout);
    assert!(plan.contains("there is no room for the snapshot that is taken first"), "{plan}");
    let refused = vm.sh("zfs snapshot 'vms/Home Assistant@x'");
    assert!(refused.code != 0 && refused.stderr.contains("out of space"), "{refused:#?}");
    vm.ok("zfs destroy vms/filler");
    operator.apply();
    operator.expect_no_changes();
}

/// What the simulated ZFS says of snapshots is what the real one says.
#[test]
#[ignore = "real lab: run tests/lab/run"]
fn snapshots_are_refused_in_the_words_that_the_simulation_has() {
    let vm = Vm::fresh();
    vm.ok("zpool create vms /dev/disk/by-id/virtio-labdisk0; zfs create -V 32M vms/v; zfs snapshot vms/v@a; zfs hold keep vms/v@a");
    for (command, code, words) in [
        ("zfs snapshot vms/v@a", 1, "cannot create snapshot 'vms/v@a': dataset already exists"),
        ("zfs list -H -t snapshot -o name vms/v@b", 1, "cannot open 'vms/v@b': dataset does not exist"),
        (
            "zfs destroy vms/v@a",
            1,
            "cannot destroy snapshot vms/v@a: it's being held. Run 'zfs holds -r vms/v@a' to see holders.",
        ),
        ("zfs destroy vms/v@b", 1, "could not find any snapshots to destroy; check snapshot names."),
        ("zfs destroy vms/v", 1, "cannot destroy 'vms/v': volume has children"),
        ("zfs hold keep vms/v@a", 1, "cannot hold snapshot 'vms/v@a': tag already exists on this dataset"),
    ] {
        let output = vm.sh(command);
        assert_eq!((output.code, output.stderr.lines().next()), (code, Some(words)), "{command}: {output:#?}");
    }
    let get = "zfs get -Hp -d 1 -t snapshot -o name,property,value,source userrefs,clones,labctl:before vms";
    assert_eq!(vm.ok(get), "", "none of its own");
    assert_eq!(
        vm.ok(&format!("{get}/v")),
        "vms/v@a\tuserrefs\t1\t-\nvms/v@a\tclones\t-\t-\nvms/v@a\tlabctl:before\t-\t-\n"
    );
}

#[test]
#[ignore = "real lab: run tests/lab/run"]
fn what_leaves_the_file_is_forgotten_once_and_stays() {
    let vm = Vm::fresh();
    let operator = Operator::of(&vm, VMS);
    operator.apply();
    let before = vm.ok(STATE);
    let pool = VMS.split("[pools.vms.datasets.homelab]").next().unwrap();
    operator.declare(pool);
    let plan = unwrapped(&operator.plan(0).stdout);
    for words in ["zfs destroy vms/homelab/media", "zfs destroy 'vms/Home Assistant'", "0 to destroy"] {
        assert!(plan.contains(words), "{words} is not in\n{plan}");
    }
    operator.apply();
    operator.expect_no_changes();
    assert_eq!(vm.ok(STATE), before);
    assert_eq!(vm.ok("zfs get -H -o value labctl:origin vms/homelab/media"), "released\n");

    operator.declare("");
    operator.apply();
    operator.expect_no_changes();
    assert_eq!(vm.ok(STATE), before);

    operator.declare(VMS);
    let plan = unwrapped(&operator.plan(0).stdout);
    assert!(plan.contains("6 to adopt, 0 to add, 0 to change, 0 to destroy."), "{plan}");
    operator.apply();
    operator.expect_no_changes();
    assert_eq!(vm.ok(STATE), before);
}

#[test]
#[ignore = "real lab: run tests/lab/run"]
fn lost_marks_destroy_nothing() {
    let vm = Vm::fresh();
    let operator = Operator::of(&vm, VMS);
    operator.apply();
    let before = vm.ok(STATE);
    vm.ok("for p in lab address origin owns digest; do zfs inherit -r labctl:$p vms; done");
    let plan = unwrapped(&operator.plan(0).stdout);
    assert!(plan.contains("6 to adopt, 0 to add, 0 to change, 0 to destroy."), "{plan}");

    // Neither is what left the file while it had no mark, nor what has only a part of one.
    let pool = VMS.split("[pools.vms.datasets.homelab]").next().unwrap();
    operator.declare(pool);
    operator.apply();
    vm.ok("zfs inherit labctl:owns vms; zfs inherit labctl:digest vms");
    operator.apply();
    operator.expect_no_changes();
    assert_eq!(vm.ok(STATE), before);
}

#[test]
#[ignore = "real lab: run tests/lab/run"]
fn what_zfs_does_not_say_is_unknown_and_not_missing() {
    let vm = Vm::fresh();
    let operator = Operator::of(&vm, VMS);
    operator.apply();
    let stub = |name: &str, script: &str| {
        vm.ok(&format!(
            "mv /usr/sbin/{name} /usr/sbin/{name}.real; printf '#!/bin/sh\\n{script}\\n' > /usr/sbin/{name}; chmod 755 /usr/sbin/{name}"
        ));
    };
    for (name, script, resources) in [
        ("zfs", "echo internal error: out of memory >&2; exit 1", 6),
        ("zfs", "exit 0", 6),
        ("zpool", "echo internal error >&2; exit 1", 6),
    ] {
        stub(name, script);
        let plan = unwrapped(&operator.expect(&["plan"], 1).stdout);
        assert!(plan.contains(&format!("{resources} unknown")), "{name} {script}\n{plan}");
        assert!(!plan.contains("will be created"), "{plan}");
        operator.expect(&["apply", "--auto-approve"], 1);
        vm.ok(&format!("mv /usr/sbin/{name}.real /usr/sbin/{name}"));
    }
    operator.expect_no_changes();
}

#[test]
#[ignore = "real lab: run tests/lab/run"]
fn exported_locked_degraded_and_read_only_are_states_of_their_own() {
    let vm = Vm::fresh();
    vm.ok("head -c 32 /dev/urandom > /root/key; zpool create vms /dev/disk/by-id/virtio-labdisk0");
    vm.ok(
        "zfs create -o encryption=on -o keyformat=raw -o keylocation=file:///root/key vms/secret; zfs create vms/open",
    );
    let file = "[pools.vms]\nnode = \"n5\"\n[pools.vms.datasets.secret]\nproperties = { encryption = \"on\" }\n[pools.vms.datasets.open]\n";
    let operator = Operator::of(&vm, file);
    operator.apply();
    operator.expect_no_changes();

    vm.ok("zfs unmount vms/secret; zfs unload-key vms/secret; zfs unmount vms/open");
    let plan = unwrapped(&operator.plan(0).stdout);
    assert!(plan.contains("pools.vms.datasets.secret: its key is not loaded"), "{plan}");
    assert!(plan.contains("pools.vms.datasets.open: it is not mounted at `/vms/open`"), "{plan}");
    operator.declare(&format!("{file}[pools.vms.datasets.\"secret/x\"]\n[pools.vms.datasets.\"open/x\"]\n"));
    let plan = unwrapped(&operator.expect(&["plan"], 1).stdout);
    assert!(plan.contains("the key of `vms/secret` above it is not loaded"), "{plan}");
    assert!(plan.contains("`vms/open` above it is not mounted"), "{plan}");
    operator.declare(file);

    vm.ok("zpool export vms; udevadm settle");
    let plan = unwrapped(&operator.expect(&["plan"], 1).stdout);
    assert!(plan.contains("the pool `vms` is exported") && plan.contains("3 unknown"), "{plan}");
    assert!(!plan.contains("will be created"), "{plan}");

    vm.ok("zpool import -o readonly=on vms");
    operator.declare(
        &file.replace("[pools.vms.datasets.open]", "[pools.vms.datasets.open]\nproperties = { atime = \"off\" }"),
    );
    let plan = unwrapped(&operator.expect(&["plan"], 1).stdout);
    assert!(plan.contains("imported read-only"), "{plan}");

    vm.ok("zpool export vms; zpool import -l vms; zpool attach -w vms virtio-labdisk0 /dev/disk/by-id/virtio-labdisk1; zpool offline vms virtio-labdisk1");
    operator.declare(file);
    let plan = unwrapped(&operator.plan(0).stdout);
    assert!(plan.contains("pools.vms: the pool is DEGRADED"), "{plan}");
}

#[test]
#[ignore = "real lab: run tests/lab/run"]
fn pools_made_by_hand_are_shown_as_tables_that_only_adopt() {
    let vm = Vm::fresh();
    vm.ok(
        "zpool create -o ashift=12 -O mountpoint=/srv/tank tank /dev/disk/by-id/virtio-labdisk0; zpool set comment='the old one' tank; \
         zfs create -p -o quota=100M -o com.example:note='a b' 'tank/with space/x'; zfs create -V 32M tank/thick; \
         zfs create -s -V 32M -b 8K tank/thin; zfs create -o mountpoint=none -o recordsize=1M -o xattr=sa tank/none; \
         zfs snapshot tank/none@now; zfs send tank/none@now | zfs recv tank/copy; zfs send -p tank/none@now | zfs recv tank/received",
    );
    let operator = Operator::of(&vm, "");
    let file = operator.expect(&["show", "n5", "--as-toml", "--undeclared"], 0).stdout;
    let pools = &file[file.find("[pools").expect("pools")..];
    for words in ["quota = \"100MiB\"", "refreservation = \"none\"", "recordsize = \"1MiB\"", "the old one"] {
        assert!(pools.contains(words), "{words} is not in\n{pools}");
    }
    operator.declare(pools);
    let before = vm.ok(STATE);
    let plan = unwrapped(&operator.plan(0).stdout);
    assert!(plan.contains("8 to adopt, 0 to add, 0 to change, 0 to destroy."), "{pools}\n{plan}");
    operator.expect(&["apply", "--adopt-only", "--auto-approve"], 0);
    operator.expect_no_changes();
    assert_eq!(vm.ok(STATE), before, "adoption changes marks alone");
}
