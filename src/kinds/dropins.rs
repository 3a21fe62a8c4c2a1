//! The drop-in folders of systemd (`sysctl.d`, `modules-load.d`), as they take effect at boot.
//!
//! In comes one ask for all files of such folders; out come their lines in the order in which systemd reads them, each
//! with its place. A file in `/etc` hides those of the same name in `/run` and `/usr`; a link to `/dev/null` hides them
//! too (sysctl.d(5), modules-load.d(5)).

use std::collections::BTreeMap;

use crate::lab::{Content, Mode};
use crate::observe::{Ask, Reply};
use crate::plan::{Act, Step};

use super::file_guard;

/// A kind of drop-in folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Dropins(pub(super) &'static str);

/// A line that is no comment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    /// The file.
    pub(super) path: String,
    /// Its line, from 1.
    pub(super) number: u32,
    /// What it says, without white space round it.
    pub(super) text: String,
}

impl Line {
    /// Whether it is a default that came with a package: nobody's decision about this host.
    pub(super) fn is_vendor(&self) -> bool {
        self.path.starts_with("/usr/")
    }

    /// The file's name without its folder, by which systemd orders files.
    pub(super) fn file_name(&self) -> &str {
        file_name(&self.path)
    }

    /// `/etc/sysctl.d/99-x.conf:3`.
    pub(super) fn place(&self) -> String {
        format!("{}:{}", self.path, self.number)
    }
}

impl Dropins {
    /// In order of precedence.
    fn folders(self) -> [String; 4] {
        ["/etc", "/run", "/usr/local/lib", "/usr/lib"].map(|above| format!("{above}/{}", self.0))
    }

    /// What to ask for all of them. `systemd-analyze cat-config` would know the order, but gives up at the first link
    /// that leads nowhere, which systemd itself passes over.
    pub(super) fn ask(self) -> Ask {
        let find = ["-maxdepth", "1", "-name", "*.conf", "-print", "-exec"];
        // `\s` and the like are GNU's; this is POSIX: a line whose first visible character begins no comment.
        let grep = ["grep", "-Hn", "^[[:space:]]*[^#;[:space:]]", "{}", "+"];
        Ask::run(
            ["find".to_owned()]
                .into_iter()
                .chain(self.folders())
                .chain(find.into_iter().chain(grep).map(str::to_owned)),
        )
    }

    /// The lines that count, in the order in which they take effect. Why, where they can't be known.
    pub(super) fn lines(self, reply: &Reply) -> Result<Vec<Line>, String> {
        let output = reply.output(&self.ask())?;
        if output.is_missing_program() {
            return Err("the node has no `find`".to_owned());
        }
        // A folder that is not there, and a link that leads nowhere, hold no line. All else was not read.
        if let Some(complaint) = output.stderr.lines().find(|line| !line.ends_with("No such file or directory")) {
            return Err(complaint.to_owned());
        }
        let text = output.text();
        let mut files: BTreeMap<&str, (usize, &str)> = BTreeMap::new();
        let mut lines = Vec::new();
        for line in text.lines() {
            match matched(line) {
                Some(line) => lines.push(line),
                None => self.enter(&mut files, line),
            }
        }
        lines.retain(|line| files.get(line.file_name()).is_some_and(|(_, path)| *path == line.path));
        lines.sort_by(|a, b| (a.file_name(), a.number).cmp(&(b.file_name(), b.number)));
        Ok(lines)
    }

    /// Keeps, of files of the same name, the one whose folder comes first.
    fn enter<'a>(self, files: &mut BTreeMap<&'a str, (usize, &'a str)>, path: &'a str) {
        let Some(rank) =
            self.folders().iter().position(|folder| path.rsplit_once('/').is_some_and(|(f, _)| f == folder))
        else {
            return;
        };
        let entry = files.entry(file_name(path)).or_insert((rank, path));
        if rank < entry.0 {
            *entry = (rank, path);
        }
    }

    /// The path of a file of labctl's own: after every file whose name begins with a number, as the names of most do.
    pub(super) fn own(self, name: &str) -> String {
        // A `%` first, so that no two names become one.
        let name = name.replace('%', "%25").replace('/', "%2F");
        format!("/etc/{}/zz-labctl-{name}.conf", self.0)
    }

