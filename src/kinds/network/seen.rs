//! What a node answered about its network, put together: the kernel's devices, netplan's files, and whether a change
//! of another run is under way.

use std::collections::BTreeSet;

use super::device::{Device, Devices, Shape};
use super::live::Live;
use super::netplan::{self, ETC, File, OWN};
use crate::lab::Network;
use crate::observe::{Ask, Output, Reply};

/// Asks by one static script what takes several programs: the units of a change under way, its end, the tools.
const STATE: &str = r#"
for unit in labctl-put-back.timer labctl-put-back.service labctl-network.service; do
  printf '%s %s\n' "$unit" "$(systemctl is-active "$unit" 2>/dev/null)"
done
[ ! -r /run/labctl/network/fires ] || printf 'fires %s\n' "$(cat /run/labctl/network/fires)"
printf 'uptime %s\n' "$(cut -d. -f1 /proc/uptime)"
for tool in netplan ping systemd-run; do command -v "$tool" >/dev/null 2>&1 && printf 'tool %s\n' "$tool"; done
exit 0
"#;

/// What of netplan's files and the kernel matters for one declared network.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) live: Live,
    pub(super) files: Vec<File>,
    /// What labctl's own file says, wherever it lies.
    pub(super) own: Devices,
    /// What the files say together at the next boot.
    pub(super) boot: Devices,
    /// The devices that `replaces` takes out of other files.
    pub(super) replaced: Devices,
    /// Files in `/run` that an unfinished change has left.
    pub(super) staged: Vec<String>,
    state: String,
}

/// What to ask.
pub(super) fn asks() -> Vec<Ask> {
    let mut asks: Vec<Ask> = netplan::FOLDERS.into_iter().map(netplan::ask).collect();
    asks.extend([netplan::ask_aside(), ask_links(), ask_routes(), ask_state()]);
    asks
}

fn ask_links() -> Ask {
    Ask::run(["ip", "-j", "-d", "addr", "show"])
}

fn ask_routes() -> Ask {
    Ask::run(["ip", "-j", "-4", "route", "show"])
}

fn ask_state() -> Ask {
    Ask::run(["sh", "-c", STATE])
}

fn output(reply: &Reply, ask: &Ask, program: &str) -> Result<Output, String> {
    let output = reply.output(ask)?;
    match output.code {
        0 => Ok(output.clone()),
        127 => Err(format!("the node has no `{program}`")),
        _ => Err(format!("`{program}` failed: {}", output.complaint())),
    }
}

impl Seen {
    /// Puts the answers together. Why, where one of them is lost.
    pub(super) fn read(reply: &Reply, replaces: &[String]) -> Result<Self, String> {
        let links = output(reply, &ask_links(), "ip")?;
        let routes = output(reply, &ask_routes(), "ip")?;
        let live = Live::parse(&links.stdout, &routes.stdout)?;
        let state = output(reply, &ask_state(), "sh")?.text().into_owned();
        let files = netplan::read(reply)?;

        let own_names: BTreeSet<&str> = [OWN].into();
        let mut staged_names: BTreeSet<&str> = replaces.iter().map(String::as_str).collect();
        staged_names.insert(OWN);
        let staged = files.iter().filter(|file| file.folder == netplan::FOLDERS[0]);
        let staged = staged.filter(|file| staged_names.contains(file.name.as_str())).map(|file| file.name.clone());
        let own = netplan::devices(files.iter().filter(|file| own_names.contains(file.name.as_str())), &live);
        let is_replaced = |file: &&File| file.folder == ETC && replaces.contains(&file.name);
        let taken_out = netplan::devices(files.iter().filter(is_replaced), &live);
        let boot = netplan::devices(netplan::at_boot(&files, &staged_names, &BTreeSet::new()), &live);
        let staged = staged.collect();
        Ok(Self { live, files, own, boot, replaced: taken_out, staged, state })
    }

