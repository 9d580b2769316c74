"""What each shell is told once, so that it asks Runner on Tab. The scripts name no command and no
model: they stay as they are when Runner changes."""

BASH = r"""# Completion for runner in bash. To have it in every shell:
#   runner completion bash >> ~/.bashrc
_runner_completion() {
    local IFS=$'\n' line=${COMP_LINE:0:COMP_POINT}
    COMPREPLY=($(_RUNNER_COMPLETE=bash "$1" "$line" "$COMP_WORDBREAKS" 2>/dev/null))
}
complete -o default -F _runner_completion runner
"""

ZSH = r"""#compdef runner
# Completion for runner in zsh. To have it in every shell, after compinit:
#   runner completion zsh >> ~/.zshrc
_runner() {
    local -a values shown
    local value what
    while IFS=$'\t' read -r value what; do
        values+=("$value")
        shown+=("$value${what:+  -- $what}")
    done < <(_RUNNER_COMPLETE=zsh "$words[1]" "${(j: :)words[1,CURRENT-1]} $PREFIX" 2>/dev/null)
    if (( $#values )); then
        compadd -U -l -d shown -a values
    else
        _files
    fi
}
if [[ "$funcstack[1]" == _runner ]]; then
    _runner "$@"
else
    compdef _runner runner
fi
"""

FISH = r"""# Completion for runner in fish. To have it in every shell:
#   runner completion fish > ~/.config/fish/completions/runner.fish
function __runner_complete
    set -l found (_RUNNER_COMPLETE=fish runner (commandline -cp) 2>/dev/null)
    if test (count $found) -gt 0
        printf '%s\n' $found
    else
        __fish_complete_path (commandline -ct)
    end
end
complete -c runner -f -a '(__runner_complete)'
"""

POWERSHELL = r"""# Completion for runner in PowerShell. To have it in every shell:
#   runner completion powershell >> $PROFILE
Register-ArgumentCompleter -Native -CommandName runner -ScriptBlock {
    param($word, $command, $cursor)
    $length = $cursor - $command.Extent.StartOffset
    $line = $command.ToString().PadRight($length).Substring(0, $length)
    $env:_RUNNER_COMPLETE = 'powershell'
    try {
        runner $line 2>$null | ForEach-Object {
            $value, $what = $_ -split "`t", 2
            if (-not $what) { $what = $value }
            [System.Management.Automation.CompletionResult]::new(
                $value, $value, 'ParameterValue', $what)
        }
    } finally {
        Remove-Item Env:_RUNNER_COMPLETE
    }
}
"""

SCRIPTS = {"bash": BASH, "zsh": ZSH, "fish": FISH, "powershell": POWERSHELL}
