//! Programs that read, move and remove files.

use super::super::files::{Tree, What, above, absolute};
use super::super::gap::Gap;
use super::super::machine::Machine;
use super::super::shell::matches;
use super::{Stdin, done, failed, said, unknown};
use crate::observe::Output;

const NONE: &str = "No such file or directory";

pub(super) fn cat(machine: &mut Machine, arguments: &[&str], stdin: &mut Stdin) -> Result<Output, Gap> {
    let paths: Vec<&str> = arguments.iter().copied().filter(|word| *word != "--").collect();
    if paths.iter().any(|path| path.starts_with('-')) {
        return unknown("cat", arguments);
    }
    if paths.is_empty() {
        return said(stdin.rest());
    }
    let mut output = Output::default();
    for path in paths {
        if let Some(bytes) = machine.read(path) {
            output.stdout.extend(bytes);
        } else {
            let why = if machine.files.is_folder(path) { "Is a directory" } else { NONE };
            output.stderr += &format!("cat: {path}: {why}\n");
            output.code = 1;
        }
    }
    Ok(output)
}

pub(super) fn basename(_: &mut Machine, arguments: &[&str], _: &mut Stdin) -> Result<Output, Gap> {
    match arguments {
        [path] => said(format!("{}\n", path.trim_end_matches('/').rsplit('/').next().unwrap_or_default())),
        _ => unknown("basename", arguments),
    }
}

pub(super) fn readlink(machine: &mut Machine, arguments: &[&str], _: &mut Stdin) -> Result<Output, Gap> {
    let [path] = arguments else { return unknown("readlink", arguments) };
    if let Some(to) = super::super::proc::link(machine, path) {
        return said(to + "\n");
    }
    match machine.files.entry(path).map(|entry| &entry.what) {
        Some(What::Link(to)) => said(format!("{to}\n")),
        _ => failed(1, ""),
    }
}

/// Splits leading options off; nothing where one is not among the known ones.
fn options<'a>(arguments: &'a [&'a str], known: &[&str]) -> Option<(Vec<&'a str>, &'a [&'a str])> {
    let mut options = Vec::new();
    for (i, word) in arguments.iter().enumerate() {
        match *word {
            "--" => return Some((options, &arguments[i + 1..])),
            word if !word.starts_with('-') => return Some((options, &arguments[i..])),
            word if known.contains(&word) => options.push(word),
            _ => return None,
        }
    }
    Some((options, &[]))
}

pub(super) fn rm(machine: &mut Machine, arguments: &[&str], _: &mut Stdin) -> Result<Output, Gap> {
    let Some((options, paths)) = options(arguments, &["-f", "-r", "-rf"]) else { return unknown("rm", arguments) };
    let has = |letter: char| options.iter().any(|option| option.contains(letter));
    let mut output = Output::default();
    for path in paths {
        if machine.files.is_folder(path) && !has('r') {
            output.stderr += &format!("rm: cannot remove '{path}': Is a directory\n");
            output.code = 1;
        } else if !machine.files.remove(path) && !has('f') {
            output.stderr += &format!("rm: cannot remove '{path}': {NONE}\n");
            output.code = 1;
        }
    }
    Ok(output)
}

pub(super) fn mkdir(machine: &mut Machine, arguments: &[&str], _: &mut Stdin) -> Result<Output, Gap> {
    let (mode, rest): (u32, Vec<&str>) = match arguments.iter().position(|word| *word == "-m") {
        Some(at) => {
            let mode = arguments.get(at + 1).and_then(|mode| u32::from_str_radix(mode, 8).ok());
            let Some(mode) = mode else { return unknown("mkdir", arguments) };
            (mode, [&arguments[..at], &arguments[at + 2..]].concat())
        }
        None => (0o755, arguments.to_vec()),
    };
    let Some((options, paths)) = options(&rest, &["-p"]) else { return unknown("mkdir", arguments) };
    for path in paths {
        if options.contains(&"-p") {
            machine.files.make_folders(path, mode);
        } else if machine.exists(path) {
            return failed(1, format!("mkdir: cannot create directory '{path}': File exists"));
        } else if !machine.files.is_folder(above(&absolute(path))) {
            return failed(1, format!("mkdir: cannot create directory '{path}': {NONE}"));
        } else {
            machine.files.make_folders(path, mode);
        }
    }
    done()
}

/// Where `cp` and `mv` put a file: below the target where that is a folder.
fn destination(files: &Tree, from: &str, to: &str) -> String {
    if files.is_folder(to) {
        format!("{}/{}", to.trim_end_matches('/'), from.rsplit('/').next().unwrap_or(from))
    } else {
        to.to_owned()
    }
}

