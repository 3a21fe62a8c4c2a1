//! The simulated shell against what a real one prints.

use super::super::machine::Machine;
use super::super::programs::Stdin;
use super::run;

fn sh(script: &str, arguments: &[&str]) -> (String, String, u32) {
    let mut machine = Machine::bare("n5", 1);
    machine.files.write("/etc/lines", "one 1 x y\ntwo 2\n", 0o644);
    let arguments: Vec<String> = arguments.iter().map(|argument| (*argument).to_owned()).collect();
    let output = run(&mut machine, script, "sh", &arguments, &mut Stdin::default()).unwrap();
    (output.text().into_owned(), output.stderr, output.code)
}

#[test]
fn scripts_print_what_dash_prints() {
    for (script, arguments, printed) in [
        (r#"while read -r a b rest; do echo "$b-$a-$rest"; done </etc/lines"#, &[][..], "1-one-x y\n2-two-\n"),
        (r#"f() { [ "$1" != x ] || return 3; echo no; }; f x; echo $?"#, &[], "3\n"),
        (r#"x=a.b.c; echo "${x%.*}" "${x%%.*}" "${x#*.}" "${x##*.}""#, &[], "a.b a b.c c\n"),
        (r#"case " a b " in *' b '* | x) echo yes ;; *) echo no ;; esac"#, &[], "yes\n"),
        (r#"for x; do printf '<%s>' "$x"; done"#, &["a b", "", "c"], "<a b><><c>"),
        (r#"set -- a "b c"; shift; echo $# "$1" ${2:-none} ${1:+"x y"}"#, &[], "1 b c none x y\n"),
        (r"n=4; echo $((n + 3))", &[], "7\n"),
        (r"echo $((2 + 3)) $(($(echo 4) - 1))", &[], "5 3\n"),
        (r"false || { echo a; false; } && echo b; echo $?", &[], "a\n1\n"),
        (r#"x=$(echo a; exit 4); echo "$x $?""#, &[], "a 4\n"),
        (r#"false; code=$?; echo "$code $?"; x=$(exit 5) && echo no; code=$?; echo "$code""#, &[], "1 0\n5\n"),
        (r#"echo a | { read -r x; echo "[$x]"; }"#, &[], "[a]\n"),
        (r#"x=1; (x=2); echo "$x"; ! true; echo $?"#, &[], "1\n1\n"),
        (r"if [ -e /none ]; then echo a; elif [ -e /etc/lines ]; then echo b; else echo c; fi", &[], "b\n"),
        (r#"x='a  b'; echo $x "$x"; for w in $x; do echo "$w"; done"#, &[], "a b a  b\na\nb\n"),
        (r"echo /etc/*; set -f; echo /etc/*", &[], "/etc/lines\n/etc/*\n"),
        (r"i=0; while :; do i=$(($i+1)); [ $i -lt 3 ] || break; done; echo $i", &[], "3\n"),
        (r"echo a >/tmp/x && echo b >>/tmp/x; cat /tmp/x", &[], "a\nb\n"),
        (r#"IFS= read -r x </etc/lines; echo "$x" 'it'"'"'s'"#, &[], "one 1 x y it's\n"),
        (r"{ echo a; echo b >&2; } 2>/dev/null", &[], "a\n"),
        (r#"printf '%s %s\n' a b c; echo "${3:-x}" '$no'"#, &[], "a b\nc \nx $no\n"),
    ] {
        let (stdout, stderr, _) = sh(script, arguments);
        assert_eq!(stdout, printed, "{script}\n{stderr}");
        if !script.contains("/etc") && !script.contains("/tmp") {
            let real = std::process::Command::new("sh").args(["-c", script, "sh"]).args(arguments).output().unwrap();
            assert_eq!(String::from_utf8_lossy(&real.stdout), printed, "{script} in the sh of this machine");
        }
    }
}

#[test]
fn the_status_is_that_of_the_last_command() {
    assert_eq!(sh("exit 7", &[]).2, 7);
    assert_eq!(sh("false", &[]).2, 1);
    assert_eq!(sh("cat /none", &[]).1, "cat: /none: No such file or directory\n");
}

#[test]
fn what_the_shell_does_not_know_is_said() {
    let mut machine = Machine::bare("n5", 1);
    for script in ["cat <<X\nX", "echo `date`", "sleep 1 &", "trap x EXIT", "no-such-program", "while :; do :; done"] {
        let said = run(&mut machine, script, "sh", &[], &mut Stdin::default()).unwrap_err().to_string();
        assert!(said.starts_with("the simulated sh ") || said.contains("no program"), "{said}");
    }
}
