found=$("$1" version) || exit
[ "$found" = "$2" ] || { printf 'it says that it is %s, not %s\n' "$found" "$2" >&2; exit 1; }
