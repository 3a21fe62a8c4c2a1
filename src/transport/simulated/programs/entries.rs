//! Programs that tell what is at a path, link to it, or change whose it is.

use super::super::files::{Entry, What};
use super::super::gap::Gap;
use super::super::machine::Machine;
use super::{Stdin, done, failed, unknown};
use crate::observe::Output;

/// `ls FOLDER|FILE…`: names in order, one a line.
pub(super) fn ls(machine: &mut Machine, arguments: &[&str], _: &mut Stdin) -> Result<Output, Gap> {
    if arguments.is_empty() || arguments.iter().any(|word| word.starts_with('-')) {
        return unknown("ls", arguments);
    }
    let (mut output, mut files, mut folders) = (Output::default(), Vec::new(), Vec::new());
    for path in arguments {
        if machine.files.is_folder(path) {
            let names = machine.names(path).into_iter().filter(|name| !name.starts_with('.'));
            folders.push((*path, names.map(|name| name + "\n").collect::<String>()));
        } else if machine.exists(path) || machine.files.entry(path).is_some() {
            files.push(format!("{path}\n"));
        } else {
            output.stderr += &format!("ls: cannot access '{path}': No such file or directory\n");
            output.code = 2;
        }
    }
    folders.sort_unstable();
    files.sort_unstable();
    let mut parts = vec![files.concat()];
    if arguments.len() == 1 {
        parts.extend(folders.into_iter().map(|(_, names)| names));
    } else {
        parts.extend(folders.into_iter().map(|(path, names)| format!("{path}:\n{names}")));
    }
    parts.retain(|part| !part.is_empty());
    output.stdout = parts.join("\n").into_bytes();
    Ok(output)
}

/// `stat -c FORMAT PATH…` with `%a`, `%U`, `%G`, `%n`, `%F`, `%s`, `%Y`.
pub(super) fn stat(machine: &mut Machine, arguments: &[&str], _: &mut Stdin) -> Result<Output, Gap> {
    let ["-c", format, paths @ ..] = arguments else { return unknown("stat", arguments) };
    let mut output = Output::default();
    for path in paths.iter().filter(|path| **path != "--") {
        if let Some(entry) = machine.files.entry(path) {
            let Some(line) = line(format, path, entry) else { return unknown("stat", arguments) };
            output.stdout.extend(line.into_bytes());
        } else {
            output.stderr += &format!("stat: cannot statx '{path}': No such file or directory\n");
            output.code = 1;
        }
    }
    Ok(output)
}

fn line(format: &str, path: &str, entry: &Entry) -> Option<String> {
    let mut line = String::new();
    let mut chars = format.chars();
    while let Some(c) = chars.next() {
        if c != '%' {
            line.push(c);
            continue;
        }
        match chars.next()? {
            'a' => line += &format!("{:o}", entry.mode),
            'U' => line += &entry.owner,
            'G' => line += &entry.group,
            'n' => line += path,
            'Y' => line += &entry.modified.to_string(),
            's' => line += &entry.bytes()?.len().to_string(),
            'F' => {
                line += match &entry.what {
                    What::File(bytes) if bytes.is_empty() => "regular empty file",
                    What::File(_) => "regular file",
                    What::Folder => "directory",
                    What::Link(_) => "symbolic link",
                    What::Device => "block special file",
                }
            }
            _ => return None,
        }
    }
    Some(line + "\n")
}

/// `touch -c -- PATH`: one that is not there stays so.
pub(super) fn touch(machine: &mut Machine, arguments: &[&str], _: &mut Stdin) -> Result<Output, Gap> {
    let ["-c", "--", path] = arguments else { return unknown("touch", arguments) };
    machine.files.touch(path);
    done()
}

/// `ln -s TO PATH`, `ln -- FILE PATH`.
pub(super) fn ln(machine: &mut Machine, arguments: &[&str], _: &mut Stdin) -> Result<Output, Gap> {
    if let ["--", file, path] = arguments {
        return match (machine.files.exists(file), machine.files.link(file, path)) {
            (_, true) => done(),
            (false, false) => failed(1, format!("ln: failed to access '{file}': No such file or directory")),
            (true, false) => failed(1, format!("ln: failed to create hard link '{path}': File exists")),
        };
    }
    let ["-s", to, path] = arguments else { return unknown("ln", arguments) };
    if machine.files.entry(path).is_some() {
        return failed(1, format!("ln: failed to create symbolic link '{path}': File exists"));
    }
    machine.files.put(path, What::Link((*to).to_owned()), 0o777, "root", "root");
    done()
}

/// `chown [--] OWNER|OWNER:GROUP|:GROUP PATH…`.
pub(super) fn chown(machine: &mut Machine, arguments: &[&str], _: &mut Stdin) -> Result<Output, Gap> {
    let words: Vec<&str> = arguments.iter().copied().filter(|word| *word != "--").collect();
    let [names, paths @ ..] = words.as_slice() else { return unknown("chown", arguments) };
    if names.starts_with('-') || paths.is_empty() || paths.iter().any(|path| path.starts_with('-')) {
        return unknown("chown", arguments);
    }
    let (owner, group) = names.split_once(':').unwrap_or((names, ""));
    own(machine, "chown", names, (owner, group), paths)
}

/// `chgrp [--] GROUP PATH…`.
pub(super) fn chgrp(machine: &mut Machine, arguments: &[&str], _: &mut Stdin) -> Result<Output, Gap> {
    let words: Vec<&str> = arguments.iter().copied().filter(|word| *word != "--").collect();
    match words.as_slice() {
        [group, paths @ ..] if !group.starts_with('-') && !paths.is_empty() => {
            own(machine, "chgrp", group, ("", group), paths)
        }
        _ => unknown("chgrp", arguments),
    }
}

fn own(
    machine: &mut Machine,
    program: &str,
    named: &str,
    (owner, group): (&str, &str),
    paths: &[&str],
) -> Result<Output, Gap> {
    for (what, name) in [("user", owner), ("group", group)] {
        if !name.is_empty() && !machine.accounts.contains(name) {
            return failed(1, format!("{program}: invalid {what}: '{named}'"));
        }
    }
    for path in paths {
        let is_there = machine.files.change(path, |entry| {
            if !owner.is_empty() {
                owner.clone_into(&mut entry.owner);
            }
            if !group.is_empty() {
                group.clone_into(&mut entry.group);
            }
        });
        if !is_there {
            return failed(1, format!("{program}: cannot access '{path}': No such file or directory"));
        }
    }
    done()
}
