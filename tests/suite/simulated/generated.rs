//! Labs drawn at random: few names, so that an edit meets what another has left.

use proptest::prelude::*;

fn maybe(chance: f64, text: impl Strategy<Value = String> + 'static) -> BoxedStrategy<String> {
    prop::option::weighted(chance, text).prop_map(Option::unwrap_or_default).boxed()
}

fn file(path: &'static str) -> BoxedStrategy<String> {
    let modes = prop::sample::select(vec!["0644", "0600", "0755"]);
    let owners = prop::sample::select(vec!["", "owner = \"jax\"\n", "owner = \"jax\"\ngroup = \"jax\"\n"]);
    let table = ("[a-c]{1,3}", modes, owners).prop_map(move |(text, mode, owner)| {
        format!("[nodes.n5.files.\"{path}\"]\ncontent = \"{text}\\n\"\nmode = \"{mode}\"\n{owner}")
    });
    maybe(0.6, table)
}

fn entries(table: &'static str, items: Vec<(&'static str, Vec<&'static str>)>) -> BoxedStrategy<String> {
    let entry = |(key, values): (&'static str, Vec<&'static str>)| {
        maybe(0.5, prop::sample::select(values).prop_map(move |value| format!("\"{key}\" = {value}\n")))
    };
    let all: Vec<BoxedStrategy<String>> = items.into_iter().map(entry).collect();
    all.prop_map(move |entries| format!("[nodes.n5.{table}]\n{}", entries.concat())).boxed()
}

fn unit() -> BoxedStrategy<String> {
    (prop::bool::ANY, prop::bool::ANY, "[a-b]{1,2}")
        .prop_map(|(enabled, running, words)| {
            format!(
                "[nodes.n5.units.\"lab.service\"]\nenabled = {enabled}\nrunning = {running}\ncontent = \"\"\"\n[Unit]\n\
                 Description={words}\n[Service]\nExecStart=/bin/sleep infinity\n[Install]\nWantedBy=multi-user.target\n\"\"\"\n"
            )
        })
        .boxed()
}

fn network() -> BoxedStrategy<String> {
    let tagged = |name: &'static str, address: &'static str| {
        let forms = vec![
            format!("{name} = \"{address}\""),
            format!("{name} = {{ bridge = \"br-{name}\", address = \"{address}\" }}"),
        ];
        maybe(0.6, prop::sample::select(forms))
    };
    (tagged("vips", "192.168.8.254"), tagged("iot", "192.168.64.3"))
        .prop_map(|(vips, iot)| {
            let tagged: Vec<String> = [vips, iot].into_iter().filter(|it| !it.is_empty()).collect();
            format!(
                "[nodes.n5.network]\nreplaces = [\"01-netcfg.yaml\"]\n[nodes.n5.network.eth1]\nnative = \"services\"\n\
                 tagged = {{ {} }}\n",
                tagged.join(", ")
            )
        })
        .boxed()
}

fn properties() -> BoxedStrategy<String> {
    let some = vec![
        "compression = \"zstd\"",
        "compression = \"off\"",
        "atime = \"off\"",
        "quota = \"100GiB\"",
        "recordsize = \"1MiB\"",
        "canmount = \"noauto\"",
    ];
    prop::option::of(prop::sample::select(some)).prop_map(|it| it.unwrap_or_default().to_owned()).boxed()
}

fn storage() -> BoxedStrategy<String> {
    let dataset = |name: &'static str| {
        maybe(
            0.6,
            properties().prop_map(move |set| format!("[pools.vms.datasets.\"{name}\"]\nproperties = {{ {set} }}\n")),
        )
    };
    let volume = |name: &'static str| {
        let sizes = prop::sample::select(vec!["16GiB", "32GiB", "64GiB"]);
        maybe(0.7, sizes.prop_map(move |size| format!("[pools.vms.volumes.{name}]\nsize = \"{size}\"\n")))
    };
    (
        prop::sample::select(vec!["lz4", "zstd"]),
        dataset("a"),
        dataset("a/b"),
        dataset("c"),
        volume("disk"),
        volume("swap"),
    )
        .prop_map(|(compression, a, b, c, disk, swap)| {
            let pool = format!("[pools.vms]\nnode = \"n5\"\nproperties = {{ compression = \"{compression}\" }}\n");
            [pool, a, b, c, disk, swap].concat()
        })
        .boxed()
}

/// A pool that labctl makes, on disks that are blank at first.
fn made_pool() -> BoxedStrategy<String> {
    let dataset =
        maybe(0.6, properties().prop_map(|set| format!("[pools.made.datasets.d]\nproperties = {{ {set} }}\n")));
    let volume = maybe(0.6, Just("[pools.made.volumes.v]\nsize = \"8GiB\"\n".to_owned()));
    (dataset, volume)
        .prop_map(|(dataset, volume)| {
            let pool = "[pools.made]\nnode = \"n5\"\nlayout = \"mirror\"\n\
                        devices = [\"/dev/disk/by-id/one\", \"/dev/disk/by-id/two\"]\n";
            [pool, &dataset, &volume].concat()
        })
        .boxed()
}

const HEAD: &str = "[lab]\nname = \"generated\"\n\
                [vlans.services]\nid = 1\nsubnet = \"192.168.4.0/24\"\ngateway = \"192.168.4.1\"\n\
                [vlans.vips]\nid = 8\nsubnet = \"192.168.8.0/24\"\ngateway = \"192.168.8.1\"\n\
                [vlans.iot]\nid = 64\nsubnet = \"192.168.64.0/20\"\n\
                [nodes.n5]\naddress = \"192.168.4.5\"\nssh = { user = \"jax\", sudo = true }\n";

/// What the host of all labs has before labctl comes: a network, a pool with two volumes, two blank disks.
pub(super) fn host() -> String {
    format!(
        "{HEAD}[nodes.n5.network]\nreplaces = [\"01-netcfg.yaml\"]\n[nodes.n5.network.eth1]\nnative = \"services\"\n\
         [pools.vms]\nnode = \"n5\"\nproperties = {{ compression = \"lz4\" }}\n[pools.vms.volumes.disk]\n\
         size = \"16GiB\"\n[pools.vms.volumes.swap]\nsize = \"16GiB\"\n\
         [pools.made]\nnode = \"n5\"\nlayout = \"mirror\"\ndevices = [\"/dev/disk/by-id/one\", \"/dev/disk/by-id/two\"]\n"
    )
}

/// A lab of one host.
pub(super) fn lab() -> impl Strategy<Value = String> {
    let sysctls = entries(
        "sysctls",
        vec![
            ("vm.swappiness", vec!["10", "20"]),
            ("net.ipv4.ip_forward", vec!["0", "1"]),
            ("kernel.panic", vec!["10"]),
        ],
    );
    let modules = entries("modules", vec![("overlay", vec!["\"loaded\""]), ("br_netfilter", vec!["\"loaded\""])]);
    let packages = entries("packages", vec![("sanoid", vec!["\"present\""]), ("pv", vec!["\"present\""])]);
    let files = (file("/etc/a.conf"), file("/etc/b/c.conf"), file("/srv/x"));
    let pools = (maybe(0.8, storage()), maybe(0.5, made_pool()));
    let parts = (files, sysctls, modules, packages, maybe(0.6, unit()), maybe(0.7, network()), pools);
    parts.prop_map(move |((a, b, c), sysctls, modules, packages, unit, network, (storage, made))| {
        [HEAD.to_owned(), a, b, c, sysctls, modules, packages, unit, network, storage, made].concat()
    })
}
