"""Print the completion script for a shell."""

from __future__ import annotations

import argparse
from typing import Final

from hadirector.cli.complete import FILES, HIDDEN

SCRIPTS: Final = {
    "bash": f"""# bash completion of hadirector: eval "$(hadirector completion bash)"
_hadirector() {{
    local line="${{COMP_LINE:0:COMP_POINT}}" found status current IFS=$'\\n'
    found=$("$1" {HIDDEN} --line "$line" 2>/dev/null)
    status=$?
    COMPREPLY=()
    if [[ $status -eq {FILES} ]]; then
        compopt -o default
        return
    fi
    while IFS=$'\\t' read -r word _; do
        [[ -n $word ]] && COMPREPLY+=("$word")
    done <<< "$found"
    # bash splits words at colons, and replaces only the part after the last colon.
    current="${{line##*[[:space:]]}}"
    if [[ $current == *:* && $COMP_WORDBREAKS == *:* ]]; then
        COMPREPLY=("${{COMPREPLY[@]#"${{current%"${{current##*:}}"}}"}}")
    fi
}}
complete -F _hadirector hadirector
""",
    "zsh": f"""#compdef hadirector
# zsh completion of hadirector: save it as _hadirector in a directory of $fpath, or
# eval "$(hadirector completion zsh)" after compinit
_hadirector() {{
    local found
    local -a lines names texts
    found="$("${{words[1]}}" {HIDDEN} "${{(@)words[2,CURRENT]}}" 2>/dev/null)"
    if (( $? == {FILES} )); then
        _files
        return
    fi
    [[ -n $found ]] || return 1
    lines=("${{(@f)found}}")
    names=("${{(@)lines%%$'\\t'*}}")
    texts=("${{(@)lines//$'\\t'/  }}")
    compadd -l -d texts -a names
}}
if [[ "${{funcstack[1]}}" == _hadirector ]]; then
    _hadirector "$@"
else
    compdef _hadirector hadirector
fi
""",
    "fish": f"""# fish completion of hadirector: hadirector completion fish | source
function __hadirector_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l found ($words[1] {HIDDEN} $words[2..-1] "$current" 2>/dev/null)
    if test $status -eq {FILES}
        __fish_complete_path "$current"
        return
    end
    for line in $found
        echo $line
    end
end
complete -c hadirector -f -a '(__hadirector_complete)'
""",
}
"""Each script runs the hidden command. Its exit code shows whether files complete the word."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.description = (
        "Print the completion script for a shell. It completes commands, options, files, and the"
        " names of the virtual servers, real servers and instances of the running director."
    )
    parser.add_argument("shell", choices=SCRIPTS, help="the shell")


def run(arguments: argparse.Namespace) -> int:
    """Print the script."""
    print(SCRIPTS[arguments.shell], end="")
    return 0