    /// The step that writes such a file, as long as it is as the probe saw it.
    pub(super) fn put(self, name: &str, line: &str, reply: &Reply) -> Step {
        let path = self.own(name);
        let put = Act::Put {
            path: path.clone(),
            content: Content::text(format!("# Written by labctl from homelab.toml.\n{line}\n")),
            mode: Some(Mode(0o644)),
            owner: None,
            group: None,
        };
        let mut step = Step::new(format!("write {path}"), put);
        step.guards.extend(file_guard(reply, &own_ask(&path), &path));
        step
    }

    /// What to ask for the guard of [`Self::put`].
    pub(super) fn own_ask(self, name: &str) -> Ask {
        own_ask(&self.own(name))
    }
}

fn own_ask(path: &str) -> Ask {
    Ask::File { path: path.to_owned(), limit: 0 }
}

fn file_name(path: &str) -> &str {
    path.rsplit_once('/').map_or(path, |(_, name)| name)
}

/// A line of `grep -Hn`: `PATH:NUMBER:TEXT`.
fn matched(line: &str) -> Option<Line> {
    let (place, rest) = line.split_once(".conf:")?;
    let (number, text) = rest.split_once(':')?;
    Some(Line { path: format!("{place}.conf"), number: number.parse().ok()?, text: text.trim().to_owned() })
}

#[cfg(test)]
mod tests {
    use super::{Dropins, Line};
    use crate::observe::{Answer, Output, Reply};

    const SYSCTLS: Dropins = Dropins("sysctl.d");

    fn lines(stdout: &str, stderr: &str) -> Result<Vec<Line>, String> {
        let output = Output { stdout: stdout.into(), stderr: stderr.to_owned(), code: 1 };
        SYSCTLS.lines(&Reply::from_iter([(SYSCTLS.ask(), Answer::Output(output))]))
    }

    #[test]
    fn lines_come_in_the_order_of_file_names_whatever_their_folder() {
        let stdout = "/etc/sysctl.d/99-x.conf\n/usr/lib/sysctl.d/50-default.conf\n/etc/sysctl.d/99-x.conf:2:  b = 2 \n\
                      /etc/sysctl.d/99-x.conf:10:c=3:4\n/usr/lib/sysctl.d/50-default.conf:7:a = 1\n";
        let found = lines(stdout, "").unwrap();
        let told: Vec<_> = found.iter().map(|line| (line.place(), line.text.as_str())).collect();
        assert_eq!(
            told,
            [
                ("/usr/lib/sysctl.d/50-default.conf:7".to_owned(), "a = 1"),
                ("/etc/sysctl.d/99-x.conf:2".to_owned(), "b = 2"),
                ("/etc/sysctl.d/99-x.conf:10".to_owned(), "c=3:4"),
            ]
        );
    }

    #[test]
    fn a_file_in_etc_hides_the_one_of_the_same_name_even_when_it_says_nothing() {
        let stdout = "/etc/sysctl.d/50-default.conf\n/usr/lib/sysctl.d/50-default.conf\n\
                      /usr/lib/sysctl.d/50-default.conf:7:a = 1\n";
        assert_eq!(lines(stdout, ""), Ok(Vec::new()));
    }

    #[test]
    fn a_folder_that_is_not_there_is_empty_and_a_file_that_cannot_be_read_is_not() {
        let missing = "find: '/run/sysctl.d': No such file or directory";
        assert_eq!(lines("", missing), Ok(Vec::new()));
        let denied = format!("{missing}\ngrep: /etc/sysctl.d/99-x.conf: Permission denied");
        assert!(lines("/etc/sysctl.d/99-x.conf\n", &denied).unwrap_err().contains("Permission denied"));
    }

    #[test]
    fn no_two_names_share_a_file() {
        assert_eq!(
            SYSCTLS.own("net.ipv4.conf.eth0/1.rp_filter"),
            "/etc/sysctl.d/zz-labctl-net.ipv4.conf.eth0%2F1.rp_filter.conf"
        );
        assert_ne!(SYSCTLS.own("a/b"), SYSCTLS.own("a%2Fb"));
    }
}
