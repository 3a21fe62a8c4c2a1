//! The journal: `.labctl/journal.jsonl` beside the file, one JSON line an event, each on the disk before what it says
//! is done. It never grows beyond twice its bound: a full one is kept as `journal.1.jsonl` until the next is full.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use super::{bounded, private};
use crate::apply::journal::{Entry, Event, parse};

/// Bytes of one file.
const BOUND: u64 = 2 << 20;

/// Of older entries.
const OLD: &str = "journal.1.jsonl";
const NOW: &str = "journal.jsonl";

/// Where entries of a run are added.
pub struct Journal {
    folder: PathBuf,
    run: String,
    file: File,
    length: u64,
    bound: u64,
}

/// What a journal holds.
#[derive(Debug, Default)]
pub struct Read {
    /// Its entries, oldest first.
    pub entries: Vec<Entry>,
    /// Lines that are no entries.
    pub damaged: usize,
}

/// The folder for what labctl keeps beside the files of a lab.
fn kept(beside: &Path) -> PathBuf {
    beside.join(".labctl")
}

/// Reads the journal of the lab whose files lie in this folder; an empty one where there is none.
pub fn read(beside: &Path) -> io::Result<Read> {
    let mut read = Read::default();
    for name in [OLD, NOW] {
        // What stands before that is history that nobody asks for, and labctl never writes so much.
        match bounded::read_end(&kept(beside).join(name), bounded::TEXT) {
            Ok(bytes) => {
                let (entries, damaged) = parse(&bytes);
                read.entries.extend(entries);
                read.damaged += damaged;
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(read)
}

impl Journal {
    /// Opens the journal of the lab whose files lie in this folder.
    pub fn open(beside: &Path, run: &str) -> io::Result<Self> {
        Self::with_bound(beside, run, BOUND)
    }

    fn with_bound(beside: &Path, run: &str, bound: u64) -> io::Result<Self> {
        let folder = kept(beside);
        let is_new = !folder.exists();
        std::fs::create_dir_all(&folder)?;
        if is_new {
            // What is kept here is this machine's own and belongs into no revision. Without it, it is only untidy.
            let _ = std::fs::write(folder.join(".gitignore"), "*\n");
        }
        let (file, length) = open(&folder)?;
        private::flush(folder.clone())?;
        Ok(Self { folder, run: run.to_owned(), file, length, bound })
    }

    /// Adds an entry; it is on the disk when this returns.
    pub fn add(&mut self, event: Event) -> io::Result<()> {
        if self.length >= self.bound {
            std::fs::rename(self.folder.join(NOW), self.folder.join(OLD))?;
            (self.file, self.length) = open(&self.folder)?;
        }
        let entry = Entry { at: jiff::Timestamp::now(), run: self.run.clone(), event };
        let line = serde_json::to_string(&entry).map_err(io::Error::other)? + "\n";
        // In one write: lines of two runs don't mix.
        self.file.write_all(line.as_bytes())?;
        self.length += u64::try_from(line.len()).unwrap_or(u64::MAX);
        self.file.sync_data()
    }
}

/// The file to add to. A line that was cut at its end is ended first, so that the next is not lost with it.
fn open(folder: &Path) -> io::Result<(File, u64)> {
    let path = folder.join(NOW);
    let is_cut = bounded::read_end(&path, 1).is_ok_and(|end| !end.is_empty() && end != b"\n");
    let mut file = OpenOptions::new().create(true).append(true).mode(0o600).open(&path)?;
    if is_cut {
        file.write_all(b"\n")?;
    }
    let length = file.metadata()?.len();
    Ok((file, length))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::{Journal, kept, read};
    use crate::apply::journal::Event;

    #[test]
    fn entries_are_added_and_read_and_the_file_is_private() {
        let folder = tempfile::tempdir().unwrap();
        assert!(read(folder.path()).unwrap().entries.is_empty());
        let mut journal = Journal::open(folder.path(), "1").unwrap();
        journal.add(Event::Interrupt { at_once: true }).unwrap();
        drop(journal);
        let mut journal = Journal::open(folder.path(), "2").unwrap();
        journal.add(Event::Interrupt { at_once: false }).unwrap();
        let runs: Vec<_> = read(folder.path()).unwrap().entries.into_iter().map(|entry| entry.run).collect();
        assert_eq!(runs, ["1", "2"]);
        let mode = std::fs::metadata(kept(folder.path()).join("journal.jsonl")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_line_that_was_cut_does_not_take_the_next_with_it() {
        let folder = tempfile::tempdir().unwrap();
        Journal::open(folder.path(), "1").unwrap().add(Event::Interrupt { at_once: true }).unwrap();
        let path = kept(folder.path()).join("journal.jsonl");
        let whole = std::fs::read(&path).unwrap();
        for end in 1..whole.len() {
            std::fs::write(&path, &whole[..end]).unwrap();
            Journal::open(folder.path(), "2").unwrap().add(Event::Interrupt { at_once: true }).unwrap();
            let read = read(folder.path()).unwrap();
            assert_eq!(read.entries.last().map(|entry| entry.run.as_str()), Some("2"), "cut at {end}");
        }
    }

    #[test]
    fn a_journal_never_grows_beyond_twice_its_bound() {
        let folder = tempfile::tempdir().unwrap();
        let mut journal = Journal::with_bound(folder.path(), "1", 1000).unwrap();
        for _ in 0..200 {
            journal.add(Event::Interrupt { at_once: true }).unwrap();
        }
        let files = std::fs::read_dir(kept(folder.path())).unwrap();
        let length: u64 = files.map(|file| file.unwrap().metadata().unwrap().len()).sum();
        assert!(length < 2200, "{length}");
        assert!(read(folder.path()).unwrap().entries.len() > 10);
    }
}