pub(super) fn cp(machine: &mut Machine, arguments: &[&str], _: &mut Stdin) -> Result<Output, Gap> {
    let Some((options, [from, to])) = options(arguments, &["-p", "-a"]) else { return unknown("cp", arguments) };
    if machine.condition.is_disk_full {
        return failed(1, format!("cp: error writing '{to}': No space left on device"));
    }
    let Some(entry) = machine.files.get(from).cloned() else {
        return failed(1, format!("cp: cannot stat '{from}': {NONE}"));
    };
    let Some(bytes) = entry.bytes() else { return unknown("cp", arguments) };
    let to = destination(&machine.files, from, to);
    if !machine.files.is_folder(above(&absolute(&to))) {
        return failed(1, format!("cp: cannot create regular file '{to}': {NONE}"));
    }
    if machine.files.exists(&to) && options.is_empty() {
        machine.files.overwrite(&to, bytes.to_vec());
    } else {
        let (owner, group) = if options.is_empty() { ("root", "root") } else { (&*entry.owner, &*entry.group) };
        machine.files.put(&to, What::File(bytes.to_vec()), entry.mode, owner, group);
    }
    done()
}

pub(super) fn mv(machine: &mut Machine, arguments: &[&str], _: &mut Stdin) -> Result<Output, Gap> {
    let Some((options, [from, to])) = options(arguments, &["-f", "-T"]) else { return unknown("mv", arguments) };
    let to = if options.contains(&"-T") { (*to).to_owned() } else { destination(&machine.files, from, to) };
    if machine.files.rename(from, &to) { done() } else { failed(1, format!("mv: cannot stat '{from}': {NONE}")) }
}

pub(super) fn chmod(machine: &mut Machine, arguments: &[&str], _: &mut Stdin) -> Result<Output, Gap> {
    let Some((_, [mode, path])) = options(arguments, &[]) else { return unknown("chmod", arguments) };
    let Ok(mode) = u32::from_str_radix(mode, 8) else { return unknown("chmod", arguments) };
    let is_there = machine.files.change(path, |entry| entry.mode = mode);
    if is_there { done() } else { failed(1, format!("chmod: cannot access '{path}': {NONE}")) }
}

pub(super) fn sync(machine: &mut Machine, arguments: &[&str], _: &mut Stdin) -> Result<Output, Gap> {
    let Some((_, paths)) = options(arguments, &[]) else { return unknown("sync", arguments) };
    match paths.iter().find(|path| !machine.exists(path)) {
        Some(path) => failed(1, format!("sync: error opening '{path}': {NONE}")),
        None => done(),
    }
}

/// `find FOLDER… [-maxdepth N] [-type f] -name PATTERN [-exec grep … {} +]`.
pub(super) fn find(machine: &mut Machine, arguments: &[&str], stdin: &mut Stdin) -> Result<Output, Gap> {
    let start = arguments.iter().position(|word| word.starts_with('-')).unwrap_or(arguments.len());
    let (folders, tests) = arguments.split_at(start);
    let (mut depth, mut names, mut files_only, mut prints, mut command) = (usize::MAX, Vec::new(), false, false, None);
    let mut words = tests.iter();
    while let Some(word) = words.next() {
        match (*word, words.as_slice().first().copied()) {
            ("-maxdepth", Some(number)) => depth = number.parse().unwrap_or(usize::MAX),
            ("-name", Some(pattern)) => names.push(pattern),
            ("-type", Some("f")) => files_only = true,
            ("-print", _) => {
                prints = true;
                continue;
            }
            ("-exec", Some(_)) => {
                let rest: Vec<&str> = words.by_ref().copied().collect();
                let [argv @ .., "{}", "+"] = rest.as_slice() else { return unknown("find", arguments) };
                command = Some(argv.to_vec());
                continue;
            }
            _ => return unknown("find", arguments),
        }
        words.next();
    }
    let mut output = Output::default();
    let mut found: Vec<String> = Vec::new();
    for folder in folders {
        if !machine.files.exists(folder) {
            output.stderr += &format!("find: '{folder}': {NONE}\n");
            output.code = 1;
            continue;
        }
        let place = absolute(folder);
        for (path, entry) in machine.files.below(folder) {
            let below = &path[place.len()..];
            let name = path.rsplit('/').next().unwrap_or(path);
            let is_meant = below.matches('/').count() <= depth
                && names.iter().all(|pattern| matches(pattern, name))
                && (!files_only || entry.bytes().is_some());
            if is_meant {
                found.push(format!("{}{below}", folder.trim_end_matches('/')));
            }
        }
    }
    match command {
        None => output.stdout = found.iter().map(|path| format!("{path}\n")).collect::<String>().into_bytes(),
        Some(_) if found.is_empty() => {}
        Some(argv) => {
            let listed = if prints { found.iter().map(|path| format!("{path}\n")).collect() } else { String::new() };
            let argv: Vec<String> = argv.iter().map(|word| (*word).to_owned()).chain(found).collect();
            let inner = machine.run(&argv, stdin)?;
            output.stdout = [listed.into_bytes(), inner.stdout].concat();
            output.stderr += &inner.stderr;
            // `-exec … +` makes find fail where the command does.
            output.code = output.code.max(u32::from(inner.code != 0));
        }
    }
    Ok(output)
}
