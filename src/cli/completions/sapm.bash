# Completes sapm in bash, also in 3.2. Made by: sapm completions bash
_sapm() {
    local candidate
    COMPREPLY=()
    # Names in candidates are plain, so that bash can insert them as they are. File names are left to bash, which quotes them.
    while IFS= read -r candidate; do
        COMPREPLY+=("$candidate")
    done < <(command sapm __complete bash "$COMP_CWORD" -- "${COMP_WORDS[@]}" 2>/dev/null)
}
complete -o bashdefault -o default -F _sapm sapm