    fn word<'a>(&'a self, key: &str) -> impl Iterator<Item = &'a str> {
        let key = format!("{key} ");
        self.state.lines().filter_map(move |line| line.strip_prefix(&key)).map(str::trim)
    }

    /// Whether the node has a program.
    pub(super) fn has(&self, tool: &str) -> bool {
        self.word("tool").any(|found| found == tool)
    }

    /// Why nothing can be planned now: a change of another run is under way.
    pub(super) fn under_way(&self) -> Option<String> {
        let runs = |unit: &str| self.word(unit).any(|state| matches!(state, "active" | "activating" | "deactivating"));
        if runs("labctl-put-back.service") {
            return Some("the host is putting the old network back; try again in a minute".to_owned());
        }
        let seconds = |key: &str| self.word(key).next().and_then(|number| number.parse::<u64>().ok());
        runs("labctl-put-back.timer").then(|| {
            let left = seconds("fires").zip(seconds("uptime")).map(|(end, now)| end.saturating_sub(now));
            let left = left.map_or("until its time is over".to_owned(), |left| format!("for another {left} s"));
            format!(
                "a network change of another run waits {left} for its confirmation; if none comes, the host puts the \
                 old network back"
            )
        })
    }

    /// Whether labctl's own file lies where it stays.
    pub(super) fn own_file(&self) -> Option<&File> {
        self.files.iter().find(|file| file.folder == ETC && file.name == OWN)
    }

    /// Files that say something of a declared device, are not labctl's and are not to be replaced: with the key.
    pub(super) fn conflicts(&self, network: &Network, desired: &Devices) -> Vec<Conflict> {
        let staged: BTreeSet<&str> = self.staged.iter().map(String::as_str).collect();
        let mut conflicts = Vec::new();
        for file in netplan::at_boot(&self.files, &staged, &[OWN].into()) {
            if file.folder == ETC && network.replaces.contains(&file.name) {
                continue;
            }
            let devices = netplan::devices([file], &self.live);
            let clash = devices.iter().find(|(name, device)| desired.contains_key(*name) && device.is_configured());
            conflicts.extend(clash.map(|(name, device)| Conflict {
                path: format!("{}/{}", file.folder, file.name),
                name: file.name.clone(),
                device: name.clone(),
                key: device.first_key().to_owned(),
            }));
        }
        conflicts
    }

    /// Files in `replaces` that are still where netplan sees them.
    pub(super) fn still_there<'a>(&self, network: &'a Network) -> Vec<&'a str> {
        let there = |name: &&str| self.files.iter().any(|file| file.folder == ETC && file.name == **name);
        network.replaces.iter().map(String::as_str).filter(there).collect()
    }

    /// The devices that the change has a say about: the declared ones, and those that labctl's file or a replaced one
    /// says something of.
    pub(super) fn concerned<'a>(&'a self, desired: &'a Devices) -> BTreeSet<&'a String> {
        let virtual_ones = self.replaced.iter().filter(|(_, device)| device.shape.is_virtual()).map(|(name, _)| name);
        desired.keys().chain(self.own.keys()).chain(virtual_ones).collect()
    }

    /// Devices that labctl's file or a replaced one made, that exist, and that are no longer declared.
    pub(super) fn left(&self, desired: &Devices) -> Vec<String> {
        let said = |name: &str| self.own.get(name).or_else(|| self.replaced.get(name));
        let is_virtual = |device: &Device| device.shape.is_virtual();
        let goes = |name: &&String| {
            !desired.contains_key(*name)
                && said(name).is_some_and(is_virtual)
                && self.live.device(name, None).as_ref().is_some_and(is_virtual)
        };
        self.concerned(desired).into_iter().filter(goes).cloned().collect()
    }

    /// Declared devices that don't exist and that somebody has to make: not network cards.
    pub(super) fn lacking(&self, desired: &Devices) -> Vec<String> {
        let is_lacking =
            |(name, device): &(&String, &Device)| device.shape.is_virtual() && self.live.link(name).is_none();
        desired.iter().filter(is_lacking).map(|(name, _)| name.clone()).collect()
    }

    /// Devices that exist under a declared name in another shape.
    pub(super) fn misshapen(&self, desired: &Devices) -> Vec<String> {
        let is_other = |(name, device): &(&String, &Device)| {
            self.live.device(name, None).is_some_and(|live| match (&live.shape, &device.shape) {
                (Shape::Bridge { .. }, Shape::Bridge { .. }) => false,
                (live, desired) => live != desired,
            })
        };
        desired.iter().filter(is_other).map(|(name, _)| name.clone()).collect()
    }
}

/// A file that netplan would join with labctl's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Conflict {
    /// With its folder.
    pub(super) path: String,
    /// Without it.
    pub(super) name: String,
    /// The declared device.
    pub(super) device: String,
    /// What it says of it.
    pub(super) key: String,
}
