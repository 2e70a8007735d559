# Completes sapm in fish. Made by: sapm completions fish
function __sapm_complete
    set -l words (commandline --current-process --tokenize --cut-at-cursor)
    set -l word (commandline --current-token --cut-at-cursor)
    test (count $word) -gt 0; or set word ''
    set -l candidates (command sapm __complete fish (count $words) -- $words $word 2>/dev/null)
    if test (count $candidates) -gt 0
        printf '%s\n' $candidates
    else
        __fish_complete_path $word
    end
end
complete --command sapm --no-files --keep-order --arguments '(__sapm_complete)'
