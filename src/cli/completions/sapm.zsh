#compdef sapm
# Completes sapm in zsh. Made by: sapm completions zsh
_sapm() {
    local line
    local -a values texts
    for line in "${(@f)$(command sapm __complete zsh $((CURRENT - 1)) -- "${(@Q)words}" 2>/dev/null)}"; do
        [[ -n "$line" ]] || continue
        values+=("${line%%$'\t'*}")
        texts+=("${line/$'\t'/  -- }")
    done
    if (( $#values )); then
        compadd -U -V sapm -l -d texts -a values
    else
        _files
    fi
}
if [[ "${funcstack[1]}" == _sapm ]]; then
    _sapm "$@"
else
    compdef _sapm sapm
fi
